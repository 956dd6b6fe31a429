package Load;

# Clients that ask one after the other on a connection each, in processes of
# their own, and remember of every request when it began, how long it took, what
# it got and what X-Fraud said.

use strict;
use warnings;

use File::Temp;
use IO::Select;
use IO::Socket::INET;
use List::Util qw(max);
use Storable qw(retrieve store);
use Time::HiRes qw(sleep time);

use Exporter qw(import);
use Redis;

our @EXPORT = qw(addresses);
our $TIMEOUT = 30;

# addresses(n): headers for clients that come from many addresses, n times from
# each, none of which was there before. They have little in common, or they
# would be too many newcomers of one network.

my $series = 0;

sub addresses {
    my ($times) = @_;
    my $first = $series++ * 8;

    return sub {
        my ($i, $n) = @_;
        my $k = int($n / $times);
        return sprintf "X-Forwarded-For: 10.%d.%d.%d\r\n", $first + $i,
                       $k % 250, $k / 250;
    };
}

# start(nginx => [...], clients =>, rate => of one client (flat out without),
# uri => or sub, headers => sub (client, n) returning header lines, keepalive
# => 0, watch => [pids]): client i asks nginx i in turn. How long it and the
# slowest of those processes waited for a processor meanwhile is known of each
# request, too, as that is the machine's doing.

sub start {
    my ($class, %more) = @_;
    my $self = bless { clients => 1, keepalive => 1, uri => '/', %more,
                       dir => File::Temp->newdir, pids => [], owner => $$ },
        $class;
    my @nginx = ref $self->{nginx} eq 'ARRAY' ? @{ $self->{nginx} }
                                              : $self->{nginx};

    for my $i (0 .. $self->{clients} - 1) {
        my $port = $nginx[$i % @nginx]{port};
        push @{ $self->{pids} },
            Redis::child(sub { $self->client($i, $port) });
    }
    $self->{begin} = time;
    return $self;
}

