package Books;

# A database of fraud-billing, SQLite's or PostgreSQL's, its policies and keys
# below a temporary directory, its clock, and what persons do with it. The
# server of PostgreSQL is started once for a test and stopped by its pid.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use POSIX qw(WNOHANG);

our $TOP = abs_path(dirname(__FILE__) . '/../..');
our $BIN = "$TOP/build/test";
our $START = 1795305600;    # 2026-11-22 00:00 UTC

my (%server, $databases, $owner);

sub file {
    my ($path, $text) = @_;

    open my $out, '>', $path or die "$path: $!";
    print $out $text;
    close $out or die "$path: $!";
}

sub slurp {
    my ($path) = @_;

    open my $in, '<', $path or die "$path: $!";
    local $/;
    return <$in>;
}

# as the user that PostgreSQL runs as: it refuses root

sub as_owner {
    my @command = @_;

    return $> == 0 ? ('runuser', '-u', 'postgres', '--', @command) : @command;
}

sub start_server {
    return if %server;

    my ($bin) = sort { $b cmp $a } glob '/usr/lib/postgresql/*/bin';
    die "no PostgreSQL in /usr/lib/postgresql\n" if !$bin;

    my $dir = tempdir('fraud-pg-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $data = "$dir/data";

    if ($> == 0) {
        my ($uid, $gid) = (getpwnam 'postgres')[2, 3];
        chown $uid, $gid, $dir or die "$dir: $!";
    }

    quiet(as_owner("$bin/initdb", '-D', $data, '-U', 'fraud', '-A', 'trust',
                   '--no-sync'));
    quiet(as_owner("$bin/pg_ctl", '-D', $data, '-w', '-l', "$dir/log", '-o',
                   "-c listen_addresses='' -c unix_socket_directories=$dir"
                   . " -c max_connections=60 -c fsync=on", 'start'));

    %server = (dir => $dir, data => $data, bin => $bin,
               pid => (split /\n/, slurp("$data/postmaster.pid"))[0]);
    $owner = $$;
}

sub stop_server {
    return if !%server || $owner != $$;

    kill 'INT', $server{pid};
    for (1 .. 200) {
        last if !kill 0, $server{pid};
        select undef, undef, undef, 0.05;
    }
    %server = ();
}

END { my $status = $?; stop_server(); $? = $status }
$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);

sub quiet {
    my @command = @_;
    my $pid = fork() // die "fork: $!";

    if (!$pid) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec @command or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    die "@command: $?\n" if $?;
}

# Books->new('sqlite' | 'postgresql', conf => lines of [billing])

