package Chaos;

# A billing behind a stream, and all that can happen to it; and what became of
# the flags that were made, as an independent count says.

use strict;
use warnings;

use Time::HiRes qw(sleep);

use Billing;

# new(db =>, source => 'stream' or 'spool', bin => DIR)

sub new {
    my ($class, %more) = @_;
    my $self = bless { source => 'stream', seed => 0, flags => 0, amount => 0,
                       %more }, $class;
    my @bin = $self->{bin} ? (bin => $self->{bin}) : ();

    $self->{redis} = Redis->new(args => ['--appendonly', 'no'])
        if $self->{source} eq 'stream';
    $self->{billing} = Billing->new(db => $self->{db}, @bin,
        $self->{redis} ? (stream => $self->{redis}->url) : ());
    return $self;
}

sub made { return $_[0]{flags} }
sub wrong { return @{ $_[0]{wrong} || [] } }

sub more {
    my ($self, $flags) = @_;
    my $billing = $self->{billing};
    my %made = $billing->flags(flags => $flags, accounts => 5, writers => 2,
        duplicates => 25, reorder => 1, seed => ++$self->{seed}, window => 10,
        start => $billing->clock - 36000 + 60 * $self->{seed});

    $self->{$_} += $made{$_} for qw(flags amount);
}

sub ship {
    my ($self, @words) = @_;
    return if !$self->{redis};
    my %env = ref $words[0] ? %{ shift @words } : ();
    return ($self->{billing}->execute({ env => \%env, tag => 'ship' }, 'ship',
        '--once', '--spool', $self->{billing}->file('spool'), '--stream',
        $self->{redis}->url, @words))[0];
}

# storm(rounds =>, flags =>): in each round some flags, a worker or two, and
# kill -9 while they work; return how many were killed at work

sub storm {
    my ($self, %more) = @_;
    my $billing = $self->{billing};
    my $killed = 0;
    my %event;

    push @{ $event{ int($more{rounds} * ($_ + 0.5) / 3) } }, 'redis'
        for 0 .. 2;
    push @{ $event{ int($more{rounds} * ($_ + 0.2) / 3) } }, 'database'
        for 0 .. 2;
    push @{ $event{ int($more{rounds} * 0.6) } }, 'trim';

    for my $round (1 .. $more{rounds}) {
        $self->more($more{flags});
        my $again = rand() < 0.1 ? '--again' : ();
        rand() < 0.1 ? $self->ship({ FRAUD_FAILPOINT => 'ship-sent' })
                     : $self->ship($again || ());
        # two at once from a stream, of which a spool has but one
        my @workers = ($billing);
        push @workers, bless { %$billing, owner => 0 }, 'Billing'
            if $self->{redis};
        $_->start for @workers;
        sleep 0.02 + rand 0.12;
        $self->happen($_) for @{ $event{$round} || [] };
        for my $worker (@workers) {
            $killed++ if !$worker->ended && $worker->kill9 == 9;
        }
        $self->check if $event{$round} || $round % 20 == 0;
    }
    return $killed;
}

# check: in the middle of it, but for what is on its way, the books are right

