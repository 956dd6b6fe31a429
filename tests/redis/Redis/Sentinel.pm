package Redis::Sentinel;

# a master, its replica and three sentinels

use strict;
use warnings;

use Redis;

sub new {
    my ($class, %more) = @_;
    my $first = Redis->new(%more);
    my $second = Redis->new(%more, args => [
        @{ $more{args} || [] }, '--replicaof', "127.0.0.1 $first->{port}",
        ($more{password} ? ('--masterauth', $more{password}) : ()),
    ]);
    my $self = bless { servers => [$first, $second], name => 'fraud' }, $class;
    my $auth = $more{password} ? "sentinel auth-pass fraud $more{password}\n"
                               : '';

    $self->{sentinels} = [map {
        Redis->new(conf_args => ['--sentinel'], conf => <<"END") } 1 .. 3];
sentinel monitor fraud 127.0.0.1 $first->{port} 2
${auth}sentinel down-after-milliseconds fraud 1500
sentinel failover-timeout fraud 4000
sentinel parallel-syncs fraud 1
END

    Fraud::wait_for(sub {
        return !grep {
            my %master = @{ $_->try('SENTINEL', 'MASTER', 'fraud') || [] };
            ($master{'num-other-sentinels'} // 0) < 2
                || ($master{'num-slaves'} // 0) < 1;
        } @{ $self->{sentinels} };
    }) or die "the sentinels do not agree\n";

    Fraud::wait_for(sub {
        return $second->info('replication')->{master_link_status} eq 'up';
    }) or die "the replica does not follow\n";
    return $self;
}

sub urls {
    my ($self) = @_;
    return join ' ', map { "redis://127.0.0.1:$_->{port}" }
        @{ $self->{sentinels} };
}

# the port that sentinel n gives

sub master_port {
    my ($self, $n) = @_;
    my $found = $self->{sentinels}[$n // 0]->try(
        'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'fraud') || [];
    return $found->[1] // 0;
}

sub master {
    my ($self) = @_;
    my $port = $self->master_port;
    return (grep { $_->{port} == $port } @{ $self->{servers} })[0];
}

sub replica {
    my ($self) = @_;
    my $port = $self->master_port;
    return (grep { $_->{port} != $port } @{ $self->{servers} })[0];
}

# switched(port): whether all sentinels agree on a master on another port

sub switched {
    my ($self, $port) = @_;
    return Fraud::wait_for(sub {
        return !grep { my $now = $self->master_port($_);
                       !$now || $now == $port } 0 .. 2;
    }, 60);
}

1;