sub new {
    my ($class, $kind, %given) = @_;
    my $dir = tempdir('fraud-books-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $self = bless { kind => $kind, dir => $dir, conf => "$dir/billing.conf" },
                     $class;

    if (!-x "$BIN/drive" || !-x "$BIN/fraudctl" || !-x "$BIN/fraud-billing") {
        die "first: make -C tools test && make -C tests/billing\n";
    }

    if ($kind eq 'sqlite') {
        $self->{url} = "sqlite:$dir/billing.db";

    } else {
        start_server();
        $self->{name} = 'books' . $databases++;
        quiet('psql', '-h', $server{dir}, '-U', 'fraud', '-d', 'postgres',
              '-c', "CREATE DATABASE $self->{name}");
        $self->{url} = "postgresql:///$self->{name}?host=$server{dir}"
            . '&user=fraud';
    }

    mkdir "$dir/policies" or die;
    mkdir "$dir/spool" or die;
    copy($_, "$dir/policies") or die for glob "$TOP/conf/policies/*.policy";

    file($self->{conf}, "[billing]\ndatabase = $self->{url}\n"
         . "policies = $dir/policies\nkey = $dir/key\nspool = $dir/spool\n"
         . ($given{conf} // '') . "[authors]\n"
         . ($given{authors} // "cred_stuffing = mallory\n"));
    $ENV{FRAUD_CLOCK} = "$dir/clock";
    $self->{now} = $START;
    $self->at(0);
    quiet("$BIN/fraud-billing", 'keygen', "$dir/key");
    quiet("$BIN/fraud-billing", 'migrate', '-c', $self->{conf});
    return $self;
}

# so many seconds after the beginning

sub at {
    my ($self, $seconds) = @_;

    $ENV{FRAUD_CLOCK} = "$self->{dir}/clock";
    $self->{now} = $START + $seconds;
    file("$self->{dir}/clock.new", "$self->{now}\n");
    rename "$self->{dir}/clock.new", "$self->{dir}/clock" or die;
}

sub later {
    my ($self, $seconds) = @_;

    $self->at($self->{now} - $START + $seconds);
}

# what a command printed, both channels; its exit status is in $self->{status}

sub run {
    my ($self, @command) = @_;

    open my $out, '-|', 'sh', '-c', 'exec 2>&1; exec "$@"', 'sh', @command
        or die;
    local $/;
    my $text = <$out> // '';
    close $out;
    $self->{status} = $?;
    return $text;
}

sub drive { my ($self, @args) = @_; $self->run("$BIN/drive", $self->{conf}, @args) }

sub billing {
    my ($self, $verb, @args) = @_;

    return $self->run("$BIN/fraud-billing", $verb, '-c', $self->{conf}, @args);
}

sub case {
    my ($self, $who, $verb, @args) = @_;

    return $self->run("$BIN/fraudctl", 'case', $verb, '-c', $self->{conf},
                      '--as', $who, @args);
}

sub sql {
    my ($self, $sql) = @_;
    my $text = $self->{kind} eq 'sqlite'
        ? $self->run('sqlite3', "$self->{dir}/billing.db", $sql)
        : $self->run('psql', '-h', $server{dir}, '-U', 'fraud', '-d',
                     $self->{name}, '-qAt', '-v', 'ON_ERROR_STOP=1', '-c', $sql);

    die "$sql: $text" if $self->{status};
    chomp $text;
    return $text;
}

sub deposit {
    my ($self, $id, $account, $amount, $currency) = @_;

    return $self->drive('deposit', $id, $account, $amount, $currency // 'EUR');
}

sub spend {
    my ($self, $id, $account, $amount) = @_;

    return $self->drive('spend', $id, $account, $amount, 'EUR');
}

sub account {
    my ($self, $name) = @_;
    my $id = $self->drive('account', $name);

    chomp $id;
    return $id;
}

sub balance {
    my ($self, $account) = @_;

    $account = $account =~ /^sys:/ ? "$account:EUR" : $self->account($account);
    return $self->sql("SELECT balance FROM account WHERE id = '$account'") || 0;
}

# a flag, in a window of its own, and the case that it is of

sub flag {
    my ($self, %said) = @_;
    $said{window} //= 1000 + $self->{flags}++;
    my $text = $self->drive('flag', map { "$_=$said{$_}" } sort keys %said);

    die "flag: $text" if $self->{status};
    my $account = $self->account($said{account} // 'alice');
    my $family = $said{family} // 'stuffing';

    return $self->sql("SELECT id FROM incident WHERE account = '$account'"
                      . " AND family = '$family' ORDER BY day DESC LIMIT 1");
}

sub state {
    my ($self, $case) = @_;

    return $self->sql("SELECT state FROM incident WHERE id = '$case'");
}

# see the evidence long enough, then

sub judge {
    my ($self, $who, $verb, $case, @args) = @_;

    $self->case($who, 'show', $case);
    $self->later(31);
    return $self->case($who, $verb, $case, @args);
}

sub confirm {
    my ($self, $who, $case, $amount) = @_;

    return $self->judge($who, 'confirm', $case, '--reason', 'evidence',
                        '--amount', $amount);
}

sub tick { $_[0]->drive('tick') }

sub verify { my ($self, @args) = @_; $self->billing('verify', @args) }

# all that is remembered, but for who has looked and when

sub dump {
    my ($self) = @_;
    my %tables = (
        transfer => 'seq, id, kind, debit, credit, amount, hash',
        account => 'id, currency, balance',
        incident => 'id, events, amount, fraud, damage, state, post_at',
        outbox => 'id, type, state',
        notice => 'id, kind',
        verdict => 'id, said',
        refusal => 'id, reason',
        inbox => 'id, digest, incident',
    );

    return join "\n", map {
        "$_:\n" . $self->sql("SELECT $tables{$_} FROM $_ ORDER BY 1")
    } sort keys %tables;
}

# another version of a policy

sub policy {
    my ($self, $version, $effective, %changes) = @_;
    my $text = slurp("$TOP/conf/policies/asogen.policy");

    $text =~ s/^version = 1$/version = $version/m or die;
    $text =~ s/^effective = .*/effective = $effective/m or die;
    for my $old (keys %changes) {
        $text =~ s/\Q$old\E/$changes{$old}/ or die $old;
    }
    file("$self->{dir}/policies/asogen-$version.policy", $text);
}

1;
