use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib";

use Test::More;
use Time::HiRes qw(sleep);

use Fake;
use Faults;
use Hosts;
use Load;
use Redis;

# answers that come late, never, or say that the server is not ready

$Faults::TIMEOUT = 50;

my $redis = Redis->new;
my $fake = Fake->new($redis);
my $host = host(workers => 2,
    redis => 'fraud_redis ' . $fake->url . '; fraud_redis_timeout 50ms;',
    http => 'fraud_rate few address rate=1r/h burst=1 points=10;'
        . 'fraud_zone fraud 8m;');
my $counted;

ok(warm($host), 'connected');

sub answers {
    my ($name, $plan, %more) = @_;
    fault($host, $name, %more,
          break => sub { $fake->plan(%$plan) },
          mend => sub { $counted = $fake->plan(pass => 1) });
}

answers('late', { slow => 150, all => 1 }, counts => ['timeouts']);
answers('late with scripts alone', { slow => 150 }, counts => ['timeouts']);
answers('silence', { silent => 1, all => 1 }, counts => ['timeouts']);
answers('refused', { refuse => 1 }, why => qr/refused|closed|reset/);
answers('loading', { all => 1, reply => '-LOADING Redis is loading the dataset'
                                        . " in memory\r\n" },
        why => qr/LOADING/);
answers('no script, however often it is loaded',
        { reply => "-NOSCRIPT No matching script.\r\n" });
cmp_ok($counted->{commands}, '<', 3000, 'it is not asked for ever');
answers('an error of the script',
        { reply => "-ERR user_script:1: attempt to index a nil value\r\n" },
        counts => ['errors'], why => qr/ERR/);

# what is slow but in time is waited for

sub timeout {
    my ($time) = @_;
    return host(workers => 2, redis => 'fraud_redis ' . $fake->url
        . "; fraud_redis_timeout $time;",
        http => 'fraud_rate few address rate=1r/h burst=1 points=10;');
}

{
    my $patient = timeout('5s');
    ok(warm($patient), 'five seconds: connected');
    $fake->plan(slow => 100);
    my $load = Load->start(nginx => $patient, clients => 4, rate => 50,
                           headers => addresses(2));
    sleep 1.2;
    my $samples = $load->stop;
    $fake->plan(pass => 1);

    is($samples->others(200), '', 'a tenth of one is in time');
    cmp_ok($samples->within(0.5), '>=', 100, 'it was waited for');
    is($samples->said(qr/ ok$/), $samples->n, 'and judged with');
    is(state_lines($patient), '0 lost, 0 back', 'nothing was lost');
    $patient->ends;
}

# a late answer belongs to its own question: none is taken for the next one's

{
    my $hasty = timeout('400ms');
    ok(warm($hasty), '400 ms: connected');
    $fake->plan(slow => 800);
    like($hasty->fraud('/', from => "203.0.113.$_"), qr/ local$/, 'too late')
        for 1 .. 3;
    $fake->plan(pass => 1);
    ok(warm($hasty), 'in time again');
    is($hasty->fraud('/', from => '203.0.113.200'), '0 [] ok', 'a newcomer')
        for 1, 2;
    is($hasty->fraud('/', from => '203.0.113.200'), '10 [few=10] ok', 'over');
    $hasty->ends;
}

$host->ends;

done_testing;
