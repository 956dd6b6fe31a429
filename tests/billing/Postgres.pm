package Postgres;

# A PostgreSQL of a test's own, in a directory of its own, over a unix socket,
# waiting for the disk as in production. It refuses to run as root: then it is
# the user postgres. One server for all databases of a test.

use strict;
use warnings;

use File::Temp;
use POSIX ();
use Time::HiRes qw(sleep);

use Fraud;
use Redis;

my $count = 0;

sub bin {
    my ($name) = @_;

    for my $dir (sort { $b cmp $a } glob('/usr/lib/postgresql/*/bin'),
                 split /:/, $ENV{PATH})
    {
        return "$dir/$name" if -x "$dir/$name";
    }
    die "no $name: apt-get install postgresql\n";
}

# as(sub): in this process, as somebody who may start it

sub unprivileged {
    return if $> != 0;
    my @who = getpwnam('postgres');
    @who or die "no user postgres\n";
    POSIX::setgid($who[3]);
    POSIX::setuid($who[2]);
    $> != 0 or die "still root\n";
    $ENV{HOME} = '/';
}

sub as_user {
    my ($dir, @command) = @_;
    my $pid = fork() // die "fork: $!\n";

    if ($pid == 0) {
        unprivileged();
        chdir $dir;
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$dir/out";
        open STDERR, '>&', \*STDOUT;
        no warnings 'exec';
        exec @command;
        POSIX::_exit(1);
    }
    waitpid $pid, 0;
    return $? == 0;
}

sub new {
    my ($class, %more) = @_;
    my $dir = File::Temp->newdir('fraud-pg-XXXXXX', TMPDIR => 1);
    my $self = bless { dir => $dir, owner => $$, %more }, $class;
    my @who = getpwnam('postgres');

    chown $who[2], $who[3], "$dir" if $> == 0;
    as_user("$dir", bin('initdb'), '-D', "$dir/data", '-A', 'trust', '-U',
            'postgres', '-E', 'UTF8', '--locale=C')
        or die 'initdb: ' . $self->log . "\n";
    $self->start or die 'postgres: ' . $self->log . "\n";
    return $self;
}

sub start {
    my ($self) = @_;
    my $dir = "$self->{dir}";

    $self->{pid} = Redis::child(sub {
        unprivileged();
        chdir $dir;
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$dir/out";
        open STDERR, '>&', \*STDOUT;
        no warnings 'exec';
        exec bin('postgres'), '-D', "$dir/data", '-c', "unix_socket_directories=$dir",
            '-c', 'listen_addresses=', '-c', 'fsync=on', '-c',
            'synchronous_commit=on', '-c', 'max_connections=60', '-c',
            'shared_buffers=32MB', '-c', 'logging_collector=off';
    });
    return Fraud::wait_for(sub {
        system("psql -q -h $dir -U postgres -c 'SELECT 1' postgres "
               . '>/dev/null 2>&1') == 0;
    }, 60);
}

sub log {
    my ($self) = @_;
    open my $in, '<', "$self->{dir}/out" or return '';
    local $/;
    return <$in> // '';
}

# database(): a new one; where it is, for psql and for fraud-billing

sub database {
    my ($self) = @_;
    my $name = 'b' . ++$count;

    $self->psql('postgres', "CREATE DATABASE $name");
    return $name;
}

sub url {
    my ($self, $name, $dir) = @_;
    return "postgresql:///$name?user=postgres&host=" . ($dir // "$self->{dir}");
}

sub psql {
    my ($self, $name, $sql) = @_;
    my $pid = open(my $out, '-|', 'psql', '-X', '-q', '-A', '-t', '-F', '|',
                   '-v', 'ON_ERROR_STOP=1', '-h', "$self->{dir}", '-U',
                   'postgres', '-c', $sql, $name) // die "psql: $!\n";
    my @lines = <$out>;
    close $out or die "psql: $sql\n";
    chomp @lines;
    return @lines;
}

# stop(how): QUIT is an immediate one, as if the power went

sub stop {
    my ($self, $how) = @_;
    my $pid = delete $self->{pid} or return;

    local ($?, $!);
    kill $how // 'QUIT', $pid;
    waitpid $pid, 0;
    Redis::guard('-', $pid);
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);
    $self->stop if $self->{owner} == $$;
}

1;
