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
# the machine's doing. It logs each of them, as a disk that is busy holds up who
# writes of a change.

my $control;

sub control {
    return $control ||= Fraud->new(server => 'location / { empty_gif; '
                                   . 'access_log logs/access.log; }');
}

# fault(host, name, break => sub, mend => sub, for => seconds, state => of a
# request meanwhile, lost => 0 if nobody is to notice, why => pattern, counts =>
# names of counters that have to grow)
#
# What a client may rely on has to be true each time: its request is answered,
# in half a second at the worst, and Redis comes back. The rest is measured, and
# a machine that stalls spoils a measurement, also where the other nginx does
# not notice: one of five has to be clean.

our ($TIMES, $NEVER) = (5, 500);

sub fault {
    my ($host, $name, %fault) = @_;
    my ($checks, @wrong);

    for my $left (reverse 0 .. $TIMES - 1) {
        $checks = once($host, $name, %fault);
        @wrong = grep { !$_->{ok} } @$checks;
        last if !@wrong || !$left || grep { $_->{always} } @wrong;
        note "$name, once more: $_->{name}: $_->{seen}" for @wrong;
        sleep $TIMES - $left;
    }

    for my $check (@$checks) {
        ok($check->{ok}, "$name: $check->{name}") or diag $check->{seen};
    }
}

# once(...): it comes and goes; what is to be true of it, as { name, ok, seen,
# always }

sub once {
    my ($host, $name, %fault) = @_;
    my $state = $fault{state} // 'local';
    my $lost = $fault{lost} // 1;
    my $before = $host->status->{redis};
    my $lines = state_lines($host);
    my $log = length $host->error_log;
    my @checks;

    my $check = sub {
        my ($what, $ok, $seen, $always) = @_;
        push @checks, { name => $what, ok => $ok, seen => $seen // '',
                        always => $always };
    };

    my $base = Load->start(nginx => control(), clients => 2, rate => 200,
                           watch => [control()->workers]);
    my $load = Load->start(nginx => $host, clients => 4, rate => 100,
                           headers => addresses(2), watch => [$host->workers]);
    sleep 0.4;

    my $broken = time;
    $fault{break}->();

    my $noticed = !$lost || in_state($host, $state, 10);
    sleep $fault{for} // 1.2;

    my $middle = time;
    my $known = $host->status->{redis}{state};

    $fault{mend}->();
    my $mended = time;
    my $back = in_state($host, 'ok') && warm($host);
    my $took = time - $mended;
    sleep 0.4;

    my $stopped = time;
    my ($all, $machine) = ($load->stop, $base->stop);

    # a line is written a moment after the state has changed
    my $expected = $lost ? '1 lost, 1 back' : '0 lost, 0 back';
    eventually(sub { changes($lines, state_lines($host)) eq $expected }, 1);
    my $changes = changes($lines, state_lines($host));
    my $after = $host->status->{redis};

    # a request that was counted on the way is in these samples, too
    my $meanwhile = $all->between($broken, $stopped);
    my $others = $machine->between($broken - 0.05, $stopped);
    my $noise = $others->worst;

    $check->('noticed', $noticed);
    $check->('the status says so', $known eq ($lost ? $state : 'ok'), $known);
    $check->('there was load', $all->n > 100, $all->n . ' requests');
    $check->('each request was answered', !length $all->others(200),
             $all->others(200), 1);

    if ($lost) {
        # the breaker is open: nobody waits any more. The median, as others
        # use the machine, too
        my $open = $all->between($middle - 0.6, $middle);
        my ($median, $usual) = map { $_->between($middle - 0.6, $middle)
                                       ->within(0.5) } $all, $machine;
        my $said = $open->said(qr/ $state$/);

        $check->('soon none waited at all', $median <= $usual + 2,
                 sprintf '%.1f ms, others %.1f', $median, $usual);
        $check->("all of them $state", $said == $open->n,
                 "$said of " . $open->n);
    }

    $check->('it is back by itself', $back, '', 1);

    my $end = $all->between($stopped - 0.2, $stopped);
    my $judged = $end->said(qr/ ok$/);
    $check->('and judges requests', $judged >= 0.9 * $end->n,
             "$judged of " . $end->n);
    $check->('one line a change', $changes eq $expected, $changes);

    if ($lost && defined $fault{why}) {
        my @why = substr($host->error_log, $log)
            =~ /fraud: redis is lost \((.*)\), /g;
        my $why = $why[-1] // 'no line';
        $check->('the line says why', scalar($why =~ $fault{why}), $why);
    }

    for my $counter (@{ $fault{counts} || [] }) {
        $check->("counted as $counter",
                 $after->{$counter} > $before->{$counter}, $after->{$counter});
    }

    my $worst = $meanwhile->worst;
    my $allowed = $TIMEOUT + $MORE + $noise;
    my $never = $NEVER + $others->longest;

    note sprintf '%s: worst %.1f ms of %d requests (machine %.1f), back '
        . 'after %.2f s', $name, $worst, $meanwhile->n, $noise, $took;
    $check->('no request waited past the timeout', $worst <= $allowed,
             sprintf 'worst %.1f ms, allowed %.1f', $worst, $allowed);
    $check->("no request waited $NEVER ms", $worst <= $never,
             sprintf('worst %.1f ms, allowed %.1f', $worst, $never), 1);
    return \@checks;
}

sub changes {
    my ($from, $to) = @_;
    my ($l0, $b0, $l1, $b1) = "$from $to" =~ /(\d+)/g;
    return sprintf '%d lost, %d back', $l1 - $l0, $b1 - $b0;
}

1;
