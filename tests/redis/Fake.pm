package Fake;

# A man in the middle: a port of its own in front of a real server (so that
# what is right is the real thing), whose answers to scripts go wrong by plan.
# The plan changes while it runs, so a test sees the fault come and go.

use strict;
use warnings;

use IO::Handle;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP qw(decode_json encode_json);
use Socket qw(:DEFAULT IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

use Fraud;
use Redis;

# new(server): passes everything on

sub new {
    my ($class, $server) = @_;
    my $self = bless { path => $server->path, owner => $$ }, $class;

    for (1 .. 20) {
        $self->{port} = Fraud::free_port();
        last if $self->listen;
    }
    die "cannot listen on $self->{port}: $!\n" if !$self->{listener};

    socketpair my $here, my $there, AF_UNIX, SOCK_STREAM, PF_UNSPEC
        or die "socketpair: $!\n";
    $_->autoflush(1) for $here, $there;

    $self->{pid} = Redis::child(sub {
        close $here;
        $self->{control} = $there;
        $self->serve;
    });
    close $there;
    close delete $self->{listener};
    $self->{control} = $here;
    $self->plan(pass => 1);
    return $self;
}

sub port { return $_[0]{port} }
sub url { return "redis://127.0.0.1:$_[0]{port}" }

# plan(...): in force at its return. One of
#
#   pass => 1         as the server says
#   reply => bytes    that instead, once for each script
#   endless => bytes  that, and then more of it for ever
#   cut => n          n bytes of the real reply, then the end
#   slow => ms        the real reply, later
#   silent => 1       nothing
#   refuse => 1       no connection at all; those that are there are cut
#
# and all => 1: not only scripts, every command. Returns what was counted since
# the plan before: connects, commands, scripts, written (bytes of faults).

sub plan {
    my ($self, %plan) = @_;
    my $control = $self->{control};

    print $control encode_json(\%plan), "\n";
    my $counted = <$control> // die "the fake server died\n";
    return decode_json($counted);
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;

    local ($?, $!);
    kill 'KILL', $pid;
    waitpid $pid, 0;
    Redis::guard('-', $pid);
}

sub DESTROY {
    my ($self) = @_;
    $self->stop if $self->{owner} == $$;
}

# the process: one loop over all connections

sub serve {
    my ($self) = @_;

    $SIG{PIPE} = 'IGNORE';
    $self->{plan} = { pass => 1 };
    $self->{counted} = {};
    $self->{pairs} = {};

    while (1) {
        my @pairs = values %{ $self->{pairs} };
        my $read = IO::Select->new($self->{control});

        $read->add($self->{listener}) if $self->{listener};
        $read->add($_->{client}, $_->{server}) for @pairs;

        my $write = IO::Select->new(map { $_->{client} }
                                    grep { $self->ready($_) } @pairs);
        my ($in, $out) = IO::Select->select($read, $write, undef,
                                            $self->next_due);
        my %readable = map { $_ => 1 } @{ $in || [] };

        if ($readable{$self->{control}}) {
            $self->obey;
            next;
        }
        $self->accept if $self->{listener} && $readable{$self->{listener}};

        for my $pair (@pairs) {
            next if !$self->{pairs}{$pair->{client}};
            $self->commands($pair) if $readable{$pair->{client}};
            $self->replies($pair) if $readable{$pair->{server}}
                && $self->{pairs}{$pair->{client}};
        }
        for my $client (@{ $out || [] }) {
            my $pair = $self->{pairs}{$client} or next;
            $self->flush($pair);
        }
    }
}

sub listen {
    my ($self) = @_;
    $self->{listener} ||= IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $self->{port}, Listen => 128,
        ReuseAddr => 1);
}

sub obey {
    my ($self) = @_;
    my $control = $self->{control};
    my $line = <$control> // POSIX::_exit(0);

    $self->{plan} = decode_json($line);

    if ($self->{plan}{refuse}) {
        $self->end($_) for values %{ $self->{pairs} };
        close delete $self->{listener} if $self->{listener};
    } else {
        $self->listen or die "cannot listen on $self->{port}: $!\n";
    }

    my %counted = (connects => 0, commands => 0, scripts => 0, written => 0,
                   %{ $self->{counted} });
    $self->{counted} = {};
    print $control encode_json(\%counted), "\n";
}

