# The ledger through a person's decisions and the clock, on both databases:
# balances to the minor unit, each message a second time, deadlines, caps
# under many at once, and a kill at each place of a transaction.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib", "$FindBin::Bin/../redis";

use Books;
use Test::More;

use constant { DAY => 86400, SLACK => 1200 };

my $b;

sub clean {
    my ($name) = @_;

    my $said = $b->verify;
    ok(!$b->{status}, "$name: the books are right") or diag $said;
}

sub balances {
    my ($name, @expected) = @_;

    is(join(' ', map { $b->balance($_) }
            'alice', 'sys:fraud_hold', 'sys:fraud_recovery'),
       join(' ', @expected), "$name: customer, held, recovered");
}

sub books {
    my ($kind, %given) = @_;

    $b = Books->new($kind, %given);
    $b->deposit('d1', 'alice', 10000);
}

sub held {
    my ($amount, %flag) = @_;
    my $case = $b->flag(%flag);
    my $said = $b->confirm('anna', $case, $amount);

    is($b->state($case), 'held', "$amount is held") or diag $said;
    return $case;
}

# run as many commands at once, and wait for all of them

sub at_once {
    my @commands = @_;
    my @pids;

    for my $command (@commands) {
        my $pid = fork() // die "fork: $!";
        if (!$pid) {
            open STDOUT, '>>', "$b->{dir}/at-once" or die;
            open STDERR, '>&', \*STDOUT or die;
            exec @$command or POSIX::_exit(127);
        }
        push @pids, $pid;
    }
    waitpid $_, 0 for @pids;
}

sub confirmation {
    my ($who, $case, $amount) = @_;

    return ["$Books::BIN/fraudctl", 'case', 'confirm', '-c', $b->file('conf'),
            '--as', $who, '--reason', 'evidence', '--amount', $amount, $case];
}

# MT1, MT5: the whole way, and everything a second time

sub golden_path {
    my $case = $b->flag(window => 1, amount => 1234);
    is($b->state($case), 'case', 'one flag of two signals makes a case');
    balances('case', 10000, 0, 0);
    clean('case');

    like($b->confirm('anna', $case, 1234), qr/^12\.34 EUR is held/, 'confirm');
    balances('hold', 8766, 1234, 0);
    clean('hold');

    my $end = $b->{now} + 14 * DAY + SLACK;
    $b->at($end - 1 - $Books::START);
    $b->tick;
    balances('a second too early', 8766, 1234, 0);
    $b->at($end - $Books::START);
    $b->tick;
    is($b->state($case), 'posted', 'posted when the time is over');
    balances('post', 8766, 0, 1234);
    clean('post');

    $b->case('clerk', 'appeal', $case, '--reference', 'T1', '--reason',
             'person');
    $b->judge('bob', 'reverse', $case, '--reference', 'T1', '--reason',
              'appeal_right', '--amount', 1234);
    is($b->state($case), 'reversed', 'reversed in full');
    balances('reversal', 10000, 0, 0);
    clean('reversal');

    my $before = $b->dump;
    like($b->drive('flag', 'window=1', 'amount=1234'),
         qr/^counted 0 repeated 1/, 'the flag again is a repetition');
    like($b->drive('flag', 'window=1', 'amount=1235'),
         qr/^counted 0 .* dead 1$/m, 'its id with another amount is dead');
    is($b->deposit('d1', 'alice', 10000), "exists\n", 'the deposit exists');
    is($b->deposit('d1', 'alice', 10001), "differs\n", '... with its amount');
    $b->tick;
    like($b->confirm('anna', $case, 1234), qr/refused/, 'no second hold');
    like($b->judge('carl', 'reverse', $case, '--reference', 'T1', '--reason',
                   'appeal_right', '--amount', 1234), qr/refused/,
         'no second reversal');
    is($b->dump, $before, 'a second run of everything changes nothing');
    clean('again');
}

# MT21, MT22: several nodes, epochs and versions of the policy, one incident

