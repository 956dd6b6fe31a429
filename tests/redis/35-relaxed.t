use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use Fake;
use Hosts;
use Load;
use Redis;

# relaxed: each host decides at once, and tells the others every interval

my $redis = Redis->new;

sub relaxed {
    my ($interval, %more) = @_;
    my $mode = 'fraud_redis_mode relaxed'
        . ($interval ? " interval=$interval" : '') . ';';
    my $url = delete $more{url} // $redis->url;

    return map { host(redis => "fraud_redis $url; $mode", workers => 2, %more) }
        1 .. 2;
}

# converged(one, other, n, wait): of n subjects that were counted on both hosts,
# six of ten each, how many both know to be over after that wait

sub converged {
    my ($one, $other, $n, $wait, $prefix) = @_;
    my @from = map { "$prefix.$_" } 1 .. $n;

    for my $from (@from) {
        for my $host ($one, $other) {
            $host->get('/', from => $from) for 1 .. 6;
        }
    }
    sleep $wait;
    return map {
        my $host = $_;
        scalar grep { $host->fraud('/', from => $_) =~ /few=10/ } @from
    } $one, $other;
}

my $few = 'fraud_rate few address rate=1r/h burst=9 points=10;';

{
    my ($one, $other) = relaxed('400ms', http => $few);
    ok(warm($one, $other), 'connected');

    # a machine that stalls may spoil one measurement or two

    my $know = '';
    for my $try (1 .. 3) {
        $know = join ',', converged($one, $other, 20, 2 * 0.4 + 0.1,
                                    "192.0.$try");
        last if $know eq '20,20';
        note "within two intervals, once more: $know";
    }
    is($know, '20,20', 'within two intervals both know of all');
    is(join(',', converged($one, $other, 20, 4, '198.51.100')), '20,20',
       'and always within ten');

    # those who were told of when they came are told of again near the limit

    for my $try (1 .. 3) {
        for my $host ($one, $other) {
            $host->get('/', from => "198.18.$try.$_") for 1 .. 20;
        }
        sleep 2 * 0.4 + 0.1;
        $know = join ',', converged($one, $other, 20, 2 * 0.4 + 0.1,
                                    "198.18.$try");
        last if $know eq '20,20';
        note "of known ones, once more: $know";
    }
    is($know, '20,20', 'also of those who came before');

    my $status = $one->status->{redis};
    cmp_ok($status->{exchanged}, '>=', 20, 'the status counts');
    is(state_lines($_), '0 lost, 0 back', 'never lost') for $one, $other;
    $_->ends for $one, $other;
}

# a host that hears from others that a limit is near asks again, twice: what
# they count within an interval of it is known without another request

{
    $redis->cmd('FLUSHALL');
    my ($one, $other) = relaxed('1s', http => $few);
    ok(warm($one, $other), 'connected');

    my $heard = '';
    for my $try (1 .. 3) {
        my $from = "203.0.113.$try";

        $other->get('/', from => $from) for 1 .. 3;
        sleep 1.5;
        $one->get('/', from => $from) for 1 .. 3;
        sleep 1.2;
        $other->get('/', from => $from) for 1 .. 5;
        sleep 2.5;
        $heard = $one->fraud('/', from => $from);
        last if $heard =~ /few=10/;
        note "once more: $heard";
    }
    is($heard, '10 [few=10] ok', 'asks again near a limit');
    $_->ends for $one, $other;
}

# what was learned on one host is known on another that only looks, and counts
# nothing of its own

{
    $redis->cmd('FLUSHALL');
    my ($one, $other) = relaxed('',
        http => 'fraud_reputation session half_life=30d max=90;'
            . 'fraud_signal bad if=$arg_bad points=20;');
    ok(warm($one, $other), 'connected');

    $one->get('/?bad=1', Cookie => 'sid=bad') for 1, 2;
    ok(eventually(sub {
        return $other->fraud('/', Cookie => 'sid=bad')
            eq '40 [reputation.session=40] ok';
    }), 'a host that never saw it do anything');
    $one->get('/?bad=1', Cookie => 'sid=bad');
    ok(eventually(sub {
        return $other->fraud('/', Cookie => 'sid=bad')
            eq '60 [reputation.session=60] ok';
    }), 'learns more as it comes');
    $_->ends for $one, $other;
}

# the interval is what it says: what is counted all the time goes to Redis once
# in it, from each worker