sub check {
    my ($self) = @_;
    my (undef, $out) = $self->{billing}->billing('verify', '--json');

    push @{ $self->{wrong} }, grep { /^\{"check":/ && !/"spool"/ }
        split /\n/, $out;
}

sub happen {
    my ($self, $what) = @_;

    if ($what eq 'redis' && $self->{redis}) {
        $self->{redis}->kill;
        sleep 0.1;
        $self->{redis}->start;
    }
    if ($what eq 'database' && $self->{db} eq 'postgresql') {
        Billing::postgres()->stop('QUIT');
        sleep 0.1;
        Billing::postgres()->start;
    }
    if ($what eq 'trim' && $self->{redis}) {
        $self->{redis}->try('XTRIM', $_, 'MAXLEN', 5)
            for grep { /^fraud:flags/ } $self->{redis}->keys;
    }
}

# settle: no more faults, until all is in; what was dead of too many deaths of
# workers is redriven by a person

sub settle {
    my ($self) = @_;
    my $billing = $self->{billing};
    my $ended = 0;

    $self->ship('--again');
    Fraud::wait_for(sub {
        $billing->once;
        my @dead = $billing->sql("SELECT id FROM dead WHERE state = 'dead'");
        $billing->forward(1);
        $billing->billing('dead', 'redrive', '--all') if @dead;
        $self->pending == 0 && !@dead && ($self->lost == 0 || $ended++ > 20);
    }, 60);
}

sub pending {
    my ($self) = @_;
    my $n = 0;

    return 0 if !$self->{redis};
    for my $key (grep { /^fraud:flags/ } $self->{redis}->keys) {
        my $groups = $self->{redis}->try('XINFO', 'GROUPS', $key) or next;
        my %group = @{ $groups->[0] || [] };
        $n += ($group{pending} // 0) + ($group{lag} // 0);
    }
    return $n;
}

# lost, doubled: flags, by the ids and by the money

sub lost {
    my ($self) = @_;
    my $in = $self->{billing}->value('SELECT COUNT(*) FROM inbox');
    my $events = $self->{billing}->value(
        'SELECT COALESCE(SUM(events), 0) FROM incident');
    my $least = $in < $events ? $in : $events;
    return $least < $self->{flags} ? $self->{flags} - $least : 0;
}

sub doubled {
    my ($self) = @_;
    my $events = $self->{billing}->value(
        'SELECT COALESCE(SUM(events), 0) FROM incident');
    my $amount = $self->{billing}->value(
        'SELECT COALESCE(SUM(amount), 0) FROM incident');
    my $more = $events - $self->{flags};

    return $more if $more > 0;
    return $amount > $self->{amount} && $self->lost == 0 ? 1 : 0;
}

package Life;

# One account, from its flags to the reversal of what was deducted. Each
# program is told to die at a place, and started again if it did.

use strict;
use warnings;

use constant DAY => 86400;

sub new {
    my ($class, %more) = @_;
    my $self = bless { killed => 0, %more }, $class;
    my $billing = Billing->new(db => $self->{db});

    $billing->{webhook} = Receiver->new(clock => $billing->file('clock'));
    $self->{nginx} = Receiver->new(plain => 1, control => 1);
    $billing->{more} = "[reputation]\nidentity = account\n"
        . "control = http://127.0.0.1:$self->{nginx}{port}/control\n";
    $billing->write_conf;
    $self->{billing} = $billing;
    return $self;
}

sub survive {
    my ($self, @words) = @_;
    my @first = ref $words[0] ? %{ shift @words } : ();
    my ($status, $out, $err) = $self->{billing}->execute(
        { @first, env => { FRAUD_FAILPOINT => $self->{place} } }, @words);

    if ($status == 137) {
        $self->{killed}++;
        ($status, $out, $err) = $self->{billing}->execute({ @first }, @words);
    }
    return $out;
}

sub billing {
    my ($self, @words) = @_;
    return $self->survive($words[0], '-c', $self->{billing}->file('conf'),
                          @words[1 .. $#words]);
}

sub person {
    my ($self, $who, $verb, @words) = @_;
    return $self->survive({ program => 'fraudctl' }, 'case', $verb, '-c',
                          $self->{billing}->file('conf'), '--as', $who,
                          @words);
}

# held(case, amount): confirmed by somebody who looked at it

sub held {
    my ($self, $case, $amount) = @_;

    $self->person('anna', 'show', $case);
    $self->{billing}->forward(40);
    $self->person('anna', 'confirm', $case, '--reason', 'evidence',
                  '--amount', $amount);
}

sub judged {
    my ($self, $verb, $case, @words) = @_;

    $self->person('bob', 'show', $case);
    $self->{billing}->forward(40);
    $self->person('bob', $verb, $case, @words);
}

# one case is posted and reversed on appeal, another is voided on objection;
# then the person is forgotten

sub live {
    my ($self) = @_;
    my $billing = $self->{billing};
    my @run = ('run', '--once');

    $billing->flags(flags => 50, accounts => 1, rules => 2, families => 2,
                    amount => 50, duplicates => 20);
    $self->billing('deposit', '--id', 'd1', '--policy', 'asogen', '--account',
                   'user-0', '--amount', 10000, '--currency', 'EUR');
    $self->billing(@run);
    my ($case, $other) = $billing->sql('SELECT id FROM incident ORDER BY id');

    $self->held($case, 600);
    $self->held($other, 500);
    $self->person('clerk', 'object', $other, '--reason', 'person');
    $self->judged('refute', $other, '--reason', 'false_alarm');
    $self->billing(@run);
    $billing->forward(120); # a lease may have to end first
    $billing->once;
    $billing->forward(15 * DAY);
    $self->billing(@run);
    $self->person('clerk', 'appeal', $case, '--reference', 'T1', '--reason',
                  'person');
    $self->judged('reverse', $case, '--reference', 'T1', '--reason',
                  'appeal_right', '--amount', 600);
    $billing->forward(120);
    $self->billing(@run);

    my @money = map { $billing->value('SELECT COALESCE(SUM(balance), 0) FROM '
                                      . "account WHERE id LIKE '$_%'") }
        'cust:', 'sys:fraud_hold', 'sys:fraud_recovery';
    my @states = $billing->sql("SELECT state FROM incident WHERE id = '$case'"
        . " UNION ALL SELECT state FROM incident WHERE id = '$other'");

    $self->billing('erase', '--account', 'user-0');
    # a message that nobody answered for is due after a minute, and only who
    # has been told all is forgotten
    $self->billing(@run);

    for (1 .. 3) {
        $billing->forward(400);
        $billing->once;
    }
    return join ' ', @states, @money,
        $billing->value('SELECT COUNT(*) FROM resolver');
}

package Cutter;

# Between a client and PostgreSQL: some of the COMMITs get there, and nobody
# hears of it.

use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;

sub new {
    my ($class, $server, $every) = @_;
    my $dir = Redis::dir() . '/cutter' . int rand 1e9;
    my $self = bless { dir => $dir, server => $server, every => $every },
        $class;

    mkdir $dir or die "$dir: $!\n";
    my $listen = IO::Socket::UNIX->new(Local => "$dir/.s.PGSQL.5432",
                                       Listen => 20) or die "listen: $!\n";
    $self->{pid} = Redis::child(sub { $self->serve($listen) });
    return $self;
}

sub dir { return $_[0]{dir} }

sub serve {
    my ($self, $listen) = @_;
    my $select = IO::Select->new($listen);
    my (%peer, %is_client);
    my $commits = 0;

    $SIG{PIPE} = 'IGNORE';
    while (1) {
        for my $from ($select->can_read) {
            if ($from == $listen) {
                my $client = $listen->accept or next;
                my $server = IO::Socket::UNIX->new(
                    Peer => "$self->{server}/.s.PGSQL.5432");
                close($client), next if !$server;
                @peer{ $client, $server } = ($server, $client);
                $is_client{$client} = 1;
                $select->add($client, $server);
                next;
            }
            my $to = $peer{$from} or next;
            my $n = sysread $from, my $data, 65536;
            my $cut = !$n;

            if ($n) {
                syswrite $to, $data;
                if ($is_client{$from} && $data =~ /COMMIT/
                    && ++$commits % $self->{every} == 0)
                {
                    open my $out, '>>', "$self->{dir}/cuts";
                    print $out "cut\n";
                    close $out;
                    $cut = 1;
                    # it has to get there first
                    select undef, undef, undef, 0.05;
                }
            }
            if ($cut) {
                $select->remove($from, $to);
                delete @peer{ $from, $to };
                close $from;
                close $to;
            }
        }
    }
}

sub cuts {
    my ($self) = @_;
    open my $in, '<', "$self->{dir}/cuts" or return 0;
    return scalar(() = <$in>);
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    local ($?, $!);
    kill 'KILL', $pid;
    waitpid $pid, 0;
    Redis::guard('-', $pid);
}

sub DESTROY { $_[0]->stop }

1;
