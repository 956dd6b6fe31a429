# Who may do what with a case, each gate seen refusing, what a person is shown,
# and what the person concerned is told.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib", "$FindBin::Bin/../redis";

use Books;
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use Test::More;

use constant { DAY => 86400, SLACK => 1200 };

my $b;

sub refused {
    my ($said, $why, $name) = @_;

    my $status = $b->{status} >> 8;
    like($said, $why, $name);
    is($status, 1, '... with status 1');
}

sub wrong {
    my ($said, $why, $name) = @_;

    my $status = $b->{status} >> 8;
    like($said, $why, $name);
    is($status, 2, '... with status 2');
}

my @evidence = ('--reason', 'evidence', '--amount');

# MT24: the author, unopened evidence, haste, more than one case

sub gates {
    my $case = $b->flag(amount => 1234);
    my $before = $b->dump;

    refused($b->case('anna', 'confirm', $case, @evidence, 100),
            qr/anna has to open the evidence first/, 'unopened evidence');
    $b->case('anna', 'show', $case);
    $b->later(29);
    refused($b->case('anna', 'confirm', $case, @evidence, 100),
            qr/take 30 seconds/, 'after 29 seconds');
    $b->later(1);
    refused($b->judge('mallory', 'confirm', $case, @evidence, 100),
            qr/mallory wrote a rule of this case/, 'the author of a rule');
    refused($b->judge('Mallory', 'confirm', $case, @evidence, 100),
            qr/mallory wrote a rule of this case/, 'in any spelling');
    refused($b->judge('sig', 'confirm', $case, @evidence, 100),
            qr/sig wrote a rule of this case/, 'the author of a signal');
    refused($b->case('mallory', 'refute', $case, '--reason', 'false_alarm'),
            qr/wrote a rule/, 'neither way');
    refused($b->case('anna', 'confirm', $case, @evidence, 1235),
            qr/at most 12\.34 EUR/, 'more than the damage');
    refused($b->case('anna', 'uphold', $case, '--reason', 'evidence'),
            qr/not for a case that is "case"/, 'out of order');
    refused($b->case('anna', 'confirm', 'inc_none', @evidence, 1),
            qr/there is no such case/, 'no such case');
    wrong($b->case('anna', 'confirm', $case, 'inc_other', @evidence, 1),
          qr/more than one case/, 'no two at once');
    wrong($b->case('anna', 'confirm', $case, '--amount', 1),
          qr/needs a --reason: evidence, admission, dispute_lost, court/,
          'no reason');
    wrong($b->case('anna', 'confirm', $case, '--reason', 'I am sure',
                   '--amount', 1), qr/needs a --reason/, 'no free text');
    wrong($b->case('anna', 'refute', $case, '--reason', 'evidence'),
          qr/needs a --reason/, 'not the reason of another');
    wrong($b->case('anna', 'confirm', $case, '--reason', 'evidence'),
          qr/needs --amount/, 'no amount');
    wrong($b->case('anna', 'confirm', $case, @evidence, '12.34'),
          qr/invalid number/, 'minor units are whole');
    wrong($b->case('anna; x', 'show', $case), qr/your name/, 'no such name');
    is($b->dump, $before, 'nothing of that has changed anything');
    $b->case('anna', 'confirm', $case, @evidence, 1234);
    is($b->state($case), 'held', 'and then it is allowed');
}

sub damage {
    my $case = $b->flag(amount => 0);

    refused($b->confirm('anna', $case, 100), qr/how much the damage is/,
            'no method said how much');
    refused($b->judge('anna', 'assess', $case, '--reason', 'invoice',
                      '--damage', 'assessed', '--amount', 700),
            qr/no flag named a currency/, 'of which currency');
    like($b->case('anna', 'assess', $case, '--reason', 'invoice', '--damage',
                  'assessed', '--amount', 700, '--currency', 'EUR'),
         qr/assessed: 7\.00 EUR/, 'a person assesses it');
    $b->flag(amount => 900);
    is($b->sql("SELECT amount FROM incident WHERE id = '$case'"), 700,
       'which a further flag does not change');
    refused($b->case('anna', 'confirm', $case, @evidence, 701),
            qr/at most 7\.00/, 'not more than that');
    $b->case('anna', 'assess', $case, '--reason', 'reviewer', '--damage',
             'disproven', '--amount', 0);
    refused($b->case('anna', 'confirm', $case, @evidence, 1),
            qr/no damage/, 'disproven damage allows nothing');
    like($b->case('anna', 'confirm', $case, @evidence, 0),
         qr/nothing is deducted/, 'fraud without a deduction');
    is($b->state($case), 'closed', 'closed');
    is($b->sql('SELECT COUNT(*) FROM transfer'), 1, 'no money moved');
}