for (['100ms', 0.1], ['1s', 1], ['', 0.05]) {
    my ($interval, $seconds) = @$_;
    $redis->cmd('FLUSHALL');
    my ($one, $other) = relaxed($interval,
        http => 'fraud_reputation address half_life=1h max=1;'
            . 'fraud_signal bad if=$arg_bad points=1;');
    ok(warm($one), 'connected');

    my $load = Load->start(nginx => $one, clients => 4, rate => 100,
        uri => '/?bad=1',
        headers => sub { "X-Forwarded-For: 10.9.0.$_[0]\r\n" });
    sleep 0.5;
    my ($before, $begin) = ($redis->calls('evalsha'), time);
    sleep 2.5;
    my ($calls, $took) = ($redis->calls('evalsha') - $before, time - $begin);
    is($load->stop->others(200), '', 'all are served');

    my $name = $interval || 'the default';
    cmp_ok($calls, '<=', 2 * ($took / $seconds + 2), "$name: not more often");
    cmp_ok($calls, '>=', 0.25 * ($took / $seconds - 1), 'nor much less often');
    $_->ends for $one, $other;
}

# no request waits: Redis may be as slow as it likes

{
    $redis->cmd('FLUSHALL');
    my $fake = Fake->new($redis);
    my ($one, $other) = relaxed('', url => $fake->url, http => $few);
    my $plain = Fraud->new(server => 'location / { empty_gif; }');

    ok(warm($one), 'connected');
    $fake->plan(slow => 100);

    my $base = Load->start(nginx => $plain, clients => 1, rate => 200);
    my $load = Load->start(nginx => $one, clients => 2, rate => 200,
        headers => sub { "X-Forwarded-For: 10.1.$_[0]." . $_[1] % 200
                         . "\r\n" });
    sleep 1.5;
    my ($all, $machine) = ($load->stop, $base->stop);

    is($all->others(200), '', 'all are served');
    is($all->said(qr/ ok$/), $all->n, 'and judged');
    cmp_ok($all->within(0.5), '<', $machine->within(0.5) + 3,
           'as fast as without Redis');
    cmp_ok($all->within(0.9), '<', $machine->within(0.9) + 50,
           'none of them waits for it');
    $fake->plan(pass => 1);
    $_->ends for $one, $other, $plain;
}

# who is far from every limit is not exchanged one request after the other

{
    $redis->cmd('FLUSHALL');
    my ($one, $other) = relaxed('', http =>
        'fraud_rate many address rate=1000r/s burst=1000 points=10;');
    ok(warm($one), 'connected');
    sleep 0.3;

    my ($before, $begin) = ($one->status->{redis}, time);
    for my $n (1 .. 300) {
        $one->get('/', from => '10.0.0.' . $n % 10);
    }
    sleep 0.3;
    my ($after, $took) = ($one->status->{redis}, time - $begin);
    my $sent = $after->{subjects} - $before->{subjects};
    note sprintf '%d subjects in %.2f s', $sent, $took;
    cmp_ok($sent, '<=', 60, 'of 300 requests few go to Redis');
    $_->ends for $one, $other;
}

# the bound: (hosts - 1) * (burst + 1 + rate * 2 intervals) more than one host
# would have let through

{
    $redis->cmd('FLUSHALL');
    my ($rate, $burst, $interval) = (50, 10, 0.05);
    my @hosts = relaxed('', http =>
        "fraud_rate all address rate=${rate}r/s burst=$burst points=60;"
        . 'fraud_action 60 limit;', server => $Hosts::SERVER
        =~ s/observe/enforce/r);
    ok(warm(@hosts), 'connected');
    sleep 0.3;

    my $load = Load->start(nginx => \@hosts, clients => 4, rate => 150,
        headers => sub { "X-Forwarded-For: 198.51.100.9\r\n" });
    sleep 8;
    my $samples = $load->stop;
    my $took = $samples->span;
    my $passed = $samples->count(200);
    my $exact = $burst + 1 + $rate * $took;
    my $late = $samples->longest / 1000;
    my $bound = (@hosts - 1) * ($burst + 1 + $rate * (2 * $interval + $late));

    is($samples->others(200, 429), '', 'all are answered');
    note sprintf '%d passed in %.2f s; of one host it were %d, the bound is '
        . '%d more, as two intervals were %.3f s late at most', $passed, $took,
        $exact, $bound, $late;
    cmp_ok($passed, '<=', $exact + $bound, 'not more than stated');
    cmp_ok($passed, '>=', 0.98 * $rate
           * ($took - $samples->idle($burst / $rate / 2)),
           'and not less than is due');

    # in the long run there is nothing above the rate
    my $later = $samples->between($samples->[0][0] + 2);
    cmp_ok($later->count(200), '<=', $rate * $later->span + $bound,
           'the bound is met once, not every second');
    $_->ends for @hosts;
}

done_testing;
