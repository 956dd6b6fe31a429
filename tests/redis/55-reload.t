use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use Fake;
use Hosts;
use Load;
use Redis;

# reloads under load: no request fails, no connection stays behind

my $redis = Redis->new;
my @conf = (workers => 2,
            http => 'fraud_rate few address rate=1r/h burst=5 points=10;'
                . 'fraud_zone fraud 4m;');

for my $mode ('strict', 'relaxed') {
    my $host = host(redis => 'fraud_redis ' . $redis->url
                    . "; fraud_redis_mode $mode;", @conf);
    ok(warm($host), "$mode: connected");
    connections($redis, 2, 'a connection for each worker');
    $host->get('/', from => '192.0.2.1') for 1 .. 6;

    my $load = Load->start(nginx => $host, clients => 4, rate => 100,
                           keepalive => 0, headers => addresses(3));
    my $most = 0;

    for (1 .. 20) {
        $host->signal('HUP');
        sleep 0.3;
        my $now = $redis->clients;
        $most = $now if $now > $most;
    }
    ok($host->reload, 'the last of 21 reloads');
    sleep 0.5;
    my $samples = $load->stop;

    is($samples->others(200), '', 'no request failed');
    cmp_ok($samples->n, '>', 500, 'there was load');
    cmp_ok($samples->said(qr/ ok$/), '>=', 0.97 * $samples->n,
           'nearly all were judged with Redis');
    cmp_ok($samples->worst, '<', 4000, 'none was stuck');
    note sprintf '%s: worst %.1f ms, %d of %d without Redis, at most %d '
        . 'connections', $mode, $samples->worst,
        $samples->n - $samples->said(qr/ ok$/), $samples->n, $most;

    connections($redis, 2, 'no connection is left behind');
    is($host->fraud('/', from => '192.0.2.1'), '10 [few=10] ok',
       'what was counted is there');
    is(state_lines($host), '0 lost, 0 back', 'Redis was not lost');
    unlike($host->error_log, qr/open socket #\d+ left/, 'no socket left');

    # quit: what waits is answered, and then it ends

    my $quit = Load->start(nginx => $host, clients => 2, rate => 100,
                           keepalive => 0, headers => addresses(3));
    sleep 0.3;
    $quit->stop;
    $host->signal('QUIT');
    ok(eventually(sub { !grep { kill 0, $_ } $host->workers }, 10),
       'it quits, soon');
    connections($redis, 0, 'and takes its connections along');
    $host->ends;
    $redis->cmd('FLUSHALL');
}

# reloads while Redis is gone, or answers late

{
    my $fake = Fake->new($redis);
    my $host = host(redis => 'fraud_redis ' . $fake->url
                    . '; fraud_redis_timeout 15ms;', @conf);
    ok(warm($host), 'connected');
    my $load = Load->start(nginx => $host, clients => 4, rate => 50,
                           keepalive => 0, headers => addresses(3));

    for my $plan ({ slow => 12 }, { silent => 1, all => 1 }, { refuse => 1 },
                  { slow => 500, all => 1 })
    {
        $fake->plan(%$plan);
        for (1 .. 2) {
            sleep 0.2;
            ok($host->reload, 'reloaded, ' . join ' ', %$plan);
        }
    }
    $fake->plan(pass => 1);
    ok(in_state($host, 'ok'), 'back');
    my $samples = $load->stop;
    is($samples->others(200), '', 'no request failed');
    cmp_ok($samples->worst, '<', 4000, 'none was stuck');
    $host->ends;
}

# clients that go while they wait

{
    $redis->cmd('FLUSHALL');
    my $fake = Fake->new($redis);
    my $host = host(redis => $fake->url, @conf);
    ok(warm($host), 'connected');
    $fake->plan(slow => 200);

    for my $round (1 .. 5) {
        my @sockets = map { $host->send('/', from => "192.0.2.$_") } 1 .. 30;
        sleep 0.02;
        close $_ for @sockets;
        sleep 0.25;
    }
    $fake->plan(pass => 1);
    sleep 0.3;
    is($host->fraud('/', from => '192.0.2.99'), '0 [] ok', 'all is well');
    is(state_lines($host), '0 lost, 0 back', 'Redis was not lost');
    $host->ends;
}

done_testing;
