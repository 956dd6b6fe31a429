# What "fraud-billing verify" says of books that are right, and of books that
# somebody has changed by hand: each change is named. And that the database
# itself lets nobody change a transfer or a review.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib", "$FindBin::Bin/../redis";

use Books;
use Test::More;

use constant { DAY => 86400, SLACK => 1200 };

my ($b, %case);

# one case in each state that money can be in

sub books {
    $b->deposit('d1', 'alice', 10000);
    $b->deposit('d2', 'bert', 3000);
    $b->spend('s1', 'bert', 500);
    for my $name (qw(posted reversed voided)) {
        $case{$name} = $b->flag(family => $name, amount => 1000);
        $b->confirm('anna', $case{$name}, 1000);
    }
    $b->judge('bob', 'refute', $case{voided}, '--reason', 'false_alarm');
    $b->later(14 * DAY + SLACK);
    $b->tick;
    $b->case('clerk', 'appeal', $case{reversed}, '--reference', 'T1',
             '--reason', 'person');
    $b->judge('bob', 'reverse', $case{reversed}, '--reference', 'T1',
              '--reason', 'appeal_right', '--amount', 1000);
    $case{held} = $b->flag(family => 'held', amount => 1000);
    $b->confirm('anna', $case{held}, 900);
    $case{case} = $b->flag(family => 'case', amount => 1000);
}

my @triggers = qw(transfer_kept transfer_stays review_kept review_stays);

# what lets a hand do what the database does not

sub unlock {
    if ($b->{db} eq 'sqlite') {
        $b->sql("DROP TRIGGER $_") for @triggers;
        $b->sql('DROP INDEX transfer_hold');
        $b->sql('DROP INDEX transfer_resolved');
        $b->sql('PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql ='
                . " REPLACE(sql, 'CHECK (balance >= 0 OR id LIKE ''sys:%'')',"
                . " 'CHECK (1)') WHERE name = 'account';");
        return;
    }
    $b->sql('DROP TRIGGER transfer_kept ON transfer');
    $b->sql('DROP TRIGGER review_kept ON review');
    $b->sql('DROP INDEX transfer_hold; DROP INDEX transfer_resolved');
    $b->sql('ALTER TABLE account DROP CONSTRAINT account_check');
}

# a copy of all tables to go back to

my @tables = qw(arrival inbox dead account incident decision review notice
                transfer refusal chain outbox verdict);

sub keep {
    $b->sql("CREATE TABLE kept_$_ AS SELECT * FROM $_") for @tables;
}

sub restore {
    $b->sql(join '; ', map {; "DELETE FROM $_",
                             "INSERT INTO $_ SELECT * FROM kept_$_" } @tables);
}

sub of { my ($kind, $case) = @_; "kind = '$kind' AND incident = '$case{$case}'" }

# name, what a hand does, and the lines that name it