sub one_incident {
    $b->policy(2, '2026-11-22', 'event=min(damage,5000)' =>
               'event=min(damage,1000)');
    my $case = $b->flag(epoch => 1, amount => 500, window => 1);
    is($b->flag(epoch => 2, amount => 600, window => 2), $case, 'an epoch on');
    is($b->flag(epoch => 2, amount => 700, window => 2, version => 2,
                rule => 'card_testing'), $case, 'a rule and a policy on');
    is($b->sql("SELECT COUNT(*) FROM incident"), 1, 'one incident');
    is($b->sql("SELECT amount, policy_version FROM incident") =~ tr/|/ /r,
       '1800 2', 'of all three, under the stricter policy');
    like($b->confirm('anna', $case, 1001), qr/at most 10\.00 EUR/,
         'the stricter cap');
    like($b->confirm('anna', $case, 1000), qr/is held/, 'one hold');
    is($b->sql("SELECT COUNT(*) FROM transfer WHERE kind = 'hold'"), 1,
       'and no other');
    clean('one incident');
}

# the same decision by many at once is one

sub one_hold {
    my $case = $b->flag(amount => 1000);

    $b->case($_, 'show', $case) for qw(anna bob);
    $b->later(31);
    at_once(map { confirmation($_ % 2 ? 'anna' : 'bob', $case, 1000) }
            1 .. 16);
    balances('16 confirmed', 9000, 1000, 0);
    is($b->sql("SELECT COUNT(*) FROM review WHERE action = 'confirm'"), 1,
       'one of them did');
    $b->later(14 * DAY + SLACK);
    at_once(map { ["$Books::BIN/drive", $b->file('conf'), 'tick'] } 1 .. 8);
    balances('8 posted', 9000, 0, 1000);
    clean('at once');
}

# MT12: 16 at once against one day's cap

sub cap_under_load {
    my @cases = map { $b->flag(family => "f$_", amount => 1000) } 1 .. 16;

    $b->case('anna', 'show', $_) for @cases;
    $b->later(31);
    at_once(map { confirmation('anna', $_, 1000) } @cases);
    is($b->sql("SELECT COUNT(*), SUM(amount) FROM transfer WHERE kind = 'hold'")
       =~ tr/|/ /r, '5 5000', '16 at once hold exactly what the cap leaves');
    is($b->sql("SELECT COUNT(*) FROM refusal WHERE reason = 'cap_day'"), 11,
       'the others are refused for ever')
       or diag `cat $b->{dir}/at-once`;
    is($b->sql("SELECT COUNT(*) FROM incident WHERE state = 'closed'"), 11,
       'and closed');
    clean('16 at once');

    # the next day has room, but not for what was refused
    $b->later(DAY);
    my $closed = $b->sql("SELECT MIN(id) FROM incident WHERE state = 'closed'");
    like($b->confirm('anna', $closed, 1000), qr/refused/, 'refused stays so');
    held(1000, family => 'tomorrow', amount => 1000);
    clean('midnight');
}

sub midnight {
    $b->at(DAY - 120);
    held(3000, family => 'a', amount => 3000);
    my $case = $b->flag(family => 'b', amount => 5000);
    $b->case('anna', 'show', $case);
    $b->at(DAY - 1);
    like($b->case('anna', 'confirm', $case, '--reason', 'evidence', '--amount',
                  2001), qr/at most 20\.00 EUR/, 'a second before midnight');
    $b->at(DAY);
    like($b->case('anna', 'confirm', $case, '--reason', 'evidence', '--amount',
                  5000), qr/50\.00 EUR is held/, 'at midnight');
    clean('midnight');
}

sub cap_changes {
    my $case = held(4000, amount => 4000);

    $b->policy(2, '2026-11-25', 'event=min(damage,5000) day=5000' =>
               'event=min(damage,1500) day=1500');
    $b->later(15 * DAY);
    $b->tick;
    is($b->state($case), 'posted', 'posted under a lower cap');
    balances('a lower cap', 8500, 0, 1500);
    clean('a lower cap');
}

# the strictest policy of all flags counts, also if somebody else makes the
# incident between the look at it and the first flag