sub few_signals {
    my $case = $b->flag(signals => 1, family => 'one');
    is($b->state($case), 'watch', 'one signal makes no case');
    $case = $b->flag(observed => 20, family => 'twenty');
    is($b->state($case), 'case', '20 events do');
    is($b->sql("SELECT COUNT(*) FROM outbox"), 1, 'and are told of');
    like($b->case('anna', 'list', '--json'), qr/^\{"id":"$case","state":"case"/,
         'the list has it');
    unlike($b->case('anna', 'list'), qr/watch/, 'and not what is watched');
    like($b->case('anna', 'list', '--all'), qr/watch/, 'but for --all');
}

sub second_person {
    my $case = $b->flag(family => 'much', amount => 5000);

    like($b->confirm('anna', $case, 2001), qr/a second person has to/,
         'a large amount needs two');
    is($b->state($case), 'second', 'it waits');
    is($b->balance('alice'), 10000, 'and nothing is held');
    refused($b->case('anna', 'confirm', $case, @evidence, 2001),
            qr/a second person has to/, 'not the same');
    refused($b->judge('Anna', 'confirm', $case, @evidence, 2001),
            qr/anna confirmed it already/, 'nor in another spelling');
    refused($b->case('bob', 'confirm', $case, @evidence, 2001),
            qr/open the evidence/, 'nor one who has not looked');
    refused($b->confirm('bob', $case, 2002), qr/confirmed 20\.01 EUR, and no/,
            'nor for more');
    like($b->case('bob', 'confirm', $case, @evidence, 1900), qr/is held/,
         'a second person, for less');
    is($b->sql("SELECT action, amount FROM review WHERE action IN ('confirm',"
               . " 'second') ORDER BY at") =~ tr/|\n/  /r,
       'confirm 2001 second 1900', 'both are known');
    $case = $b->flag(family => 'other', amount => 2500);
    $b->confirm('anna', $case, 2500);
    $b->judge('bob', 'refute', $case, '--reason', 'false_alarm');
    is($b->state($case), 'refuted', 'the second one may say no');
    ok($b->verify =~ / 0 findings/, 'the books are right');
}

# rows as if somebody had decided so often, some of them for the person

sub history {
    my ($who, $n, $for, $ago) = @_;
    my $at = ($b->{now} - $ago) * 1000000;

    $b->sql('INSERT INTO review (id, incident, reviewer, action, reason, at) '
            . 'VALUES ' . join ', ', map {
                my $action = $_ <= $for ? 'refute' : 'confirm';
                "('h$who$_', 'h', '$who', '$action', 'evidence', $at + $_)"
            } 1 .. $n);
}

sub haste {
    history('quick', 19, 10, 1800);
    my $case = $b->flag(family => 'a', amount => 100);
    like($b->confirm('quick', $case, 100), qr/is held/, 'the 20th in an hour');
    $case = $b->flag(family => 'b', amount => 100);
    like($b->confirm('quick', $case, 100), qr/a second person has to/,
         'the 21st needs a second person');

    history('yes', 50, 2, 2 * DAY);
    $case = $b->flag(family => 'c', amount => 100);
    like($b->confirm('yes', $case, 100), qr/a second person has to/,
         '48 of 50 approved needs a second person');
    history('fair', 50, 3, 2 * DAY);
    $case = $b->flag(family => 'd', amount => 100);
    like($b->confirm('fair', $case, 100), qr/is held/, '47 of 50 does not');
    history('new', 49, 0, 2 * DAY);
    $case = $b->flag(family => 'e', amount => 100);
    like($b->confirm('new', $case, 100), qr/is held/, '49 are too few to tell');
}

# two decisions of one person at the same time count each other

sub twins {
    my @cases = map {
        $b->deposit("d$_", $_, 1000);
        $b->flag(account => $_, amount => 100);
    } qw(carol dave);

    history('twin', 19, 10, 1800);
    $b->case('twin', 'show', $_) for @cases;
    $b->later(31);
    $b->while_locked('UPDATE chain SET seq = seq', 2, map {
        ["$Books::BIN/fraudctl", 'case', 'confirm', '-c', $b->file('conf'), '--as',
         'twin', $_, @evidence, 100]
    } @cases);
    is(join(' ', sort map { $b->state($_) } @cases), 'held second',
       'the 20th in an hour, and the 21st');
}

sub objections {
    my $case = $b->flag(amount => 1000);

    $b->case('bob', 'show', $case);
    $b->confirm('anna', $case, 1000);
    $b->case('clerk', 'object', $case, '--reason', 'person');
    $b->later(60);
    refused($b->case('anna', 'uphold', $case, '--reason', 'evidence'),
            qr/open the evidence|somebody new/, 'not the same person');
    refused($b->judge('anna', 'refute', $case, '--reason', 'objection'),
            qr/somebody new/, 'not even to refute');
    refused($b->case('bob', 'uphold', $case, '--reason', 'evidence'),
            qr/open the evidence/, 'seen before the objection is not enough');
    $b->case('bob', 'show', $case);
    $b->later(31);
    $b->case('clerk', 'restrict', $case, '--reason', 'objected');
    refused($b->case('bob', 'uphold', $case, '--reason', 'evidence'),
            qr/restricted/, 'not while it is restricted');
    $b->case('clerk', 'lift', $case, '--reason', 'withdrawn');
    $b->case('bob', 'uphold', $case, '--reason', 'evidence');
    is($b->state($case), 'held', 'upheld by somebody new');
    $b->case('clerk', 'object', $case, '--reason', 'agent');
    refused($b->judge('bob', 'uphold', $case, '--reason', 'evidence'),
            qr/somebody new/, 'a second objection, another judge');
    $b->judge('carl', 'refute', $case, '--reason', 'objection');
    is($b->state($case), 'voided', 'the objection was right');
    ok($b->verify =~ / 0 findings/, 'the books are right');
}

sub appeals {
    my $case = $b->flag(amount => 1000);

    $b->confirm('anna', $case, 1000);
    refused($b->case('clerk', 'appeal', $case, '--reference', 'T1', '--reason',
                     'person'), qr/not for a case that is "held"/,
            'no appeal before the post');
    $b->later(14 * DAY + SLACK);
    $b->tick;
    my @reverse = ('--reason', 'appeal_right', '--amount', 1000);
    refused($b->judge('bob', 'reverse', $case, @reverse), qr/--reference/,
            'no reversal without an appeal');
    refused($b->case('bob', 'reverse', $case, '--reference', 'T1', @reverse),
            qr/there is no appeal T1/, 'nor one that there is not');
    wrong($b->case('bob', 'appeal', $case, '--reference', 'a b', '--reason',
                   'person'), qr/--reference is not/, 'a reference is no text');
    $b->case('clerk', 'appeal', $case, '--reference', 'T1', '--reason',
             'person');
    $b->later(60);
    refused($b->case('bob', 'reverse', $case, '--reference', 'T1', @reverse),
            qr/open the evidence/, 'seen before the appeal is not enough');
    $b->case('bob', 'show', $case);
    $b->later(31);
    like($b->case('bob', 'reverse', $case, '--reference', 'T1', @reverse),
         qr/10\.00 EUR is given back/, 'reversed');
    refused($b->case('clerk', 'appeal', $case, '--reference', 'T2', '--reason',
                     'person'), qr/"reversed"/, 'there is nothing left');
}

sub gone {
    my $case = $b->flag(amount => 1000);

    $b->sql('UPDATE inbox SET body = NULL');
    refused($b->confirm('anna', $case, 1000), qr/the evidence is gone/,
            'nobody judges without evidence');
    my $other = $b->flag(family => 'other', amount => 1000);
    $b->confirm('anna', $other, 1000);
    $b->later(14 * DAY + SLACK);
    $b->tick;
    $b->sql('UPDATE inbox SET body = NULL');
    $b->case('clerk', 'appeal', $other, '--reference', 'T1', '--reason',
             'person');
    my @reverse = ('--reference', 'T1', '--reason', 'goodwill', '--amount', 1);
    refused($b->judge('mallory', 'reverse', $other, @reverse),
            qr/wrote a rule/, 'an author is known when the evidence is gone');
    like($b->judge('bob', 'reverse', $other, @reverse), qr/0\.01 EUR/,
         'what was deducted can be given back for ever');
}

sub words {
    my $case = $b->flag(amount => 1234);
    my $page = $b->case('anna', 'show', $case);

    like($page, qr/$_/, "shown: $_")
        for qr/rule cred_stuffing, version 4/,
            qr/asks for 20 events within 600 s; observed: 137, in 1 flags/,
            qr/signals: rate, spread/, qr/cap of a day +50\.00 EUR, used 0\.00/,
            qr/balance +100\.00 EUR/, qr/at most deducted +12\.34 EUR/,
            qr/confirm +yes/, qr/uphold +no: /, qr/show +anna/;
    like($b->case('mallory', 'show', $case), qr/confirm +no: mallory wrote/,
         'and why not');
    $b->sql("UPDATE account SET balance = balance WHERE id = 'x'");

    $b->confirm('anna', $case, 1234);
    my $notice = $b->sql("SELECT text FROM notice WHERE kind = 'hold'");
    like($notice, qr/$_/, "told: $_")
        for qr/Reference: $case/, qr/12\.34 EUR of your balance was put on hold/,
            qr/rule cred_stuffing, version 4: it asks for 20 events within 600/,
            qr/137 were observed/, qr/You can object until 2026-12-06 00:\d\d/,
            qr/somebody who had no part in this/i, qr/at least 30 days/,
            qr/as long as our books/, qr/A person did/,
            qr/supervisory authority/;
    unlike($notice, qr/alice/, 'the account is not named in it');

    $b->later(14 * DAY + SLACK);
    $b->tick;
    like($b->sql("SELECT text FROM notice WHERE kind = 'post'"),
         qr/was deducted.*you can appeal.*supervisory authority/s,
         'the notice of a deduction');
    $b->case('clerk', 'appeal', $case, '--reference', 'T1', '--reason',
             'person');
    $b->judge('bob', 'reverse', $case, '--reference', 'T1', '--reason',
              'goodwill', '--amount', 234);
    like($b->sql("SELECT text FROM notice WHERE kind = 'reverse'"),
         qr/2\.34 EUR was given back.*10\.00 EUR .* remains deducted/s,
         'the notice of a reversal');
    like($b->case('anna', 'show', $case), qr/reverse +bob +goodwill +2\.34 EUR/,
         'the history');
}

# the build that is shipped believes root alone

sub names {
    my $dir = tempdir(CLEANUP => 1);
    my $conf = do { local (@ARGV, $/) = $b->file('conf'); <> };

    Redis::spew("$dir/conf", $conf =~ s/mallory/mallory\@example.org/r);
    wrong($b->run("$Books::BIN/fraudctl", 'case', 'list', '-c', "$dir/conf"),
          qr/"mallory\@example.org" is no login name/,
          'an author whom nobody can be');
    my $shipped = "$dir/fraudctl";

    copy("$Fraud::TOP/build/fraudctl", $shipped) or die "build/fraudctl: $!";
    chmod 0755, $dir, $shipped;
    my @show = ($shipped, 'case', 'show', 'inc_x', '--as', 'anna', '-c',
                $b->file('conf'));
    my @nobody = $> == 0 ? ('runuser', '-u', 'nobody', '--') : ();

    wrong($b->run(@nobody, @show), qr/^fraudctl: only root may say --as$/,
          'nobody is nobody else');
    refused($b->run(@show), qr/there is no such case/, 'but root may be')
        if $> == 0;
}

for my $kind (Billing::databases()) {
    my %tests = (
        gates => \&gates, damage => \&damage, few_signals => \&few_signals,
        second_person => \&second_person, haste => \&haste,
        objections => \&objections, appeals => \&appeals, gone => \&gone,
        words => \&words, names => \&names,
        $kind eq 'sqlite' ? () : (twins => \&twins), # that has one writer
    );

    for my $name (sort keys %tests) {
        next if @ARGV && !grep { $_ eq $name } @ARGV;
        $b = Books->new($kind, conf => "second_person = 2000\n",
                        authors => "cred_stuffing = mallory\nspread = sig\n");
        $b->deposit('d1', 'alice', 10000);
        subtest "$kind: $name" => $tests{$name};
    }
}

done_testing;