sub changes {
    my $t = 'UPDATE transfer SET';
    my $hold = sub { $b->sql("SELECT id FROM transfer WHERE "
                             . of('hold', $_[0])) };
    my $alice = $b->account('alice');
    my $us = 14 * DAY * 1000000;

    return (
        ['an amount', "$t amount = amount + 1 WHERE " . of('post', 'posted'),
         qr/^chain .*pst_\w+: does not have the hash/m,
         qr/^I1 +sys:fraud_hold:EUR: its balance/m,
         qr/^I5 +hld_\w+: what ended it is not as much/m,
         qr/^I5 +pst_\w+: is more than the damage/m],
        ['a transfer taken out', 'DELETE FROM transfer WHERE '
         . of('reverse', 'reversed'),
         qr/^chain +hld_\w+: is not the next one/m,
         qr/^chain +hld_\w+: is not chained/m,
         qr/^I1 +$alice: its balance/m,
         qr/^state +$case{reversed}: is not as the ledger/m,
         qr/^outbox +rev_\w+: tells of what is not in the ledger/m],
        ['the last transfer taken out', 'DELETE FROM transfer WHERE '
         . of('hold', 'held'), qr/^chain +head: the last transfer/m],
        ['a chain of its own', "$t prev_hash = 'x' WHERE seq = 2",
         qr/^chain +d2: is not chained to the one before/m],
        ['what was asked for', "$t request = 'x' WHERE id = 'd2'",
         qr/^chain +d2: is not what was asked for/m],
        ['a balance', "UPDATE account SET balance = balance + 5"
         . " WHERE id = '$alice'", qr/^I1 +$alice: its balance/m,
         qr/^I1 +EUR: the balances of a currency do not add up/m],
        ['an account', "DELETE FROM account WHERE id = '$alice'",
         qr/^I1 +$alice: is not in the table of accounts/m],
        ['a currency', "$t currency = 'USD' WHERE id = 'd2'",
         qr/^I1 +d2: is of another currency/m],
        ['the sides', "$t credit = debit, debit = credit WHERE id = 's1'",
         qr/^I1 +s1: its accounts or its amount are none/m],
        ['more than there is', "$t amount = 9999 WHERE id = 's1'",
         qr/^I2 +cust:\w+: went below 0/m],
        ['a second hold', 'INSERT INTO transfer SELECT 100, '
         . "'hld_x', kind, debit, credit, amount, currency, pending, incident,"
         . ' decision, policy, policy_version, request, prev_hash, hash, at'
         . ' FROM transfer WHERE ' . of('hold', 'held'),
         qr/^I3 +$case{held}: has more than one hold/m],
        ['a second end', 'INSERT INTO transfer SELECT 100, '
         . "'voi_x', 'void', credit, '$alice', amount, currency, id, incident,"
         . ' decision, policy, policy_version, request, prev_hash, hash, at'
         . ' FROM transfer WHERE ' . of('hold', 'posted'),
         qr/^I3 +hld_\w+: was resolved more than once/m,
         qr/^outbox +voi_x: the billing system is not told/m,
         qr/^I7 +voi_x: there is no notice/m],
        ['another hold', "$t pending = 'hld_y' WHERE " . of('post', 'posted'),
         qr/^I3 +pst_\w+: has no hold of the same incident/m],
        ['another incident', "$t incident = 'inc_y' WHERE "
         . of('hold', 'held'), qr/^I3 +hld_\w+: belongs to no incident/m],
        ['reversed more', "$t amount = 1001 WHERE "
         . of('reverse', 'reversed'), qr/^I4 +hld_\w+: more was reversed/m],
        ['an appeal', "DELETE FROM review WHERE action = 'appeal'",
         qr/^I4 +rev_\w+: has no appeal/m],
        ['a decision', "UPDATE decision SET max_amount = 899 WHERE id ="
         . ' (SELECT decision FROM transfer WHERE ' . of('hold', 'held') . ')',
         qr/^I5 +hld_\w+: is not covered by a decision/m],
        ['a verdict', "UPDATE decision SET verdict = 'forbid' WHERE id ="
         . ' (SELECT decision FROM transfer WHERE ' . of('post', 'posted') . ')',
         qr/^I5 +pst_\w+: is not covered by a decision/m],
        ['the cap of a case', "$t amount = 5001 WHERE " . of('hold', 'held'),
         qr/^I6 +hld_\w+: is more than the caps/m],
        ['the cap of a day', "$t amount = 2001 WHERE kind = 'hold' AND"
         . " incident IN ('$case{posted}', '$case{reversed}', '$case{voided}')",
         qr/^I6 +hld_\w+: is more than the caps/m],
        ['a confirmation', "DELETE FROM review WHERE action = 'confirm' AND"
         . " incident = '$case{held}'", qr/^I7 +hld_\w+: nobody confirmed it/m],
        ['an author', "UPDATE review SET reviewer = 'mallory' WHERE action ="
         . " 'confirm' AND incident = '$case{held}'",
         qr/^I7 +rvw_\w+: is of somebody who wrote a rule/m],
        ['haste', "UPDATE review SET at = at + 20000000 WHERE action = 'show'"
         . " AND incident = '$case{held}'",
         qr/^I7 +rvw_\w+: decided without having opened/m],
        ['one person for two', "UPDATE review SET reviewer = 'anna', action ="
         . " 'uphold' WHERE action = 'refute'",
         qr/^I7 +rvw_\w+: is of whoever confirmed it first/m],
        ['a notice', "DELETE FROM notice WHERE incident = '$case{held}'",
         qr/^I7 +hld_\w+: there is no notice/m],
        ['a post too early', "$t at = at - $us WHERE " . of('post', 'posted'),
         qr/^I8 +pst_\w+: was posted before the time to object/m],
        ['an objection that nobody decided on', "INSERT INTO review (id,"
         . ' incident, reviewer, action, reason, at) SELECT \'rvw_x\','
         . " incident, 'clerk', 'object', 'person', at + 1 FROM transfer WHERE "
         . of('hold', 'posted'),
         qr/^I7 +pst_\w+: was posted while an objection was open/m],
        ['a refusal', "INSERT INTO refusal SELECT id, 'x', 'balance', at"
         . ' FROM transfer WHERE ' . of('hold', 'held'),
         qr/^I9 +hld_\w+: was refused and entered/m],
        ['a policy that forbids', "$t policy = 'asergo' WHERE "
         . of('hold', 'held'), qr/^I10 +hld_\w+: its policy lets no money/m],
        ['a policy that is nowhere', "$t policy_version = 7 WHERE "
         . of('hold', 'held'), qr/^I10 +hld_\w+: no file has its version/m],
        ['a state', "UPDATE incident SET state = 'posted' WHERE id ="
         . " '$case{held}'", qr/^state +$case{held}: is not as the ledger/m],
        ['suspicion alone', "UPDATE incident SET fraud = 'suspected' WHERE id ="
         . " '$case{held}'", qr/^state +$case{held}: money moved, and fraud/m],
        ['a record', "DELETE FROM arrival WHERE became = 'counted' AND id ="
         . " (SELECT id FROM inbox WHERE incident = '$case{case}')",
         qr/^spool +[0-9a-f]{16}: records are missing before 1$/m,
         qr/^inbox +flg_\w+: is there and did not count/m],
        ['a record after the end', "INSERT INTO arrival SELECT writer, 2,"
         . " 'refused', NULL, at FROM arrival WHERE became = 'end' AND writer ="
         . " (SELECT MIN(writer) FROM arrival)",
         qr/^spool +[0-9a-f]{16}: has a record after its end: 2$/m],
        ['a flag lost', "DELETE FROM inbox WHERE incident = '$case{case}'",
         qr/^inbox +flg_\w+: counted on arrival and is not there/m,
         qr/^inbox +$case{case}: its events are not as many/m,
         qr/^inbox +$case{case}: its amount is not/m],
        ['a flag doubled', "INSERT INTO arrival SELECT 'ffffffffffffffff', 0,"
         . " 'counted', id, at FROM inbox WHERE incident = '$case{case}'",
         qr/^inbox +flg_\w+: counted more than once/m],
        ['a count', "UPDATE incident SET events = 2 WHERE id = '$case{case}'",
         qr/^inbox +$case{case}: its events are not as many/m],
        ['an amount of damage', "UPDATE incident SET amount = 2000 WHERE id ="
         . " '$case{case}'", qr/^inbox +$case{case}: its amount is not/m],
        ['an amount of damage and of its flag', 'UPDATE inbox SET amount = 2000'
         . " WHERE incident = '$case{case}'; UPDATE incident SET amount = 2000"
         . " WHERE id = '$case{case}'",
         qr/^inbox +flg_\w+: has not the amount that it said/m],
        ['evidence', "UPDATE inbox SET body = REPLACE(body, '1000', '9000')"
         . " WHERE incident = '$case{case}'",
         qr/^inbox +flg_\w+: is not the flag that arrived/m],
        ['evidence that is none', "UPDATE inbox SET body = '{}' WHERE incident"
         . " = '$case{case}'", qr/^inbox +flg_\w+: is not evidence any more/m],
        ['a flag of somebody else', "UPDATE incident SET account = '"
         . $b->account('bert') . "' WHERE id = '$case{case}'",
         qr/^inbox +flg_\w+: counts for an incident that is not its own/m],
        ['no incident', "UPDATE inbox SET incident = 'inc_y' WHERE incident ="
         . " '$case{case}'", qr/^inbox +flg_\w+: is of no incident/m],
        ['dead from nowhere', "INSERT INTO dead (id, writer, seq, reason, body,"
         . " tries, state, at) VALUES ('dead_x', 'f', 3, 'json', '', 1, 'dead',"
         . ' 0)', qr/^dead +dead_x: is dead and did not arrive so/m],
        ['a message', "DELETE FROM outbox WHERE id = '" . $hold->('held') . "'",
         qr/^outbox +hld_\w+: the billing system is not told/m],
        ['the amount of a message', "UPDATE outbox SET body = REPLACE(body,"
         . " '\"900\"', '\"9000\"') WHERE id = '" . $hold->('held') . "'",
         qr/^outbox +hld_\w+: tells of it otherwise/m],
        ['a case untold', "DELETE FROM outbox WHERE type = 'fraud.case.opened'"
         . " AND incident = '$case{case}'",
         qr/^outbox +$case{case}: a case was opened, and nobody/m],
        ['a case invented', "INSERT INTO outbox (id, type, incident, body,"
         . " state, tries, next_at, at) VALUES ('cas_x', 'fraud.case.opened',"
         . " 'inc_y', '', 'waiting', 0, 0, 0)",
         qr/^outbox +cas_x: tells of a case that there is not/m],
    );
}

