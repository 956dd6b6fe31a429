# Every verb by which somebody changes something is killed at each place that it
# comes by, and said again: what is in the database is then what one run leaves,
# nothing twice, and the books are right. Who looks twice, or assesses a damage
# twice, has done so.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib", "$FindBin::Bin/../redis";

use File::Copy qw(copy);

use Books;
use Test::More;

use constant { DAY => 86400, SLACK => 1200 };

my ($b, $name, %killed);

# a case of the account that is named as the test, and what persons of its own
# do with it

sub flag { return $b->flag(account => $name, family => $name, amount => $_[0]) }

sub person {
    my ($who, $verb, $case, @words) = @_;
    return ("$Books::BIN/fraudctl", 'case', $verb, '-c', $b->file('conf'),
            '--as', "$who.$name", $case, @words);
}

sub done {
    my @command = person(@_);
    my $said = $b->run(@command);
    die "@command: $said" if $b->{status};
}

sub seen {
    my ($who, $case) = @_;
    done($who, 'show', $case);
    $b->later(31);
    return $case;
}

sub confirm { return (@_, '--reason', 'evidence', '--amount') }

sub held {
    my $case = seen('anna', flag(1000));
    done(confirm('anna', 'confirm', $case), 800);
    return $case;
}

sub objected {
    my $case = held();
    done('clerk', 'object', $case, '--reason', 'person');
    return seen('bob', $case);
}

sub posted {
    my $case = held();
    $b->later(14 * DAY + SLACK);
    $b->tick;
    return seen('bob', $case);
}

sub appealed {
    my $case = posted();
    done('clerk', 'appeal', $case, '--reference', 'T1', '--reason', 'person');
    return seen('bob', $case);
}

sub asked {
    my $case = seen('anna', flag(3000));
    done(confirm('anna', 'confirm', $case), 2500);
    return seen('bob', $case);
}

sub restricted {
    my $case = held();
    done('clerk', 'restrict', $case, '--reason', 'accuracy');
    $b->later(60);
    return $case;
}

sub money {
    my ($verb) = @_;
    return ("$Books::BIN/fraud-billing", $verb, '-c', $b->file('conf'),
            '--policy', 'asogen', '--account', $name, '--amount', 300,
            '--currency', 'EUR', '--id', "$verb.$name");
}

# what is killed, once all before it has been done

my @refute = ('--reason', 'false_alarm');
my @appeal = ('--reference', 'T1', '--reason');
my %verbs = (
    show => sub { person('anna', 'show', flag(1000)) },
    confirm => sub {
        (person(confirm('anna', 'confirm', seen('anna', flag(1000)))), 900);
    },
    confirm_none => sub {
        (person(confirm('anna', 'confirm', seen('anna', flag(1000)))), 0);
    },
    ask_second => sub {
        (person(confirm('anna', 'confirm', seen('anna', flag(3000)))), 2500);
    },
    second => sub { (person(confirm('bob', 'confirm', asked())), 2500) },
    refute => sub { person('anna', 'refute', seen('anna', flag(1000)), @refute) },
    refute_hold => sub { person('bob', 'refute', seen('bob', held()), @refute) },
    refute_post => sub { person('bob', 'refute', posted(), @refute) },
    assess => sub {
        person('bob', 'assess', seen('bob', held()), '--reason', 'metered',
               '--damage', 'proven', '--amount', 700);
    },
    object => sub { person('clerk', 'object', held(), '--reason', 'person') },
    uphold => sub {
        person('bob', 'uphold', objected(), '--reason', 'evidence');
    },
    void => sub {
        person('bob', 'refute', objected(), '--reason', 'objection');
    },
    appeal => sub { person('clerk', 'appeal', posted(), @appeal, 'person') },
    reject => sub {
        person('bob', 'reject', appealed(), @appeal, 'evidence_stands');
    },
    reverse => sub {
        person('bob', 'reverse', appealed(), @appeal, 'appeal_right',
               '--amount', 800);
    },
    reverse_part => sub {
        person('bob', 'reverse', appealed(), @appeal, 'goodwill', '--amount',
               300);
    },
    restrict => sub {
        person('clerk', 'restrict', held(), '--reason', 'accuracy');
    },
    lift => sub { person('clerk', 'lift', restricted(), '--reason', 'settled') },
    deposit => sub { money('deposit') },
    spend => sub { money('spend') },
    erase => sub {
        posted();
        flag(500);
        ("$Books::BIN/fraud-billing", 'erase', '-c', $b->file('conf'),
         '--account', $name, '--as', "clerk.$name");
    },
    erase_hold => sub {
        held();
        ("$Books::BIN/fraud-billing", 'erase', '-c', $b->file('conf'),
         '--account', $name, '--as', "clerk.$name");
    },
);

