package Billing;

# A fraud-billing of a test's own: database, keys, policies, spool, clock and
# configuration in one temporary directory. The programs are those of
# build/test, whose clock is a file and which can be killed at named places.

use strict;
use warnings;

use File::Copy qw(copy);
use File::Temp;
use IO::Select;
use IPC::Open3;
use JSON::PP;
use POSIX qw(:sys_wait_h);
use Symbol qw(gensym);
use Test::More ();
use Time::HiRes qw(sleep);

use Fraud;
use Postgres;
use Receiver;
use Redis;

our $BIN = $ENV{FRAUD_BILLING_BIN} || "$Fraud::TOP/build/test";
our $MKFLAGS = "$Fraud::TOP/build/test/mkflags";

# midday, so that tests which add hours stay in their day; of today, as Redis
# and files have clocks of their own
our $START = int(time / 86400) * 86400 + 43200;

my $postgres;

# databases(): the kinds to be tested on

sub databases {
    return split /,/, $ENV{FRAUD_BILLING_DB} || 'sqlite,postgresql';
}

sub postgres { return $postgres //= Postgres->new }

# new(db =>, stream => URL, webhook => Receiver, policies => [names],
# conf => lines of [billing], more => other sections)

sub new {
    my ($class, %more) = @_;
    my $dir = File::Temp->newdir('fraud-billing-XXXXXX', TMPDIR => 1);
    my $self = bless { db => 'sqlite', dir => $dir, owner => $$, bin => $BIN,
                       %more }, $class;

    mkdir "$dir/$_" or die "$dir/$_: $!\n" for qw(policies spool);
    copy("$Fraud::TOP/conf/policies/$_.policy", "$dir/policies/$_.policy")
        or die "policy $_: $!\n"
        for @{ $self->{policies} || ['asogen'] };
    $self->clock($more{clock} // $START);
    $self->ok_run('keygen', "$dir/key");
    $self->{name} = postgres()->database if $self->{db} eq 'postgresql';
    $self->write_conf;
    $self->ok_run('migrate', '-c', "$dir/conf");
    return $self;
}

sub dir { return "$_[0]{dir}" }
sub file { return "$_[0]{dir}/$_[1]" }

sub url {
    my ($self) = @_;
    return $self->{url} // ($self->{db} eq 'sqlite'
        ? "sqlite:$self->{dir}/billing.db"
        : postgres()->url($self->{name}));
}

sub write_conf {
    my ($self) = @_;
    my $dir = "$self->{dir}";
    my $source = $self->{stream} ? "stream = $self->{stream}"
                                 : "spool = $dir/spool";
    my $hook = '';

    if (my $receiver = $self->{webhook}) {
        $hook = '[webhook]' . "\nurl = " . $receiver->url . "\nsecret = "
            . $receiver->secret_file . "\nca = " . $receiver->ca . "\n";
    }
    Redis::spew("$dir/conf", join "\n", '[billing]', 'database = ' . $self->url,
        "policies = $dir/policies", "key = $dir/key", $source,
        $self->{conf} // '', $hook, $self->{more} // '', '');
}

# clock(seconds): the programs' time is then this; without, what it is

sub clock {
    my ($self, $seconds) = @_;

    if (defined $seconds) {
        Redis::spew("$self->{dir}/clock.new", "$seconds\n");
        rename "$self->{dir}/clock.new", "$self->{dir}/clock";
        $self->{now} = $seconds;
    }
    return $self->{now};
}

sub forward { $_[0]->clock($_[0]->clock + $_[1]) }

sub environment {
    my ($self, %more) = @_;
    return (FRAUD_CLOCK => "$self->{dir}/clock", FRAUD_STREAM_IDLE => 300,
            ASAN_OPTIONS => 'detect_leaks=0', %more);
}

# run(env => {...}, input =>, program, words): exit status, output and errors;
# a status above 128 is that of a signal

sub execute {
    my ($self, @words) = @_;
    my %more = ref $words[0] ? %{ shift @words } : ();
    my $program = $more{program} // 'fraud-billing';
    my $errors = "$self->{dir}/errors." . ($more{tag} // 'run');

    local %ENV = (%ENV, $self->environment(%{ $more{env} || {} }));
    my $pid = open(my $out, '-|') // die "fork: $!\n";

    if ($pid == 0) {
        open STDIN, '<', $more{input} // '/dev/null';
        open STDERR, '>', $errors;
        no warnings 'exec';
        exec "$self->{bin}/$program", @words;
        POSIX::_exit(127);
    }
    my $text = do { local $/; <$out> } // '';
    close $out;
    my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;

    open my $in, '<', $errors or die "$errors: $!\n";
    my $said = do { local $/; <$in> } // '';
    return ($status, $text, $said);
}

sub ok_run {
    my ($self, @words) = @_;
    my ($status, $out, $err) = $self->execute(@words);

    die "@words: status $status: $err\n" if $status != 0;
    return $out;
}

# billing(verb, words), ctl(words): with the configuration

sub billing {
    my ($self, @words) = @_;
    my @more = ref $words[0] ? shift @words : ();
    my $verb = shift @words;
    return $self->execute(@more, $verb, '-c', "$self->{dir}/conf", @words)
        if $verb !~ /^(?:outbox|dead|case)$/;
    return $self->execute(@more, $verb, shift @words, '-c',
                          "$self->{dir}/conf", @words);
}

sub ctl {
    my ($self, @words) = @_;
    my @verb = $words[0] eq 'case' ? splice @words, 0, 2 : shift @words;
    return $self->execute({ program => 'fraudctl' }, @verb, '-c',
                          "$self->{dir}/conf", @words);
}

# once(env): run until nothing is left to do; its status

sub once {
    my ($self, %env) = @_;
    my ($status, $out, $err) = $self->billing({ env => \%env }, 'run',
                                              '--once');
    $self->{said} = $err;
    return $status;
}

# limited(kilobytes): the same where no file may be larger, as on a full disk

sub limited {
    my ($self, $kilobytes) = @_;
    local $ENV{FRAUD_CLOCK} = "$self->{dir}/clock";
    my $blocks = 2 * $kilobytes;
    return system('sh', '-c', "trap '' XFSZ; ulimit -f $blocks; exec \"\$\@\" "
                  . '2>/dev/null', 'sh', "$self->{bin}/fraud-billing", 'run',
                  '--once', '-c', "$self->{dir}/conf") >> 8;
}

# start(env), stop, kill: a run of its own

sub start {
    my ($self, %env) = @_;
    my $errors = "$self->{dir}/errors.daemon";

    $self->{pid} = Redis::child(sub {
        local %ENV = (%ENV, $self->environment(%env));
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', $errors;
        open STDERR, '>&', \*STDOUT;
        no warnings 'exec';
        exec "$self->{bin}/fraud-billing", 'run', '-c', "$self->{dir}/conf";
    });
    return $self->{pid};
}

sub end {
    my ($self, $signal) = @_;
    my $pid = delete $self->{pid} or return;

    local ($?, $!);
    kill $signal, $pid;
    waitpid $pid, 0;
    Redis::guard('-', $pid);
    return $?;
}

sub stop { return $_[0]->end('TERM') }
sub kill9 { return $_[0]->end('KILL') }

# ended(): the daemon did so by itself

sub ended {
    my ($self) = @_;
    return 1 if !$self->{pid};
    return 0 if waitpid($self->{pid}, WNOHANG) == 0;
    Redis::guard('-', delete $self->{pid});
    return 1;
}

# flags(NAME => VALUE): a spool of them; what mkflags says of it, as a hash

sub flags {
    my ($self, %more) = @_;
    my $into = delete $more{dir} // "$self->{dir}/spool";
    my $policy = delete $more{policy} // 'asogen';

    $more{window} //= 10;

    # writers are named by the seed and their number
    $more{seed} = 64 * ($more{seed} // 1);
    $more{start} //= $self->clock - 7200;
    my @args = map { "$_=$more{$_}" } sort keys %more;
    my $pid = open(my $out, '-|', $MKFLAGS, $into, "$self->{dir}/key.pub",
                   "$Fraud::TOP/conf/policies/$policy.policy", @args)
        // die "mkflags: $!\n";
    my $line = do { local $/; <$out> } // '';
    close $out or die "mkflags @args failed\n";
    return $line =~ /(\w+) (\d+)/g;
}

# sql(query): rows, their columns between bars

sub sql {
    my ($self, $query) = @_;

    return postgres()->psql($self->{name}, $query)
        if $self->{db} eq 'postgresql';
    open(my $out, '-|', 'sqlite3', '-cmd', '.timeout 10000', "$self->{dir}/billing.db",
         $query) or die "sqlite3: $!\n";
    chomp(my @lines = <$out>);
    close $out or die "sqlite3: $query\n";
    return @lines;
}

sub value { return ($_[0]->sql($_[1]))[0] }

# verified(what): all that verify has to say is that it is well

sub verified {
    my ($self, $what) = @_;
    my ($status, $out, $err) = $self->billing('verify');

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::ok($status == 0, $what // 'verified')
        || Test::More::diag("$out$err");
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);
    $self->kill9 if $self->{owner} == $$ && $self->{pid};
}

1;