sub policy_races {
    my $case = $b->flag;

    $b->policy(2, '2026-11-22', 'event=min(damage,5000) day=5000' =>
               'event=min(damage,1500) day=1500');
    $b->sql("CREATE TABLE made AS SELECT * FROM incident WHERE id = '$case'; "
            . 'DELETE FROM incident; DELETE FROM inbox');
    $b->while_locked('INSERT INTO incident SELECT * FROM made', 1,
                     ["$Books::BIN/drive", $b->file('conf'), 'flag', 'version=2',
                      'window=5']);
    is($b->sql("SELECT events, policy_version FROM incident WHERE id = "
               . "'$case'"), '2|2', 'both flags, and the stricter policy');
}

sub policy_forbids {
    my $case = held(4000, amount => 4000);

    $b->policy(2, '2026-11-25', "deduct = review when fraud>=confirmed & "
               . "damage>=suspected &\n    attribution=account" =>
               'deduct = forbid',
               'event=min(damage,5000) day=5000 account=balance' =>
               'event=0 day=0 account=0',
               'hold=14d appeal=30d' => 'hold=0d appeal=0d');
    $b->later(15 * DAY);
    $b->tick;
    is($b->state($case), 'voided', 'a policy that forbids voids');
    balances('forbidden', 10000, 0, 0);
    clean('forbidden');
}

sub window_grows {
    my $case = held(1000, amount => 1000);

    $b->policy(2, '2026-11-25', 'hold=14d appeal=30d' => 'hold=20d appeal=30d');
    $b->later(15 * DAY);
    $b->tick;
    is($b->state($case), 'held', 'a longer time to object counts');
    $b->later(5 * DAY + SLACK);
    $b->tick;
    is($b->state($case), 'posted', '... and ends');
    clean('a longer time');
}

# MT13

sub spend_races {
    my $case = $b->flag(amount => 4000);

    $b->case('anna', 'show', $case);
    $b->later(31);
    at_once((map { ["$Books::BIN/drive", $b->file('conf'), 'spend', "s$_",
                    'alice', 1000, 'EUR'] } 1 .. 15),
            confirmation('anna', $case, 4000));
    my $left = $b->balance('alice');
    my $held = $b->balance('sys:fraud_hold');
    my $spent = $b->balance('sys:billing');
    is($left + $held + $spent, 0, 'nothing is lost between them');
    ok($left >= 0, 'never below 0');
    clean('spending at once');

    is($b->spend('more', 'alice', 100000), "refused\n", 'too much');
    $b->deposit('d2', 'alice', 200000);
    is($b->spend('more', 'alice', 100000), "refused\n", 'and it stays refused');
    is($b->spend('else', 'alice', 100000), "ok\n", 'under another id it is');
    clean('refusals');
}

# MT14