sub accept {
    my ($self) = @_;
    my $client = $self->{listener}->accept or return;
    my $server = IO::Socket::UNIX->new(Peer => $self->{path});

    $self->{counted}{connects}++;
    return close $client if !$server;

    $client->blocking(0);
    setsockopt $client, IPPROTO_TCP, TCP_NODELAY, 1;
    $self->{pairs}{$client} = { client => $client, server => $server,
                                asked => '', said => '', queue => [] };
}

sub end {
    my ($self, $pair) = @_;
    delete $self->{pairs}{$pair->{client}};
    close $_ for $pair->{client}, $pair->{server};
}

# commands of the client: each gets a place in the queue, with the reply that
# the plan has for it or to be filled by the server

sub commands {
    my ($self, $pair) = @_;
    my $got = sysread $pair->{client}, $pair->{asked}, 65536,
        length $pair->{asked};

    return if !defined $got && $!{EAGAIN};
    return $self->end($pair) if !$got;

    while (length(my $bytes = whole(\$pair->{asked}))) {
        my ($word) = $bytes =~ /\A\*\d+\r\n\$\d+\r\n(\w+)/;
        my $script = lc($word // '') =~ /^eval/;
        my $plan = $script || $self->{plan}{all} ? $self->{plan} : {};
        my $entry = {};

        $self->{counted}{commands}++;
        $self->{counted}{scripts}++ if $script;

        if (defined $plan->{reply}) {
            $entry = { bytes => $plan->{reply}, fault => 1 };
        } elsif (defined $plan->{endless}) {
            $entry = { bytes => $plan->{endless}, endless => $plan->{endless},
                       fault => 1 };
        } elsif ($plan->{silent}) {
            next;
        } else {
            $entry->{due} = time + $plan->{slow} / 1000 if $plan->{slow};
            $entry->{cut} = $plan->{cut};
            syswrite $pair->{server}, $bytes;
        }
        push @{ $pair->{queue} }, $entry;
    }
}

sub replies {
    my ($self, $pair) = @_;

    sysread($pair->{server}, $pair->{said}, 65536, length $pair->{said})
        or return $self->end($pair);

    while (length(my $bytes = whole(\$pair->{said}))) {
        my ($entry) = grep { !defined $_->{bytes} } @{ $pair->{queue} };
        $entry ||= {};

        if (defined $entry->{cut}) {
            $entry->{last} = $entry->{fault} = 1;
            $bytes = substr $bytes, 0, $entry->{cut};
        }
        $entry->{bytes} = $bytes;
    }
}

# whole(text): takes a whole command or reply off the front of it, '' if none

sub whole {
    my ($text) = @_;
    my $length = measure($text, 0) or return '';
    return substr $$text, 0, $length, '';
}

sub measure {
    my ($text, $at) = @_;
    my $end = index $$text, "\r\n", $at;
    return 0 if $end < 0;

    my ($type, $n) = (substr($$text, $at, 1), substr $$text, $at + 1,
                      $end - $at - 1);
    my $next = $end + 2;

    if ($type eq '$' && $n >= 0) {
        $next += $n + 2;
    } elsif ($type eq '*') {
        for (1 .. $n) {
            $next = measure($text, $next) or return 0;
        }
    }
    return $next <= length $$text ? $next : 0;
}

# what may be written to a client now, and when more may

sub ready {
    my ($self, $pair) = @_;
    my $entry = $pair->{queue}[0] or return 0;
    return defined $entry->{bytes} && ($entry->{due} // 0) <= time;
}

sub next_due {
    my ($self) = @_;
    my $wait = 60;

    for my $pair (values %{ $self->{pairs} }) {
        my $entry = $pair->{queue}[0] or next;
        next if !defined $entry->{bytes} || !$entry->{due};
        my $left = $entry->{due} - time;
        $wait = $left if $left < $wait;
    }
    return $wait > 0 ? $wait : 0;
}

sub flush {
    my ($self, $pair) = @_;

    while ($self->ready($pair)) {
        my $entry = $pair->{queue}[0];
        my $sent = syswrite $pair->{client}, $entry->{bytes};

        if (!defined $sent) {
            return $self->end($pair) if !$!{EAGAIN};
            return;
        }
        $self->{counted}{written} += $sent if $entry->{fault};
        substr $entry->{bytes}, 0, $sent, '';

        # one turn at a time, or the plan would never change
        if (defined $entry->{endless}) {
            $entry->{bytes} = $entry->{endless} x 64
                if length $entry->{bytes} < 65536;
            return;
        }
        next if length $entry->{bytes};

        shift @{ $pair->{queue} };
        return $self->end($pair) if $entry->{last};
    }
}

1;
