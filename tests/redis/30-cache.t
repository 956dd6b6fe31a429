use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use Hosts;
use Redis;

# who is over a limit stays over it until its retry time: the zone knows, and
# Redis is not asked

my $redis = Redis->new;
my $evals = sub { $redis->calls('evalsha') + $redis->calls('eval') };

# what is still on its way when a request is answered is no answer to the next
# one: until nothing comes any more

my $quiet = sub {
    my $before = -1;
    eventually(sub {
        my $now = $evals->();
        my $same = $now == $before;
        $before = $now;
        sleep 0.3 if !$same;
        return $same;
    });
    return $before;
};

my $slow = 'fraud_rate slow address rate=1r/h burst=2 points=10;';
my $fast = 'fraud_rate fast address rate=1r/s burst=0 points=10;';

{
    my ($host, $other) = map { host(redis => $redis->url, workers => 2,
                                    http => $slow) } 1 .. 2;
    ok(warm($host, $other), 'connected');

    is($host->fraud('/', from => '192.0.2.1'), '0 [] ok', 'passes')
        for 1 .. 3;
    is($host->fraud('/', from => '192.0.2.1'), '10 [slow=10] ok', 'over');

    my $before = $quiet->();
    my $cached = $host->status->{redis}{cached};
    my %said;

    $said{$host->fraud('/', from => '192.0.2.1')}++ for 1 .. 100;
    is_deeply(\%said, { '10 [slow=10] ok' => 100 }, 'a hundred times over');
    is($evals->(), $before, 'Redis was not asked');
    is($host->status->{redis}{cached}, $cached + 100, 'the status counts');

    # who is not over is asked about, always

    $host->fraud('/', from => "192.0.2.1$_") for 0 .. 9;
    cmp_ok($evals->(), '>=', $before + 10, 'others are asked about');

    # another host has to learn it for itself, once

    $before = $quiet->();
    is($other->fraud('/', from => '192.0.2.1'), '10 [slow=10] ok',
       'another host says the same') for 1 .. 20;
    cmp_ok($evals->() - $before, '<=', 2, 'and asks once, or each worker');

    # a reload forgets nothing

    ok($host->reload, 'reloaded');
    ok(warm($host), 'connected again');
    $before = $quiet->();
    is($host->fraud('/', from => '192.0.2.1'), '10 [slow=10] ok',
       'over after a reload');
    is($evals->(), $before, 'and known');
    $_->ends for $host, $other;
}

# until the retry time, and not longer

{
    $redis->cmd('FLUSHALL');
    my $host = host(redis => $redis->url, http => $fast);
    my ($asked, $passed, $n) = ($evals->(), 0, 0);

    ok(warm($host), 'connected');
    $asked = $evals->();

    my $begin = time;
    my ($last, $gap) = ($begin, 0);

    while (time - $begin < 3.5) {
        my $begun = time;
        $n++;
        $passed++ if $host->fraud('/', from => '192.0.2.2') eq '0 [] ok';
        my $now = time;
        $gap = $now - $last if $now - $last > $gap;
        $last = $begun;
        sleep 0.005;
    }
    my $took = time - $begin;

    # each may be as late as nobody asked for it
    cmp_ok($passed, '>=', int($took / (1 + $gap)),
           sprintf 'one a second passes (asked every %.3f s)', $gap);
    cmp_ok($passed, '<=', 1 + $took, 'not more');
    cmp_ok($n, '>', 100, 'many asked');
    cmp_ok($evals->() - $asked, '<=', 3 * $passed,
           'Redis was asked when it was time to');
    $host->ends;
}

# several signals of a subject: only what is known is answered by the zone

{
    $redis->cmd('FLUSHALL');
    my $host = host(redis => $redis->url, http => $slow
        . 'fraud_distinct many address of=$arg_v max=2 window=1h points=3;');
    ok(warm($host), 'connected');
    $host->get("/?v=$_", from => '192.0.2.3') for 1, 1, 1;
    is($host->fraud('/?v=1', from => '192.0.2.3'), '10 [slow=10] ok', 'over');
    is($host->fraud('/?v=2', from => '192.0.2.3'), '10 [slow=10] ok',
       'a second value');
    is($host->fraud('/?v=3', from => '192.0.2.3'), '13 [slow=10,many=3] ok',
       'a third one counts, over or not');
    $host->ends;
}

# without the cache each is asked about

{
    $redis->cmd('FLUSHALL');
    my $host = host(redis => 'fraud_redis ' . $redis->url
                    . '; fraud_redis_cache off;', http => $slow);
    ok(warm($host), 'connected');
    $host->get('/', from => '192.0.2.4') for 1 .. 3;

    my $before = $quiet->();
    is($host->fraud('/', from => '192.0.2.4'), '10 [slow=10] ok', 'over')
        for 1 .. 20;
    cmp_ok($evals->(), '>=', $before + 20, 'Redis was asked each time');
    is($host->status->{redis}{cached}, 0, 'nothing was cached');
    $host->ends;
}

done_testing;
