package Redis::Cluster;

# three masters, each with a replica

use strict;
use warnings;

use Redis;

sub new {
    my ($class, %more) = @_;

    # nodes that start again and again until all six have their ports
    my @nodes = map {
        Redis->new(%more, args => [
            @{ $more{args} || [] },
            '--cluster-enabled', 'yes', '--cluster-node-timeout', 3000,
            '--cluster-replica-validity-factor', 0,
            '--repl-diskless-sync-delay', 0,
        ]);
    } 1 .. 6;
    my $self = bless { nodes => \@nodes }, $class;

    $self->cli('create', (map { "127.0.0.1:$_->{port}" } @nodes),
               '--cluster-replicas', 1);
    $self->settled or die 'the cluster does not form: ' . $self->log . "\n";
    return $self;
}

sub cli {
    my ($self, @words) = @_;
    my $log = Redis::dir() . '/cluster';

    system(join ' ', 'exec', Redis::cli(), '--cluster', @words,
           '--cluster-yes', ">> $log 2>&1 < /dev/null") == 0
        or die "redis-cli --cluster $words[0] failed: " . $self->log . "\n";
}

# its last words

sub log {
    open my $in, '<', Redis::dir() . '/cluster' or return '';
    my @lines = <$in>;
    return join '', @lines > 20 ? @lines[-20 .. -1] : @lines;
}

# whether all nodes that run agree that all is well, and who has which slots

sub settled {
    my ($self) = @_;
    my @up = grep { $_->{pid} } @{ $self->{nodes} };

    return Fraud::wait_for(sub {
        return !grep {
            my $info = $_->try('CLUSTER', 'INFO') // '';
            $info !~ /cluster_state:ok/ || $info !~ /cluster_slots_ok:16384/
        } @up;
    }, 60) && Fraud::wait_for(sub {
        my %maps = map { map_of($_) => 1 } @up;
        return CORE::keys(%maps) == 1;
    }) && Fraud::wait_for(sub {
        return !grep {
            my $info = eval { $_->info('replication') } || {};
            ($info->{role} // '') eq 'slave'
                && $info->{master_link_status} ne 'up'
        } @up;
    });
}

our $asked = 0;

sub map_of {
    my ($node) = @_;
    $asked++;
    return join ' ', sort map { "$_->[0]-$_->[1]:$_->[2][1]" }
        @{ $node->try('CLUSTER', 'SLOTS') || [] };
}

sub urls {
    my ($self, $n) = @_;
    return join ' ', map { "redis://127.0.0.1:$_->{port}" }
        @{ $self->{nodes} }[0 .. ($n // 3) - 1];
}

sub masters {
    my ($self) = @_;
    return grep { $_->{pid} && (($_->try('ROLE') || [''])->[0] eq 'master') }
        @{ $self->{nodes} };
}

# keys(): of all masters

sub keys {
    my ($self) = @_;
    my %keys = map { $_ => 1 } map { $_->keys } $self->masters;
    return CORE::keys(%keys);
}

# reshard(from, to, n): moves n slots

sub reshard {
    my ($self, $from, $to, $n) = @_;
    $self->settled or die "the cluster is not settled\n";
    $self->cli('reshard', "127.0.0.1:$from->{port}",
               '--cluster-from', $from->cmd('CLUSTER', 'MYID'),
               '--cluster-to', $to->cmd('CLUSTER', 'MYID'),
               '--cluster-slots', $n);
}

1;