# all that is remembered: ids of reviews are of the process that wrote them

sub remembered {
    my $sqlite = $b->{db} eq 'sqlite';
    my %columns = map { $_ => $sqlite ? '*' : "$_.*" }
        qw(account incident decision notice transfer refusal chain outbox
           verdict inbox resolver dead);
    $columns{review} = 'incident, reviewer, action, reason, amount, reference, at';

    return join "\n", sort split /\n/, $b->sql(join
        $sqlite ? '; ' : ' UNION ALL ', map {
            my $row = $sqlite ? $columns{$_} : "ROW($columns{$_})::text";
            "SELECT '$_', $row FROM $_";
        } sort keys %columns);
}

# keep(), restore(): the whole database

sub keep {
    if ($b->{db} eq 'sqlite') {
        $b->sql('PRAGMA wal_checkpoint(TRUNCATE)');
        copy($b->file('billing.db'), $b->file('kept.db')) or die "copy: $!\n";
        return;
    }
    $b->sql(join '; ', 'DROP SCHEMA IF EXISTS kept CASCADE',
            'CREATE SCHEMA kept',
            map { "CREATE TABLE kept.$_ AS TABLE public.$_" } tables());
}

sub restore {
    if ($b->{db} eq 'sqlite') {
        unlink map { $b->file("billing.db$_") } '-wal', '-shm';
        copy($b->file('kept.db'), $b->file('billing.db')) or die "copy: $!\n";
        return;
    }
    # a replica has no triggers
    $b->sql(join '; ', 'SET session_replication_role = replica',
            'TRUNCATE ' . join(', ', tables()),
            map { "INSERT INTO $_ TABLE kept.$_" } tables());
}

sub tables {
    return split /\n/, $b->sql("SELECT tablename FROM pg_tables WHERE"
                               . " schemaname = 'public'");
}

sub at_place {
    my ($place, @command) = @_;
    local $ENV{FRAUD_FAILPOINT} = $place;
    return $b->run(@command);
}

# a place behind a commit is as if the answer had been lost

sub survives {
    $b->deposit("d-$name", $name, 10000);
    my @command = $verbs{$name}->();

    keep();
    my $before = remembered();
    my $said = at_place('?', @command);
    # of an erasure a hold that may finish is left
    my $status = $name eq 'erase_hold' ? 1 : 0;
    is($b->{status} >> 8, $status, 'done') or diag $said;
    my $end = remembered();
    isnt($end, $before, 'which changes something');
    $b->verified('the books are right');
    $b->run(@command);
    my $twice = remembered();
    is($twice, $end, 'twice is once') if $name !~ /^(?:show|assess)$/;

    my (%times, $text);
    for my $place ($said =~ /^failpoint (\S+)$/mg) {
        my $at = $place . ':' . ++$times{$place};

        restore();
        at_place($at, @command);
        is($b->{status} & 127, 9, "killed at $at");
        my $half = remembered();
        my $committed = $place =~ /-committed$/ && $half ne $before;
        is($half, $committed ? $end : $before, 'nothing is half done');
        $text = $b->run(@command);
        is($b->{status} >> 8, $status, 'done again') or diag $text
            if !$committed;
        is(remembered(), $committed ? $twice : $end, 'as if not killed');
        $b->verified('the books are right');
        $killed{$b->{db}}{$place} = 1;
    }
    cmp_ok(scalar keys %times, '>', 0, 'at ' . keys(%times) . ' places');
}

for my $kind (Billing::databases()) {
    $b = Books->new($kind, conf => "second_person = 2000\n");
    for (sort keys %verbs) {
        next if @ARGV && !/^(?:@{[ join '|', @ARGV ]})$/;
        $name = $_;
        subtest "$kind: $name" => \&survives;
    }
    next if @ARGV;

    # of those that fraud-billing has as well 70-chaos.t sees that each is killed
    my %others = map { $_ => 1 } split /\n/, $b->ok_run('failpoints');
    my @left = grep { !$others{$_} && !$killed{$kind}{$_} }
        split /\n/, $b->ok_run({ program => 'fraudctl' }, 'failpoints');
    is("@left", '', "$kind: killed at every place of fraudctl");
}

done_testing;
