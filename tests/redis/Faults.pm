package Faults;

# Redis goes wrong under load and is mended: what has to be true of any fault.

use strict;
use warnings;

use Exporter qw(import);
use Test::More;
use Time::HiRes qw(sleep time);

use Fraud;
use Hosts;
use Load;

our @EXPORT = qw(control fault);

# fraud_redis_timeout, and what may be added to it, in milliseconds

our ($TIMEOUT, $MORE) = (15, 5);

# control(): an nginx without Redis. What its requests take at the same time is
# the machine's doing.

my $control;

sub control {
    return $control ||= Fraud->new(server => 'location / { empty_gif; }');
}

# fault(host, name, break => sub, mend => sub, for => seconds, state => of a
# request meanwhile, lost => 0 if nobody is to notice, why => pattern, counts =>
# names of counters that have to grow)

sub fault {
    my ($host, $name, %fault) = @_;

    # the machine may have stalled, which the other nginx does not always
    # notice; hardly twice
    for my $left (1, 0) {
        my ($worst, $bound) = once($host, $name, %fault);
        last if $worst <= $bound;

        if ($left) {
            note sprintf '%s: %.1f ms, once more', $name, $worst;
            next;
        }
        fail("$name: no request waited past the timeout");
        diag sprintf 'worst %.1f ms, allowed %.1f', $worst, $bound;
        return;
    }
    pass("$name: no request waited past the timeout");
}

sub once {
    my ($host, $name, %fault) = @_;
    my $state = $fault{state} // 'local';
    my $lost = $fault{lost} // 1;
    my $before = $host->status->{redis};
    my $lines = state_lines($host);

    my $base = Load->start(nginx => control(), clients => 2, rate => 200,
                           watch => [control()->workers]);
    my $load = Load->start(nginx => $host, clients => 4, rate => 100,
                           headers => addresses(2), watch => [$host->workers]);
    sleep 0.4;

    my $broken = time;
    $fault{break}->();

    my $noticed = !$lost || in_state($host, $state, 5);
    sleep $fault{for} // 1.2;

    my $middle = time;
    my $known = $host->status->{redis}{state};

    $fault{mend}->();
    my $mended = time;
    my $back = in_state($host, 'ok', 12) && warm($host);
    my $took = time - $mended;
    sleep 0.4;

    my $stopped = time;
    my ($all, $machine) = ($load->stop, $base->stop);
    my $after = $host->status->{redis};

    # a request that was counted on the way is in these samples, too
    my $meanwhile = $all->between($broken, $stopped);
    my $noise = $machine->between($broken - 0.05, $stopped)->worst;

    ok($noticed, "$name: noticed");
    is($known, $lost ? $state : 'ok', 'the status says so');
    cmp_ok($all->n, '>', 100, 'there was load');
    is($all->others(200), '', 'each request was answered');

    if ($lost) {
        # the breaker is open: nobody waits any more. The median, as others
        # use the machine, too
        my $open = $all->between($middle - 0.6, $middle);

        cmp_ok($open->within(0.5), '<=',
               $machine->between($middle - 0.6, $middle)->within(0.5) + 2,
               'soon none waited at all');
        is($open->said(qr/ $state$/), $open->n, "all of them $state");
    }

    ok($back, 'it is back by itself');
    note sprintf '%s: worst %.1f ms of %d requests (machine %.1f), back '
        . 'after %.2f s', $name, $meanwhile->worst, $meanwhile->n, $noise,
        $took;

    my $end = $all->between($stopped - 0.2, $stopped);
    cmp_ok($end->said(qr/ ok$/), '>=', 0.9 * $end->n, 'and judges requests');
    is(changes($lines, state_lines($host)),
       $lost ? '1 lost, 1 back' : '0 lost, 0 back', 'one line a change');

    if ($lost && defined $fault{why}) {
        my @why = $host->error_log =~ /fraud: redis is lost \((.*)\), /g;
        like($why[-1], $fault{why}, 'the line says why');
    }

    for my $counter (@{ $fault{counts} || [] }) {
        cmp_ok($after->{$counter}, '>', $before->{$counter},
               "counted as $counter");
    }
    return ($meanwhile->worst, $TIMEOUT + $MORE + $noise);
}

sub changes {
    my ($from, $to) = @_;
    my ($l0, $b0, $l1, $b1) = "$from $to" =~ /(\d+)/g;
    return sprintf '%d lost, %d back', $l1 - $l0, $b1 - $b0;
}

1;