sub client {
    my ($self, $i, $port) = @_;
    my ($socket, @samples, $stop);

    $SIG{TERM} = sub { $stop = 1 };
    $SIG{PIPE} = 'IGNORE';

    my $begin = time;
    my @watched = map { watched($_) } $$, @{ $self->{watch} || [] };

    for (my $n = 0; !$stop; $n++) {
        if ($self->{rate}) {
            my $wait = $begin + $n / $self->{rate} - time;

            # what was late is not made up for in a burst
            $begin -= $wait, $wait = 0 if $wait < -0.5;
            sleep $wait if $wait > 0;
            last if $stop;
        }

        my @before = map { queued($_) } @watched;
        my $start = time;
        $socket ||= IO::Socket::INET->new(
            PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => $TIMEOUT);
        my ($status, $fraud, $close) =
            $socket ? $self->ask($socket, $i, $n) : (0, 'no connection', 1);

        # a reused connection may have been closed meanwhile, as browsers know
        if (!$status && $self->{used}) {
            $socket = IO::Socket::INET->new(
                PeerAddr => '127.0.0.1', PeerPort => $port,
                Timeout => $TIMEOUT);
            ($status, $fraud, $close) =
                $socket ? $self->ask($socket, $i, $n)
                        : (0, 'no connection', 1);
        }

        my $took = time - $start;
        my ($own, @others) = map { queued($watched[$_]) - $before[$_] }
            0 .. $#watched;
        push @samples, [$start, $took, $status, $fraud,
                        ($own // 0) + max(0, @others)];
        $self->{used} = !$close && $self->{keepalive};
        undef $socket if !$self->{used};
    }

    store(\@samples, "$self->{dir}/$i");
}

# seconds that a process was ready to run and did not; 0 where nobody counts

sub watched {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/schedstat" or return undef;
    return $in;
}

sub queued {
    my ($in) = @_;
    my $text = '';

    if ($in) {
        sysseek $in, 0, 0;
        sysread $in, $text, 128;
    }
    return ($text // '') =~ /^\d+ (\d+)/ ? $1 / 1e9 : 0;
}

sub ask {
    my ($self, $socket, $i, $n) = @_;
    my $uri = ref $self->{uri} ? $self->{uri}->($i, $n) : $self->{uri};
    my $headers = $self->{headers} ? $self->{headers}->($i, $n) : '';
    my $raw = '';
    my $end = time + $TIMEOUT;

    syswrite $socket, "GET $uri HTTP/1.1\r\nHost: localhost\r\n$headers"
        . ($self->{keepalive} ? '' : "Connection: close\r\n") . "\r\n";

    while ($raw !~ /\r\n\r\n/) {
        readable($socket, $end) or return (0, 'no answer', 1);
        sysread $socket, $raw, 65536, length $raw
            or return (0, 'closed', 1);
    }

    my ($head, $body) = split /\r\n\r\n/, $raw, 2;
    my ($length) = $head =~ /^Content-Length: (\d+)/mi;

    while (defined $length && length $body < $length) {
        readable($socket, $end) or return (0, 'half an answer', 1);
        sysread $socket, $body, 65536, length $body
            or return (0, 'closed in the middle', 1);
    }

    my ($status) = $head =~ m{^HTTP/1\.1 (\d+)};
    my ($fraud) = $head =~ /^X-Fraud: (.*?)\r?$/m;
    return ($status // 0, $fraud // '',
            !defined $length || $head =~ /^Connection: close/mi ? 1 : 0);
}

# a signal ends the select, not the wait

sub readable {
    my ($socket, $end) = @_;

    while ((my $left = $end - time) > 0) {
        return 1 if IO::Select->new($socket)->can_read($left);
    }
    return 0;
}

# stop: the samples of all, by time

sub stop {
    my ($self) = @_;

    kill 'TERM', @{ $self->{pids} };
    waitpid $_, 0 for @{ $self->{pids} };
    Redis::guard('-', $_) for @{ $self->{pids} };
    $self->{pids} = [];

    my @samples = sort { $a->[0] <=> $b->[0] }
        map { @{ retrieve("$self->{dir}/$_") } } 0 .. $self->{clients} - 1;
    return Load::Samples->new(@samples);
}

sub DESTROY {
    my ($self) = @_;
    return if $self->{owner} != $$ || !@{ $self->{pids} };
    local ($?, $!);
    kill 'KILL', @{ $self->{pids} };
    waitpid $_, 0 for @{ $self->{pids} };
}


package Load::Samples;

use List::Util qw(max);

sub new {
    my ($class, @samples) = @_;
    return bless [@samples], $class;
}

# those that began from the one time to the other

sub between {
    my ($self, $from, $to) = @_;
    return Load::Samples->new(
        grep { $_->[0] >= $from && (!defined $to || $_->[0] < $to) } @$self);
}

sub n { return scalar @{ $_[0] } }

# how many had another status; which ones, for a message

sub others {
    my ($self, @statuses) = @_;
    my (%fine, %count) = map { $_ => 1 } @statuses;

    $count{ $_->[2] || $_->[3] }++ for grep { !$fine{$_->[2]} } @$self;
    return join ', ', map { "$count{$_} x $_" } sort keys %count;
}

sub count {
    my ($self, $status) = @_;
    return scalar grep { $_->[2] == $status } @$self;
}

sub said {
    my ($self, $pattern) = @_;
    return scalar grep { $_->[3] =~ $pattern } @$self;
}

# span(): seconds from the first question to the last answer; idle(most): those
# of them in which nobody asked, but for ${most} at a time. A limit that is not
# asked about lets nobody through.

sub span {
    my ($self) = @_;
    return @$self ? max(map { $_->[0] + $_->[1] } @$self) - $self->[0][0] : 0;
}

sub idle {
    my ($self, $most) = @_;
    my ($idle, $last) = (0);

    # from the beginning of one request to the end of the next, as the moment
    # in between at which it was judged is not known
    for my $sample (@$self) {
        my $gap = defined $last ? $sample->[0] + $sample->[1] - $last : 0;
        $idle += $gap - $most if $gap > $most;
        $last = $sample->[0];
    }
    return $idle;
}

# in milliseconds: the longest, all of it and without the wait for a processor;
# and what the share of all stayed below

sub longest {
    my ($self) = @_;
    return 1000 * max(0, map { $_->[1] } @$self);
}

sub worst {
    my ($self) = @_;
    return 1000 * max(0, map { $_->[1] - $_->[4] } @$self);
}

sub within {
    my ($self, $share) = @_;
    my @sorted = sort { $a <=> $b } map { $_->[1] } @$self;
    return @sorted ? 1000 * $sorted[$share * $#sorted] : 0;
}

1;
