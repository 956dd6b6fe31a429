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

my $redis = Redis->new;
my $fake = Fake->new($redis);
my $host = host(workers => 2, redis => $fake->url,
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

answers('late', { slow => 60, all => 1 }, counts => ['timeouts']);
answers('late with scripts alone', { slow => 60 }, counts => ['timeouts']);
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

{
    my $lines = state_lines($host);
    $fake->plan(slow => 6);
    my $load = Load->start(nginx => $host, clients => 4, rate => 50,
                           headers => addresses(2));
    sleep 1.2;
    my $samples = $load->stop;
    $fake->plan(pass => 1);

    is($samples->others(200), '', 'six milliseconds are in time');
    cmp_ok($samples->within(0.5), '>=', 6, 'they were waited for');
    cmp_ok($samples->said(qr/ ok$/), '>=', 0.9 * $samples->n,
           'and judged with');
}

# a late answer belongs to its own question: none is taken for the next one's

{
    $fake->plan(slow => 25);
    $host->get('/', from => "203.0.113.$_") for 1 .. 3;
    $fake->plan(pass => 1);
    ok(warm($host), 'in time again');
    is($host->fraud('/', from => '203.0.113.200'), '0 [] ok', 'a newcomer');
    is($host->fraud('/', from => '203.0.113.200'), '0 [] ok', 'once more');
    is($host->fraud('/', from => '203.0.113.200'), '10 [few=10] ok', 'over');
}

$host->ends;

done_testing;