sub changed_by_hand {
    books();
    like($b->verify, qr/^\d+ checks of \d+ transfers: 0 findings$/,
         'the books are right');
    is($b->{status}, 0, '... with status 0');
    unlock();
    keep();
    like($b->verify, qr/: 0 findings$/, 'still');

    for my $change (changes()) {
        my ($name, $sql, @named) = @$change;
        my $said = $b->sql("$sql") . $b->verify;

        is($b->{status} >> 8, 1, "$name: status 1");
        like($said, $_, "$name: $_") for @named;
        like($b->verify('--json'), qr/^\{"check":"[a-zI0-9]+","id":"[^"]+",/,
             "$name: for programs");
        restore();
    }
    like($b->verify, qr/: 0 findings$/, 'right again');
}

sub insert_only {
    books();
    for my $sql ('UPDATE transfer SET amount = 1', 'DELETE FROM transfer',
                 "UPDATE review SET reviewer = 'x'", 'DELETE FROM review',
                 "INSERT INTO account VALUES ('cust:x', 'EUR', -1, 0)") {
        ok(!eval { $b->sql($sql); 1 }, "the database refuses: $sql");
    }
    like($b->verify, qr/: 0 findings$/, 'and nothing has changed');
}

# MT23: what the billing system says that it has, both ways

