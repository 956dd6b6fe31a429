use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use Hosts;
use Load;
use Redis;

# a client that makes up subjects cannot fill Redis; who is known is counted on

my $redis = Redis->new;
my $http = <<'HTTP';
    fraud_zone fraud 16m;
    fraud_identity device $arg_device kind=device;
    fraud_rate few session rate=1r/h burst=3 points=10;
    fraud_rate tries device rate=1r/h burst=3 points=20;
    fraud_rate all address rate=1r/h burst=100000 points=40;
HTTP

# flood(name, budget, what): how many keys it made, and in which time

sub flood {
    my ($name, $budget, %what) = @_;
    $redis->cmd('FLUSHALL');
    my $host = host(workers => 2, redis => 'fraud_redis ' . $redis->url . ';'
                    . (defined $budget ? "fraud_redis_budget $budget;" : ''),
                    http => $http . ($what{http} // ''));
    ok(warm($host), "$name: connected");

    # one who is known before it begins, by the same way
    my @known = (from => $what{from}, Cookie => 'sid=known');
    $host->get('/?device=known', @known) for 1 .. 2;
    sleep 1.1;

    my $before = $redis->cmd('DBSIZE');
    my $load = Load->start(nginx => $host, clients => 3, rate => 300, %what);
    sleep 2.5;
    my $meanwhile = $host->fraud('/?device=known', @known);
    $meanwhile = $host->fraud('/?device=known', @known);

    # a stranger from elsewhere
    my @other = (from => '192.0.2.200', Cookie => 'sid=other');
    my @said = map { $host->fraud('/?device=other', @other) } 1 .. 5;

    my $samples = $load->stop;
    my $took = $samples->span;
    my $made = $redis->cmd('DBSIZE') - $before;
    my $counted = $host->status->{redis}{budgeted};

    note sprintf '%s: %d requests made %d keys in %.1f s', $name,
        $samples->n, $made, $took;
    is($samples->others(200), '', 'all are served');
    is($meanwhile, '0 [] ok', 'four times is not too often');
    is($host->fraud('/?device=known', @known), '30 [tries=20,few=10] ok',
       'who was known before is still counted');
    is("@said", '0 [] ok 0 [] ok 0 [] ok 0 [] ok 30 [tries=20,few=10] ok',
       'and so is who comes from elsewhere');

    # a second later there is room for newcomers again
    sleep 1.2;
    my @late = (from => $what{from}, Cookie => 'sid=late');
    @said = map { $host->fraud('/?device=late', @late) } 1 .. 5;
    is($said[4], '30 [tries=20,few=10] ok', 'and later newcomers, too');

    # over budget or not, the address was counted
    is(state_lines($host), '0 lost, 0 back', 'Redis was not lost');
    $host->ends;
    return ($made, $took, $samples->n, $counted);
}

sub within {
    my ($name, $rate, $kinds, @flood) = @_;
    my ($made, $took, $n, $counted) = flood($name, @flood);

    # two keys of the stranger and its address; a bucket that is full at first
    cmp_ok($n, '>', 1.2 * $rate * $took, "$name: more were made up");
    cmp_ok($made, '<=', $kinds * $rate * ($took + 1) * 1.1 + 5,
           "no more than $rate a second");
    cmp_ok($made, '>=', $rate * $took * 0.5, 'but some');
    cmp_ok($counted, '>=', 0.9 * ($n - $made) - 5,
           'the status counts the others');
}

my $from = '198.51.100.7';

within('cookies', 50, 1, undef, from => $from, headers => sub {
    "X-Forwarded-For: $from\r\nCookie: sid=c$_[0]x$_[1]\r\n" });

within('devices, less', 20, 1, '20r/s', from => $from,
    uri => sub { "/?device=d$_[0]x$_[1]" },
    headers => sub { "X-Forwarded-For: $from\r\n" });

within('addresses of a /48', 50, 1, undef, from => '2001:db8:7:ffff::1',
    headers => sub { sprintf "X-Forwarded-For: 2001:db8:7:%x::1\r\n",
                             $_[0] * 4096 + $_[1] });

# a /24 is spent soon: four seconds' worth

{
    $redis->cmd('FLUSHALL');
    my $host = host(workers => 2, redis => $redis->url, http => $http);
    ok(warm($host), 'a /24: connected');
    my ($before, $begin) = ($redis->cmd('DBSIZE'), time);
    $host->get('/', from => "198.51.100.$_") for 1 .. 250;
    my ($made, $took) = ($redis->cmd('DBSIZE') - $before, time - $begin);
    cmp_ok($made, '<=', 50 * ($took + 1) + 2,
           sprintf '250 addresses in %.2f s', $took);
    $host->ends;
}

# and one that wants it so

{
    my ($made, $took, $n, $counted) = flood('off', 'off', from => $from,
        headers => sub {
            "X-Forwarded-For: $from\r\nCookie: sid=o$_[0]x$_[1]\r\n" });
    cmp_ok($made, '>=', $n - 5, 'off: a key for each');
    is($counted, 0, 'nothing is budgeted');
}

done_testing;
