package Redis::Client;

# RESP, one call at a time

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Time::HiRes qw(time);

our $PATIENCE = 20;

# new(path or port)

sub new {
    my ($class, $where) = @_;
    my $socket = $where =~ /^\d+$/
        ? IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $where)
        : IO::Socket::UNIX->new(Peer => $where);

    die "cannot connect to $where: $!\n" if !$socket;
    $socket->autoflush(1);
    return bless { socket => $socket, in => '' }, $class;
}

sub encode {
    return join '', '*' . @_ . "\r\n",
        map { '$' . length($_) . "\r\n$_\r\n" } @_;
}

sub call {
    my ($self, @words) = @_;
    my $bytes = encode(@words);

    local $SIG{PIPE} = 'IGNORE';
    $self->{end} = time + $PATIENCE;
    (syswrite($self->{socket}, $bytes) // 0) == length $bytes
        or die "cannot write: $!\n";
    return $self->read;
}

sub more {
    my ($self) = @_;
    IO::Select->new($self->{socket})->can_read($self->{end} - time)
        or die "no reply\n";
    sysread($self->{socket}, $self->{in}, 65536, length $self->{in})
        or die "connection closed\n";
}

sub line {
    my ($self) = @_;
    $self->more while $self->{in} !~ /\r\n/;
    $self->{in} =~ s/^(.*?)\r\n//s;
    return $1;
}

sub read {
    my ($self) = @_;
    my ($type, $rest) = $self->line =~ /^(.)(.*)$/s;

    if ($type eq '$') {
        return undef if $rest < 0;
        $self->more while length $self->{in} < $rest + 2;
        my $bulk = substr $self->{in}, 0, $rest + 2, '';
        return substr $bulk, 0, $rest;
    }

    if ($type eq '*') {
        return $rest < 0 ? undef : [map {
            my $item = eval { $self->read };
            $@ ? $@ : $item;
        } 1 .. $rest];
    }
    die "-$rest\n" if $type eq '-';
    return $rest;
}

1;
