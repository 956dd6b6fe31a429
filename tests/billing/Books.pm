package Books;

# A fraud-billing (Billing.pm) and the persons who work with it: what they see,
# say and wait for, and what is then in the books.

use strict;
use warnings;

use IO::Handle;
use POSIX ();

use Billing;
use Fraud;
use Redis;

our @ISA = ('Billing');

our $BIN = $Billing::BIN;
our $START = 1795305600;    # 2026-11-22 00:00 UTC

# Books->new(kind, conf => lines of [billing], authors => lines)

sub new {
    my ($class, $kind, %given) = @_;

    die "first: make -C tools test && make -C tests/billing\n"
        if !-x "$BIN/drive";

    my $self = $class->SUPER::new(
        db => $kind, clock => $START,
        policies => [map { m{([^/]+)\.policy$} }
                     glob "$Fraud::TOP/conf/policies/*.policy"],
        conf => $given{conf} // '', more => "[authors]\n"
        . ($given{authors} // "cred_stuffing = mallory\n"));

    $ENV{FRAUD_CLOCK} = "$self->{dir}/clock";
    return $self;
}

# so many seconds after the beginning

sub at {
    my ($self, $seconds) = @_;

    $ENV{FRAUD_CLOCK} = "$self->{dir}/clock";
    $self->clock($START + $seconds);
}

sub later { $_[0]->forward($_[1]) }

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

sub drive {
    my ($self, @args) = @_;

    return $self->run("$BIN/drive", $self->file('conf'), @args);
}

sub tool {
    my ($self, $verb, @args) = @_;

    return $self->run("$BIN/fraud-billing", $verb, '-c', $self->file('conf'),
                      @args);
}

sub case {
    my ($self, $who, $verb, @args) = @_;

    return $self->run("$BIN/fraudctl", 'case', $verb, '-c',
                      $self->file('conf'), '--as', $who, @args);
}

sub sql {
    my ($self, $sql) = @_;

    return join "\n", $self->SUPER::sql($sql);
}

# lock(sql): on PostgreSQL, what the SQL locks, until it is closed

sub lock {
    my ($self, $sql) = @_;
    my $pid = open(my $lock, '|-', 'psql', '-qAt', '-o', '/dev/null',
                   $self->url) // die "psql: $!";

    $lock->autoflush;
    print $lock "BEGIN; $sql; SELECT pg_advisory_lock(1);\n";
    $self->wait_until("SELECT COUNT(*) FROM pg_locks WHERE locktype ="
                      . " 'advisory' AND objid = 1", 1);
    return $lock;
}

sub unlock {
    my ($self, $lock) = @_;

    print $lock "COMMIT;\n";
    close $lock or die "psql: $?";
}

# spawn(command): its pid

sub spawn {
    my ($self, @command) = @_;
    my $child = fork() // die "fork: $!";

    if (!$child) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec @command or POSIX::_exit(127);
    }
    return $child;
}

sub waiting {
    my ($self) = @_;
    return 'SELECT COUNT(*) FROM pg_stat_activity WHERE datname ='
        . " '$self->{name}' AND wait_event_type = 'Lock'";
}

# while_locked(sql, n, commands): carried out once ${n} of them wait for what the
# SQL has locked, on PostgreSQL, and then gives free

sub while_locked {
    my ($self, $sql, $n, @commands) = @_;
    my $lock = $self->lock($sql);
    my @pids = map { $self->spawn(@$_) } @commands;

    $self->wait_until($self->waiting, $n);
    $self->unlock($lock);
    waitpid $_, 0 for @pids;
}

# overtaken(sql, first, second): the first waits for what the SQL has locked, and
# the second, which does not, comes as far as it gets; their exit statuses

sub overtaken {
    my ($self, $sql, $first, $second) = @_;
    my $lock = $self->lock($sql);
    my @pids = $self->spawn(@$first);
    my @status;

    $self->wait_until($self->waiting, 1);
    push @pids, $self->spawn(@$second);
    for (1 .. 400) {
        last if waitpid($pids[1], POSIX::WNOHANG()) != 0;
        last if $self->sql($self->waiting) > 1;
        select undef, undef, undef, 0.05;
    }
    $status[1] = $?;
    $self->unlock($lock);
    for my $i (0, 1) {
        $status[$i] = $? if waitpid($pids[$i], 0) == $pids[$i];
    }
    return @status;
}

sub wait_until {
    my ($self, $sql, $expected) = @_;

    for (1 .. 400) {
        return if $self->sql($sql) == $expected;
        select undef, undef, undef, 0.05;
    }
    die "$sql: never $expected\n";
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

sub verify { my ($self, @args) = @_; $self->tool('verify', @args) }

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

    open my $in, '<', "$Fraud::TOP/conf/policies/asogen.policy" or die;
    my $text = do { local $/; <$in> };

    $text =~ s/^version = 1$/version = $version/m or die;
    $text =~ s/^effective = .*/effective = $effective/m or die;
    for my $old (keys %changes) {
        $text =~ s/\Q$old\E/$changes{$old}/ or die $old;
    }
    Redis::spew("$self->{dir}/policies/asogen-$version.policy", $text);
}

1;