sub receiver {
    books();
    $b->sql("UPDATE outbox SET state = 'sent'");
    my $list = "$b->{dir}/receiver";
    my @told = split /\n/, $b->sql(
        "SELECT t.id || ' ' || t.amount FROM transfer t JOIN outbox o"
        . ' ON o.id = t.id ORDER BY t.seq');

    Redis::spew($list, join '', map { "$_\n" } @told);
    like($b->verify('--receiver', $list), qr/: 0 findings$/, 'both the same');

    my ($gone) = split / /, shift @told;
    my ($other) = split / /, $told[0];
    $told[0] = "$other 1";
    my ($twice) = split / /, $told[-1];
    Redis::spew($list, join '', map { "$_\n" } @told, 'pst_mine 100', $told[-1]);
    my $said = $b->verify('--receiver', $list);
    is($b->{status} >> 8, 1, 'one taken, one added, one changed, one doubled');
    like($said, qr/^told +$gone: .* does not have it/m, 'the one is named');
    like($said, qr/^told +pst_mine: .* the ledger does not/m, 'and the other');
    like($said, qr/^told +$other: .* another amount: 1, not \d+/m, 'the third');
    like($said, qr/^told +$twice: .* more than once/m, 'and the fourth');
    like($said, qr/: 4 findings$/, 'and nothing else');

    $b->sql("UPDATE outbox SET state = 'waiting' WHERE id = '$gone'");
    unlike($b->verify('--receiver', $list), qr/$gone/,
           'what is still to be told is nobody\'s fault');
    Redis::spew($list, "pst_mine one\n");
    like($b->verify('--receiver', $list), qr/no "ID AMOUNT"/, 'a broken list');
    is($b->{status} >> 8, 2, '... is no finding');
}

for my $kind (Billing::databases()) {
    my %tests = (changed_by_hand => \&changed_by_hand, receiver => \&receiver,
                 insert_only => \&insert_only);

    for my $name (sort keys %tests) {
        next if @ARGV && !grep { $_ eq $name } @ARGV;
        $b = Books->new($kind);
        subtest "$kind: $name" => $tests{$name};
    }
}

done_testing;
