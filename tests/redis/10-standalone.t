use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib";

use Test::More;

use Hosts;
use Redis;

# two hosts on one server count as one, and what is there names nobody; on
# Valkey, too, where there is one

my $http = <<'HTTP';
    fraud_zone fraud 4m;
    fraud_log logs/fraud.log;
    fraud_rate few address rate=1r/h burst=5 points=10;
    fraud_distinct sessions address of=$cookie_sid max=3 window=10m points=4;
    fraud_reputation session half_life=1h max=50;
    fraud_signal bad if=$arg_bad points=20;
HTTP

# what could be found in a dump, and must not

my @raw = ('192.0.2.77', '198.51.100.3', '2001:db8:0:7::1', 'canary-one',
           'canary-two', 'canary-agent');
my @bytes = ("\xc0\x00\x02\x4d", "\xc6\x33\x64\x03",
             "\x20\x01\x0d\xb8\x00\x00\x00\x07");

# new_keys(server, sub): those that it made

sub new_keys {
    my ($redis, $run) = @_;
    my %before = map { $_ => 1 } $redis->keys;

    $run->();
    return grep { !$before{$_} } $redis->keys;
}

sub counts_together {
    my ($redis, $name) = @_;
    my @hosts = map { host(redis => $redis->url, http => $http, workers => 2) }
        1 .. 2;

    ok(warm(@hosts), "$name: both hosts are connected");

    my @said = map { $hosts[$_ % 2]->fraud('/', from => '192.0.2.77') } 0 .. 6;
    is("@said[0 .. 5]", join(' ', ('0 [] ok') x 6), 'six may pass in all');
    is($said[6], '10 [few=10] ok', 'the seventh is over');
    is($_->fraud('/', from => '192.0.2.77'), '10 [few=10] ok', 'at either')
        for @hosts;
    is($_->fraud('/', from => '192.0.2.78'), '0 [] ok', 'others are not')
        for @hosts;
    is($hosts[0]->get('/', from => '192.0.2.77')->{headers}{'x-pid'},
       $hosts[1]->get('/', from => '192.0.2.77')->{headers}{'x-pid'},
       'one pseudonym');

    # distinct values and reputation, too

    my @canary = map { "canary-$_" } qw(one two three four);

    @said = map {
        $hosts[$_ % 2]->fraud('/', from => '198.51.100.3',
                              Cookie => "sid=$canary[$_]")
    } 0 .. 3;
    is("@said[0 .. 2]", join(' ', ('0 [] ok') x 3), 'three sessions');
    is($said[3], '4 [sessions=4] ok', 'the fourth is one too many');

    $hosts[0]->get('/?bad=1', from => '2001:db8:0:7::1',
                   Cookie => 'sid=canary-bad', 'User-Agent' => 'canary-agent');
    my $learned = '20 [reputation.session=20] ok';
    ok(eventually(sub {
        return $hosts[1]->fraud('/', from => '2001:db8:0:8::1',
                                Cookie => 'sid=canary-bad') eq $learned;
    }), 'what it did there counts here, a moment later');

    is($_->status->{redis}{state}, 'ok', 'the status says so') for @hosts;
    cmp_ok($_->status->{redis}{calls}, '>=', 5, 'and counts') for @hosts;
    is($_->status->{redis}{errors}, 0, 'no error') for @hosts;

    # the keys: pseudonyms with a time to live

    my @keys = $redis->keys;
    cmp_ok(scalar @keys, '>=', 6, 'there are keys');
    is_deeply([grep { !/\Afraud:[a-z2-7]{26}\z/ && !/\Afraud:probe0+\z/ }
               @keys], [], 'each is fraud: and 26 letters, or the probe');

    my %ttl = map { $_ => $redis->cmd('TTL', $_) } @keys;
    is_deeply([grep { $ttl{$_} <= 0 } @keys], [], 'each has a time to live');
    is_deeply([grep { $ttl{$_} > 30 * 86400 + 86400 } @keys], [],
              'of days, not years');

    my ($key) = new_keys($redis,
                         sub { $hosts[0]->get('/', from => '192.0.2.79') });

    # six hours until the bucket is empty, and an eighth, so that not every
    # request has to set it anew
    cmp_ok($redis->cmd('TTL', $key), '<=', 6 * 3600 * 9 / 8 + 30,
           'no longer than its rate can matter');

    # values: nothing raw in any encoding that would be an accident

    my $dump = join "\n", @keys, map { $redis->cmd('GET', $_) } @keys;
    is_deeply([grep { index($dump, $_) >= 0 } @raw, @bytes], [],
              'nothing raw among them');

    # a reload keeps everything, and so does an empty zone

    ok($hosts[0]->reload(http => $hosts[0]{conf}{http}
                         =~ s/fraud_zone fraud 4m;/fraud_zone fraud 8m;/r),
       'reloaded with another zone');
    ok(warm($hosts[0]), 'it is connected again');
    is($hosts[0]->fraud('/', from => '192.0.2.77'), '10 [few=10] ok',
       'what was counted is there');
    is($hosts[0]->fraud('/', Cookie => 'sid=canary-bad'),
       '20 [reputation.session=20] ok', 'what was learned, too');

    # what a log says cannot be joined with what is here

    isnt('fraud:' . $hosts[0]->get('/', from => '192.0.2.79')
                             ->{headers}{'x-pid'}, $key,
         'the pseudonym that variables show is another');

    # none of it in the logs of either side

    is_deeply([grep { index($redis->log, $_) >= 0 } @raw], [],
              'nothing raw in the log of the server');
    is(state_lines($_), '0 lost, 0 back', 'Redis was never lost') for @hosts;
    $_->ends for @hosts;

    connections($redis, 0, 'no connection is left');
}

# other hosts' script versions, flushes and restarts are met on the way

sub survives {
    my ($redis, $name) = @_;
    my $host = host(redis => $redis->url, http => $http);

    ok(warm($host), "$name: connected");
    $host->get('/', from => '192.0.2.90') for 1 .. 6;
    $redis->cmd('SCRIPT', 'FLUSH');
    is($host->fraud('/', from => '192.0.2.90'), '10 [few=10] ok',
       'a flush of the scripts is not noticed');
    is($host->status->{redis}{state}, 'ok', 'by nobody');

    # foreign bytes under our keys are nobody's state

    my ($key) = new_keys($redis,
                         sub { $host->get('/', from => '192.0.2.91') });
    for my $bytes ('', 'x', "\0" x 500, "\xff" x 3000, 'y' x 100_000) {
        $redis->cmd('SET', $key, $bytes);
        is($host->fraud('/', from => '192.0.2.91'), '0 [] ok',
           length($bytes) . ' foreign bytes under a key');
    }
    $redis->cmd('DEL', $key);
    $redis->cmd('LPUSH', $key, 'x');
    is($host->fraud('/', from => '192.0.2.91'), '0 [] ok',
       'a list under a key');
    cmp_ok($redis->cmd('STRLEN', $key), '>', 0, 'is replaced');

    $redis->cmd('FLUSHALL');
    is($host->fraud('/', from => '192.0.2.92'), '0 [] ok',
       'all keys gone: a clean slate');
    is(state_lines($host), '0 lost, 0 back', 'Redis was never lost');
    $host->ends;
}

my %servers = ($Redis::SERVER => 1);
$servers{'valkey-server'} = 1 if Redis::have('valkey-server');

for my $server (sort keys %servers) {
    my $redis = Redis->new(server => $server);

    counts_together($redis, $server);
    $redis->cmd('FLUSHALL');
    survives($redis, $server);
}

done_testing;
