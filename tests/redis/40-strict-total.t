use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib";

use Test::More;
use Time::HiRes qw(sleep);

use Hosts;
use Load;
use Redis;

# two hosts of two workers let through together what one limit says, whether
# the zone answers for those who are over, or Redis

my ($rate, $burst) = (50, 10);
my $redis = Redis->new;
my $server = $Hosts::SERVER =~ s/observe/enforce/r;

for my $cache ('on', 'off') {
    my @hosts = map {
        host(redis => 'fraud_redis ' . $redis->url
                 . "; fraud_redis_cache $cache;",
             workers => 2, server => $server,
             http => "fraud_rate all address rate=${rate}r/s burst=$burst "
                 . 'points=60; fraud_action 60 limit;')
    } 1 .. 2;

    ok(warm(@hosts), "cache $cache: connected");

    my $load = Load->start(nginx => \@hosts, clients => 4, rate => 120,
        headers => sub { "X-Forwarded-For: 198.51.100.9\r\n" });
    sleep 10;
    my $samples = $load->stop;

    my $took = $samples->span;
    my $idle = $samples->idle($burst / $rate / 2);
    my $passed = $samples->count(200);
    my $expected = $rate * $took + $burst + 1;

    note sprintf '%d of %d passed in %.2f s (%.2f idle), %.1f expected',
        $passed, $samples->n, $took, $idle, $expected;
    is($samples->others(200, 429), '', 'each was answered');
    cmp_ok($samples->n, '>', 2 * $rate * $took, 'many more asked');
    cmp_ok($passed, '<=', $expected * 1.02, 'not more passed than may');
    cmp_ok($passed, '>=', $rate * ($took - $idle) * 0.98, 'and not fewer');
    is($samples->said(qr/ ok$/), $samples->n, 'all with Redis');
    is(state_lines($_), '0 lost, 0 back', 'which was never lost') for @hosts;
    $_->ends for @hosts;
    $redis->cmd('FLUSHALL');
}

done_testing;