sub appeals {
    my $case = held(3000, amount => 3000);

    $b->later(14 * DAY + SLACK);
    $b->tick;
    my $posted = $b->{now};
    my %left = (29 => 2000, 31 => 1999, 300 => 1999);
    my @judges = qw(bob carl dora);

    for my $day (29, 31, 300) {
        $b->at($posted - $Books::START + $day * DAY);
        is($b->case('clerk', 'appeal', $case, '--reference', "D$day",
                    '--reason', 'person'), "done\n", "an appeal on day $day");
        like($b->case('clerk', 'appeal', $case, '--reference', "D$day",
                      '--reason', 'person'), qr/there is an appeal/, 'once');
        my $judge = shift @judges;
        my @verb = $day == 300 ? ('reject', '--reason', 'evidence_stands')
            : ('reverse', '--reason', 'appeal_right', '--amount',
               $day == 29 ? 1000 : 1);
        is($b->judge('anna', $verb[0], $case, '--reference', "D$day",
                     @verb[1 .. $#verb]) =~ /had a part in/, 1,
           'not judged by who confirmed');
        unlike($b->judge($judge, $verb[0], $case, '--reference', "D$day",
                         @verb[1 .. $#verb]), qr/refused/,
               "$verb[0] by $judge");
        like($b->judge('eve', 'reverse', $case, '--reference', "D$day",
                       '--reason', 'goodwill', '--amount', 1),
             qr/answered already/, 'one answer to one appeal');
        is($b->balance('sys:fraud_recovery'), $left{$day}, 'to the minor unit');
        clean("appeal on day $day");
    }
    $b->case('clerk', 'appeal', $case, '--reference', 'D301', '--reason',
             'agent');
    like($b->judge('fred', 'reverse', $case, '--reference', 'D301', '--reason',
                   'goodwill', '--amount', 2000), qr/at most 19\.99 EUR/,
         'never more than was posted');
    $b->tool('erase', '--account', 'alice', '--as', 'officer');
    $b->case('fred', 'reverse', $case, '--reference', 'D301', '--reason',
             'goodwill', '--amount', 1999);
    is($b->state($case), 'reversed', 'also when the account is closed');
    balances('all of it', 10000, 0, 0);
    clean('account closed');
}

# MT15

sub clocks {
    my $case = $b->flag(amount => 1000);

    $b->case('anna', 'show', $case);
    $b->later(-600);
    like($b->case('anna', 'confirm', $case, '--reason', 'evidence',
                  '--amount', 1000), qr/take 30 seconds/,
         'a clock that went back opens no gate');

    # ten minutes slow when it began, ten minutes fast when it ends
    $b->later(600 + 31 - 600);
    $b->case('anna', 'show', $case);
    $b->later(31);
    $b->case('anna', 'confirm', $case, '--reason', 'evidence',
             '--amount', 1000);
    is($b->state($case), 'held', 'held by a slow clock');
    my $true = $b->{now} + 600;
    $b->at($true + 14 * DAY - 1 + 600 - $Books::START);
    $b->tick;
    is($b->state($case), 'held', 'a fast clock posts nothing early');
    $b->later(-3 * DAY);
    $b->tick;
    is($b->state($case), 'held', 'nor does one that goes backwards');
    $b->at($true + 14 * DAY + 600 - $Books::START);
    $b->tick;
    is($b->state($case), 'posted', 'in the end it is');
    clean('clocks');
}

# MT16

sub refuted {
    my $case = held(1000, family => 'a', amount => 1000);

    like($b->judge('bob', 'refute', $case, '--reason', 'false_alarm'),
         qr/given back/, 'refuted before the post');
    is($b->state($case), 'voided', 'void');
    balances('refuted', 10000, 0, 0);
    clean('refuted before');

    $case = held(2000, family => 'b', amount => 2000);
    $b->later(14 * DAY + SLACK);
    $b->tick;
    like($b->judge('bob', 'refute', $case, '--reason', 'dispute_won'),
         qr/a reversal is proposed/, 'refuted after the post');
    is($b->state($case), 'posted', 'nothing moves by itself');
    like($b->case('bob', 'list'), qr/$case.*a reversal is proposed/,
         'it is in the list');
    like($b->judge('bob', 'reverse', $case, '--reason', 'refuted', '--amount',
                   2000), qr/20\.00 EUR is given back/, 'a person reverses');
    balances('refuted', 10000, 0, 0);
    is($b->sql("SELECT said, COUNT(*) FROM verdict GROUP BY said ORDER BY said")
       =~ tr/|\n/  /r, 'confirmed 2 refuted 2', 'the store is to be told');
    clean('refuted after');

    $case = $b->flag(family => 'c', amount => 1000);
    $b->judge('bob', 'refute', $case, '--reason', 'not_the_person');
    is($b->state($case), 'refuted', 'refuted without a hold');
    $b->flag(family => 'c', amount => 1000, window => 99);
    is($b->state($case), 'refuted', 'a further flag opens nothing anew');
    clean('refuted at once');
}

# MT17

sub erasure {
    $b->{more} .= "[webhook]\nurl = https://127.0.0.1:1/\n"
        . "secret = $b->{dir}/secret\n";
    $b->write_conf;
    my $case = held(1000, amount => 1000);
    my $open = $b->flag(family => 'other', amount => 500);
    my $sums = $b->sql('SELECT COUNT(*), SUM(amount) FROM transfer');

    like($b->tool('erase', '--account', 'alice', '--as', 'officer'),
         qr/erasure begun/, 'an erasure with an open hold');
    is($b->state($open), 'closed', 'what is not held is closed');
    is($b->state($case), 'held', 'the policy lets the hold finish');
    is($b->sql('SELECT COUNT(*), SUM(amount) FROM transfer'), $sums,
       'the ledger is as it was');
    $b->sql("UPDATE outbox SET state = 'sent'");
    $b->tick;
    is($b->sql('SELECT COUNT(*) FROM resolver'), 1, 'still known');
    $b->later(60);
    like($b->drive('flag', 'family=late'), qr/ refused 1 /,
         'and looked at no more');
    clean('erasure begun');

    $b->later(14 * DAY + SLACK);
    $b->tick;
    is($b->state($case), 'posted', 'it finishes');
    is($b->sql('SELECT COUNT(*) FROM resolver'), 1,
       'until the billing system is told');
    $b->sql("UPDATE outbox SET state = 'sent'");
    $b->tick;
    is($b->sql('SELECT COUNT(*) FROM resolver'), 0, 'nobody knows whose it is');
    is($b->sql("SELECT COUNT(*) FROM inbox WHERE body IS NOT NULL")
       . $b->sql("SELECT COUNT(*) FROM notice WHERE text <> ''")
       . $b->sql("SELECT COUNT(*) FROM outbox WHERE body <> ''")
       . $b->sql("SELECT COUNT(*) FROM incident WHERE pid <> ''"), '0000',
       'no evidence, notice, message, pseudonym');
    like($b->drive('flag', 'family=late'), qr/ refused 1 /,
         'what he did until then does not count any more');
    is($b->sql('SELECT COUNT(*) FROM resolver'), 0, 'and brings nobody back');
    is($b->sql("SELECT COUNT(*) FROM review WHERE action = 'erase'"), 2,
       'an audit row for each incident');
    balances('erased', 9000, 0, 1000);
    clean('erased');
}

sub erasure_voids {
    $b->policy(2, '2026-11-22', 'inflight=finish' => 'inflight=void');
    my $case = held(1000, amount => 1000);

    $b->tool('erase', '--ledger', $b->account('alice'), '--as', 'officer');
    is($b->state($case), 'voided', 'a policy that does not finish, voids');
    balances('voided', 10000, 0, 0);
    is($b->sql('SELECT COUNT(*) FROM resolver'), 0,
       'nobody is to be told, so it is over at once');
    clean('erasure voids');
}

# an intake in the middle of which an erasure comes, and the other way round

sub erasure_races {
    my @erase = ("$Books::BIN/fraud-billing", 'erase', '-c', $b->file('conf'),
                 '--as', 'officer', '--account');
    my @flag = ("$Books::BIN/drive", $b->file('conf'), 'flag');
    my $left = sub {
        return $b->sql('SELECT COUNT(*) FROM resolver')
            . $b->sql('SELECT COUNT(*) FROM inbox WHERE body IS NOT NULL')
            . $b->sql("SELECT COUNT(*) FROM incident WHERE pid <> ''"
                      . " OR state IN ('watch', 'case')");
    };

    for my $account ('alice', 'bert') {
        $b->flag(account => 'bert') if $account eq 'bert';
        is(join(' ', $b->overtaken('LOCK TABLE arrival IN EXCLUSIVE MODE',
                                   [@flag, "account=$account", 'family=new'],
                                   [@erase, $account])), '0 0',
           "an erasure while a flag of $account is taken in");
        is($left->(), '000', 'and nothing is left of it');
    }
    $b->flag(account => 'carol');
    is(join(' ', $b->overtaken('LOCK TABLE notice IN EXCLUSIVE MODE',
                               [@erase, 'carol'],
                               [@flag, 'account=carol', 'family=new'])), '0 0',
       'a flag while an account is erased');
    is($left->(), '000', 'and nothing is left of it');
    clean('races');
}

# MT18

sub restriction {
    my $case = held(1000, amount => 1000);

    $b->later(10 * DAY);
    is($b->case('clerk', 'restrict', $case, '--reason', 'accuracy'), "done\n",
       'restricted');
    $b->later(30 * DAY);
    $b->tick;
    is($b->state($case), 'held', 'neither posted nor voided');
    $b->case('clerk', 'lift', $case, '--reason', 'settled');
    $b->later(4 * DAY - 1);
    $b->tick;
    is($b->state($case), 'held', 'the deadline moved with it');
    $b->later(2 * SLACK);
    $b->tick;
    is($b->state($case), 'posted', 'and ends');
    clean('restriction');
}

# MT25, and objections that nobody decides on

sub outages {
    my $case = held(1000, amount => 1000);

    $b->later(14 * DAY + SLACK + 48 * 3600 + 1);
    $b->tick;
    is($b->state($case), 'voided', 'nothing is posted late');
    is($b->sql("SELECT kind FROM transfer WHERE pending IS NOT NULL"), 'expire',
       'it expires');
    balances('72 h late', 10000, 0, 0);
    clean('outage');

    $case = held(1000, family => 'objected', amount => 1000);
    is($b->case('clerk', 'object', $case, '--reason', 'person'), "done\n",
       'an objection');
    $b->later(14 * DAY + SLACK);
    $b->tick;
    is($b->state($case), 'voided', 'that nobody decides on ends the hold');

    $case = held(1000, family => 'upheld', amount => 1000);
    $b->case('clerk', 'object', $case, '--reason', 'person');
    like($b->judge('anna', 'uphold', $case, '--reason', 'evidence'),
         qr/somebody new/, 'not by who confirmed');
    is($b->judge('bob', 'uphold', $case, '--reason', 'evidence'), "done\n",
       'somebody new upholds');
    $b->later(14 * DAY + SLACK);
    $b->tick;
    is($b->state($case), 'posted', 'posted after an objection');
    clean('objections');
}

# what cannot be settled, whenever it is tried, does not hold up what is behind

sub rotten {
    my $bad = held(1000, family => 'bad', amount => 1000);
    my $good = held(500, family => 'good', amount => 500);
    my $late = held(200, family => 'late', amount => 200);
    my $hold = $b->sql("SELECT hold FROM incident WHERE id = '$bad'");
    my $aside = 'SELECT id, tries FROM aside';

    $b->case('clerk', 'object', $late, '--reason', 'person');
    $b->sql("UPDATE incident SET hold = 'hld_none' WHERE id = '$bad'");
    $b->{conf} = "second_person = 2000\nmetrics = " . $b->file('metrics');
    $b->write_conf;
    $b->later(14 * DAY + SLACK);
    my $said = $b->tool('run', '--once');
    isnt($b->{status}, 0, 'not all could be done');
    like($said, qr/"alarm","what":"cannot be done, set aside","id":"$bad"/,
         'an alarm says what not');
    is($b->state($bad), 'held', 'what is rotten stays as it is');
    is($b->state($good), 'posted', 'what is behind it is posted');
    is($b->state($late), 'voided', 'or expires');
    balances('rotten', 8500, 1000, 500);
    like(do { local (@ARGV, $/) = $b->file('metrics'); <> },
         qr/^fraud_billing_set_aside_total 1\n(?:.*\n)*fraud_billing_set_aside 1$/m,
         'and is counted');

    $said = $b->tool('run', '--once');
    is($b->{status}, 0, 'it is not tried again at once');
    is($b->sql($aside), "$bad|1", 'and was once');
    for my $try (2 .. 8) {
        $b->later($try < 8 ? 60 * 2 ** ($try - 2) - 1 : 3599);
        $b->tick;
        is($b->sql($aside), "$bad|" . ($try - 1), 'nor a second too early');
        $b->later(1);
        $b->tick;
        is($b->sql($aside), "$bad|$try", "but when it is time, $try");
    }

    $b->sql("UPDATE incident SET hold = '$hold' WHERE id = '$bad'");
    $b->later(3600);
    $b->tick;
    is($b->state($bad), 'posted', 'put right, it is posted');
    is($b->sql($aside), '', 'and forgotten');
    clean('rotten');
}

# the same of erasures

sub rotten_erasure {
    my %account = map { $b->account($_) => $_ } qw(alice bert carol);
    my ($bad, @good) = sort keys %account;

    $b->flag(account => $_) for values %account;
    $b->sql('UPDATE resolver SET erase = 1');
    $b->sql($b->{db} eq 'sqlite'
        ? 'CREATE TRIGGER rotten BEFORE DELETE ON resolver'
          . " WHEN OLD.account = '$bad' BEGIN SELECT RAISE(ABORT, 'no'); END"
        : 'CREATE TRIGGER rotten BEFORE DELETE ON resolver FOR EACH ROW WHEN'
          . " (OLD.account = '$bad') EXECUTE FUNCTION insert_only()");
    $b->tick;
    is($b->sql('SELECT account FROM resolver'), $bad,
       'an erasure that cannot be finished does not hold up the others');
    is($b->sql('SELECT id, tries FROM aside'), "$bad|1", 'and is set aside');
    $b->tool('erase', '--ledger', $good[0], '--as', 'officer');
    is($b->{status}, 0, 'nor does it hold up new ones');
    $b->tool('erase', '--ledger', $bad, '--as', 'officer');
    isnt($b->{status}, 0, 'whoever asks for it again is told');
    $b->sql('DROP TRIGGER rotten' . ($b->{db} eq 'sqlite' ? '' : ' ON resolver'));
    $b->later(60);
    $b->tick;
    my $left = sub { $b->sql('SELECT (SELECT COUNT(*) FROM resolver)'
                             . ' + (SELECT COUNT(*) FROM aside)') };
    is($left->(), 0, 'put right, it is finished');
    $b->later(10);
    $b->flag(account => $account{$bad});
    $b->sql("INSERT INTO aside VALUES ('$bad', 3, $b->{now}000000)");
    $b->tool('erase', '--ledger', $bad, '--as', 'officer');
    is($left->(), 0, 'also by hand');

    # what was settled otherwise meanwhile is not tried any more
    $b->sql("INSERT INTO aside VALUES ('inc_x', 3, $b->{now}000000)");
    $b->later(DAY - 1);
    $b->tool('run', '--once');
    is($b->sql('SELECT COUNT(*) FROM aside'), 1, 'known for a day');
    $b->later(1);
    $b->tool('run', '--once');
    is($b->sql('SELECT COUNT(*) FROM aside'), 0, 'and no more');
}

# MT6, of what this side writes

sub kills {
    my @names = qw(review-locked confirm-noted ledger-entered hold-entered
                   confirm-held review-done);
    my @ticks = qw(tick-locked tick-decided post-entered tick-settled);

    $b->deposit('rich', 'alice', 1000000);
    for my $name (@names, @ticks) {
        my $ticks = grep { $_ eq $name } @ticks;
        my $case = $b->flag(family => $name =~ tr/-/_/r, amount => 100);
        $b->case('anna', 'show', $case);
        $b->later(31);
        my @confirm = ('anna', 'confirm', $case, '--reason', 'evidence',
                       '--amount', 100);
        if (!$ticks) {
            local $ENV{FRAUD_FAILPOINT} = $name;
            $b->case(@confirm);
            is($b->{status} & 127, 9, "killed at $name");
            clean("killed at $name");
        }
        if ($b->state($case) eq 'case') {
            $b->case(@confirm);
        }
        is($b->state($case), 'held', "held after $name");
        $b->later(14 * DAY + SLACK);
        if ($ticks) {
            local $ENV{FRAUD_FAILPOINT} = $name;
            $b->tick;
            is($b->{status} & 127, 9, "killed at $name");
            clean("killed at $name");
        }
        $b->tick;
        is($b->state($case), 'posted', "posted after $name");
    }
    is($b->balance('sys:fraud_recovery'), 100 * (@names + @ticks),
       'each exactly once');
    clean('kills');
}

for my $kind (Billing::databases()) {
    my %tests = (
        golden_path => \&golden_path, one_incident => \&one_incident,
        one_hold => \&one_hold, cap_under_load => \&cap_under_load,
        midnight => \&midnight,
        cap_changes => \&cap_changes, policy_forbids => \&policy_forbids,
        # SQLite has one writer
        $kind eq 'sqlite' ? () : (policy_races => \&policy_races,
                                  erasure_races => \&erasure_races),
        window_grows => \&window_grows, spend_races => \&spend_races,
        appeals => \&appeals, clocks => \&clocks, refuted => \&refuted,
        erasure => \&erasure, erasure_voids => \&erasure_voids,
        restriction => \&restriction, outages => \&outages, kills => \&kills,
        rotten => \&rotten, rotten_erasure => \&rotten_erasure,
    );

    for my $name (sort keys %tests) {
        next if @ARGV && !grep { $_ eq $name } @ARGV;
        subtest "$kind: $name" => sub { books($kind); $tests{$name}->() };
    }
}

done_testing;
