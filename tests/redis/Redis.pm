package Redis;

# A real server of a test's own, on a free port, in a temporary directory.
# Sentinel and Cluster are made of it (Redis/). What started is stopped by
# its pid, also when the test dies. Commands go over the server's unix socket,
# whatever its port demands.

use strict;
use warnings;

use File::Temp;
use IO::Handle;
use IO::Socket::INET;
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep time);

use Fraud;
use Redis::Client;

our $PATIENCE = 30;

# the directory of all servers of this test, and the guard: a process that
# outlives the test by a moment and kills what the test left

my $dir = File::Temp->newdir('fraud-redis-XXXXXX', TMPDIR => 1);
my ($owner, $guard, $guard_pid, $servers) = ($$, undef, undef, 0);

sub dir { return "$dir" }

sub guard {
    my ($what, $pid) = @_;

    # the test is over, and the guard has done it all
    return if $guard && !$guard->opened;

    if (!$guard) {
        pipe my $in, $guard or die "pipe: $!\n";
        $guard->autoflush(1);
        $guard_pid = fork() // die "fork: $!\n";
        watch($in) if $guard_pid == 0;
        close $in;
    }
    print $guard "$what$pid\n";
}

sub watch {
    my ($in) = @_;
    my %left;

    # it holds none of the test's ends of pipes open but its own
    close $guard;
    open STDIN, '<', '/dev/null';
    open STDOUT, '>', '/dev/null';
    $SIG{$_} = 'IGNORE' for qw(HUP INT TERM PIPE);

    while (my $line = <$in>) {
        $left{$2} = $1 eq '+' if $line =~ /^([+-])(\d+)$/;
    }

    CORE::kill('KILL', grep { $left{$_} } CORE::keys(%left));
    POSIX::_exit(0);
}

# child(sub): a process of the test's own, guarded; returns its pid

sub child {
    my ($run) = @_;

    guard('+', $$) if !$guard;
    guard('-', $$);
    my $pid = fork() // die "fork: $!\n";

    if ($pid == 0) {
        close $guard;
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE);
        eval { $run->(); 1 } or print STDERR $@;
        POSIX::_exit(0);
    }
    guard('+', $pid);
    return $pid;
}

# an orderly end, as of other signals (Ends.pm)

$SIG{PIPE} = sub { exit 1 };

# a server that runs as another name: valkey-server, say

our $SERVER = $ENV{FRAUD_TEST_REDIS} || 'redis-server';

sub have {
    my ($name) = @_;
    return scalar grep { -x "$_/$name" } split /:/, $ENV{PATH}, -1;
}

sub cli {
    (my $cli = $SERVER) =~ s/-server$/-cli/;
    return $cli;
}

# new(args => [...], password =>, tls => { cert, key, ca, clients => 'yes' },
# conf => lines of a file, address =>, port =>): started

sub new {
    my ($class, %more) = @_;
    my $self = bless { args => [], %more, owner => $$ }, $class;

    $self->{server} //= $SERVER;
    $self->{dir} = "$dir/" . $servers++;
    $self->{path} = "$self->{dir}/sock";
    mkdir $self->{dir} or die "$self->{dir}: $!\n";

    $self->{address} //= '127.0.0.1';

    for (1 .. 20) {
        $self->{port} = $more{port} // Fraud::free_port();
        return $self if $self->start;
    }
    die "$self->{server} does not start: " . $self->log . "\n";
}

# as it was before, on the same port; without its keys unless it saved them

sub start {
    my ($self) = @_;
    my @args = (
        '--dir' => $self->{dir}, '--logfile' => "$self->{dir}/log",
        '--bind' => $self->{address}, '--unixsocket' => $self->{path},
        '--daemonize' => 'no', '--save' => '', '--appendonly' => 'no',
    );

    if (my $tls = $self->{tls}) {
        push @args, '--port' => 0, '--tls-port' => $self->{port},
            '--tls-cert-file' => $tls->{cert}, '--tls-key-file' => $tls->{key},
            '--tls-ca-cert-file' => $tls->{ca},
            '--tls-auth-clients' => $tls->{clients} // 'no';
    } else {
        push @args, '--port' => $self->{port};
    }

    push @args, '--requirepass' => $self->{password}
        if defined $self->{password};
    push @args, map { ref $_ ? $_->($self) : $_ } @{ $self->{args} };

    my @conf;

    if (defined $self->{conf}) {
        @conf = ("$self->{dir}/conf", @{ $self->{conf_args} || [] });
        spew("$self->{dir}/conf", $self->{conf}) if !-e "$self->{dir}/conf";
        @args = ('--port' => $self->{port}, '--bind' => '127.0.0.1',
                 '--dir' => $self->{dir}, '--logfile' => "$self->{dir}/log",
                 '--unixsocket' => $self->{path});
    }

    unlink $self->{path};
    delete $self->{client};
    $self->{pid} = child(sub {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$self->{dir}/out";
        open STDERR, '>&', \*STDOUT;
        no warnings 'exec';
        exec $self->{server}, @conf, @args;
    });

    my $up = Fraud::wait_for(sub {
        waitpid($self->{pid}, WNOHANG) and return 1;
        return ($self->try('PING') // $@) =~ /PONG|NOAUTH|LOADING/;
    }, $PATIENCE);

    return $up && CORE::kill(0, $self->{pid});
}

sub spew {
    my ($path, $text) = @_;
    open my $out, '>', $path or die "$path: $!\n";
    print $out $text;
    close $out or die "$path: $!\n";
}

sub log {
    my ($self) = @_;
    my $text = '';

    for my $name (qw(log out)) {
        open my $in, '<', "$self->{dir}/$name" or next;
        local $/;
        $text .= <$in> // '';
    }
    return $text;
}

sub port { return $_[0]{port} }
sub path { return $_[0]{path} }

# url(database): for fraud_redis

sub url {
    my ($self, $database) = @_;
    return ($self->{tls} ? 'rediss' : 'redis')
        . "://$self->{address}:$self->{port}" . ($database ? "/$database" : '');
}

# ending and interrupting

sub kill {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;

    delete $self->{client};
    CORE::kill('KILL', $pid);
    waitpid $pid, 0;
    guard('-', $pid);
}

sub stop {
    my ($self) = @_;
    my $pid = $self->{pid} or return;

    local ($?, $!);
    CORE::kill($_, $pid) for qw(TERM CONT);

    if (Fraud::wait_for(sub { waitpid($pid, WNOHANG) }, 5)) {
        guard('-', delete $self->{pid});
        delete $self->{client};
        return;
    }
    $self->kill;
}

sub pause { CORE::kill('STOP', $_[0]{pid}) }
sub resume { CORE::kill('CONT', $_[0]{pid}) }

sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);
    $self->kill if $self->{owner} == $$;
}

