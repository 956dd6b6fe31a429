use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib";

use Test::More;
use Time::HiRes qw(sleep);

use Fake;
use Faults;
use Hosts;
use Redis;

# a server that answers, but what: each fault begins on a connection that works.
# None of them is about time, so there is enough of it.

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

my $enough = 100_000_000;

answers('garbage', { reply => "\x00\xff GARBAGE\r\n\r\n", all => 1 });
answers('a bulk of a gigabyte', { reply => "\$999999999\r\n" . 'x' x 100 });
answers('a bulk without end', { endless => "\$999999999\r\n" . 'x' x 1000 });
cmp_ok($counted->{written}, '<', $enough, 'it does not read for ever');
answers('a line without end', { endless => '+' . 'x' x 1000 });
cmp_ok($counted->{written}, '<', $enough, 'it does not read for ever');
answers('arrays in arrays', { reply => "*1\r\n" x 1000 });
answers('another type', { reply => ":1\r\n" });
answers('an empty answer', { reply => "\$0\r\n\r\n" });
answers('cut in the middle', { cut => 7 });

$host->ends;

done_testing;