# commands: cmd dies of an error, try returns undef and leaves it in $@. A
# server whose role changes cuts all its clients.

sub cmd {
    my ($self, @words) = @_;

    my $known = $self->{client};

    $self->{client} //= do {
        my $client = Redis::Client->new($self->{path});
        $client->call('AUTH', $self->{password}) if defined $self->{password};
        $client;
    };
    my $reply = eval { $self->{client}->call(@words) };
    return $reply if !$@;

    my $error = $@;
    die $error if $error =~ /^-/;

    delete $self->{client};
    return $self->cmd(@words) if $known && $error =~ /closed|write/;
    die $error;
}

sub try {
    my ($self, @words) = @_;
    return eval { $self->cmd(@words) };
}

# info(section): as a hash

sub info {
    my ($self, $section) = @_;
    my %info = map { /^([^#:]+):(.*?)\r?$/ ? ($1 => $2) : () }
        split /\n/, $self->cmd('INFO', $section // 'default');
    return \%info;
}

# calls(command): how many it carried out since its start

sub calls {
    my ($self, $name) = @_;
    my $line = $self->info('commandstats')->{"cmdstat_$name"} // '';
    return $line =~ /calls=(\d+)/ ? $1 : 0;
}

# clients(): the lines of all connections but this one, its replicas and its
# sentinels

sub clients {
    my ($self) = @_;
    return grep { !/cmd=client|flags=U?[SMP]| name=sentinel/ && / addr=127/ }
        split /\n/, $self->cmd('CLIENT', 'LIST');
}

sub keys {
    my ($self) = @_;
    my ($cursor, @keys) = (0);

    do {
        my $reply = $self->cmd('SCAN', $cursor, 'COUNT', 1000);
        ($cursor, my $found) = @$reply;
        push @keys, @$found;
    } while $cursor;

    my %seen;
    return grep { !$seen{$_}++ } @keys;
}

# count(): the keys of all databases

sub count {
    my ($self) = @_;
    my ($info, $n) = ($self->info('keyspace'), 0);

    for my $line (values %$info) {
        $n += $1 if $line =~ /^keys=(\d+)/;
    }
    return $n;
}

# tls(): a CA of the test's own, with server certificates for localhost and
# another name, a client certificate, and a CA that signed none of them

sub tls {
    my $ca = "$dir/tls";
    return $ca if -d $ca;

    mkdir $ca or die "$ca: $!\n";
    my $openssl = sub {
        system("cd $ca && openssl @_ >> log 2>&1") == 0
            or die "openssl @_ failed, see $ca/log\n";
    };
    my $key = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';

    for my $name (qw(ca stranger)) {
        $openssl->("req -x509 $key -days 30 -keyout $name.key -out $name.crt "
                   . "-subj '/CN=test $name'");
    }

    my %names = (server => 'DNS:localhost,DNS:redis.test,IP:127.0.0.1',
                 other => 'DNS:elsewhere.test', client => 'DNS:client.test');

    for my $name (sort(CORE::keys(%names))) {
        spew("$ca/$name.ext", "subjectAltName=$names{$name}\n");
        $openssl->("req $key -keyout $name.key -out $name.csr "
                   . "-subj '/CN=test $name'");
        $openssl->("x509 -req -in $name.csr -CA ca.crt -CAkey ca.key "
                   . "-CAcreateserial -days 30 -extfile $name.ext "
                   . "-out $name.crt");
    }
    return $ca;
}

END {
    # what is left is stopped before its directory goes
    if ($$ == $owner && $guard) {
        local ($?, $!);
        close $guard;
        waitpid $guard_pid, 0;
    }
}

1;
