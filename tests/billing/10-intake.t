use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib", "$FindBin::Bin/../redis";

use File::Temp;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

use Billing;
use Spool;

# what the intake does with events: golden, again, malformed, forbidden, killed

my @failpoints = qw(read begin arrival inbox incident pre-commit post-commit
                    pre-ack post-ack);

# became(b): "counted=3 dead=1" of all arrivals

sub became {
    my ($b) = @_;
    return join ' ', map { s/\|/=/r } $b->sql(
        "SELECT became, COUNT(*) FROM arrival GROUP BY became ORDER BY became");
}

sub sums {
    my ($b) = @_;
    return $b->value('SELECT COUNT(*), COALESCE(SUM(events), 0),'
                     . ' COALESCE(SUM(amount), 0) FROM incident');
}

sub slurp {
    my ($path) = @_;
    open my $in, '<', $path or die "$path: $!\n";
    local $/;
    return <$in>;
}

sub nothing {
    my ($b, $what) = @_;
    is join(' ', map { "$_=" . $b->value("SELECT COUNT(*) FROM $_") }
            qw(inbox incident resolver decision outbox transfer dead verdict)),
        'inbox=0 incident=0 resolver=0 decision=0 outbox=0 transfer=0 dead=0'
        . ' verdict=0', $what;
}

sub golden {
    my ($db) = @_;
    my $b = Billing->new(db => $db);
    my %made = $b->flags(flags => 300, accounts => 20, writers => 3,
                         duplicates => 20, reorder => 1, segment => 40);
    my $again = $made{records} - 300;

    is $b->once, 0, "$db: run --once";
    is became($b), "counted=300 end=3 repeated=$again", 'each flag counts once';
    is sums($b), "$made{incidents}|300|$made{amount}",
        'incidents, events and amounts';
    is $b->value('SELECT COUNT(*) FROM resolver'), 20, 'accounts';
    is $b->value("SELECT COUNT(*) FROM incident WHERE state = 'case'"), 20,
        'cases';
    is $b->value("SELECT COUNT(*) FROM outbox WHERE type ="
                 . " 'fraud.case.opened'"), 20, 'one message for each';
    is $b->value("SELECT COUNT(*) FROM inbox WHERE body LIKE '%\"seal\"%'"
                 . " OR body LIKE '%user-%'"), 0,
        'no seal and no account is kept in bodies';
    is $b->value("SELECT COUNT(*) FROM resolver WHERE box LIKE '%user-%'"), 0,
        'nor in the resolver';
    $b->verified;

    $b->sql('DELETE FROM progress');
    is $b->once, 0, 'all of it read again';
    is sums($b), "$made{incidents}|300|$made{amount}", 'changes nothing';

    my %other = $b->flags(flags => 300, accounts => 20, host => 1,
                          start => $b->clock - 7200);
    is $b->once, 0, 'another host raises the same';
    is sums($b), "$made{incidents}|300|$made{amount}", 'changes nothing';
    like became($b), qr/^counted=300 end=4 repeated=@{[300 + $again]}$/,
        'all are repeated';
    $b->verified;

    $b->forward(170 * 86400);
    is $b->once, 0, '170 days later';
    is $b->value('SELECT COUNT(*) FROM inbox WHERE body IS NOT NULL'), 300,
        'the evidence is there';
    $b->forward(11 * 86400);
    is $b->once, 0, '181 days later';
    is $b->value('SELECT COUNT(*) FROM inbox WHERE body IS NOT NULL'), 0,
        'it is gone';
    is sums($b), "$made{incidents}|300|$made{amount}", 'and nothing else';
}

# [reason, change]: what makes an event bad

my @bad = (
    ['version', sub { $_->{specversion} = '2.0' }],
    ['version', sub { $_->{type} = 'fraud.fraud.flag.v2' }],
    ['version', sub { $_->{dataschema} = 'urn:fraud:flag:2.0' }],
    ['version', sub { $_->{data}{v} = 2 }],
    ['invalid type', sub { $_->{type} = 'fraud.decision.v1' }],
    ['invalid source', sub { $_->{source} = '/fraud/asogen/n1' }],
    ['invalid id', sub { $_->{id} = 'flg_1' }],
    ['invalid id', sub { $_->{id} =~ s/^flg/xxx/ }],
    ['invalid id', sub { delete $_->{id} }],
    ['invalid id', sub { $_->{id} = 7 }],
    ['invalid time', sub { $_->{time} = '2026-11-19T00:00:00Z' }],
    ['invalid recordedtime', sub { $_->{recordedtime} = 'yesterday' }],
    ['invalid recordedtime', sub { $_->{recordedtime} =~ s/T../T24/ }],
    ['invalid expirytime', sub { $_->{expirytime} = '2026-02-30T00:00:00Z' }],
    ['invalid datacontenttype', sub { $_->{datacontenttype} = 'text/html' }],
    ['invalid partitionkey', sub { $_->{partitionkey} = '--' }],
    ['invalid sequence', sub { $_->{sequence} = '1' }],
    ['invalid dataclassification', sub { $_->{dataclassification} = 'none' }],
    ['invalid dataregulation', sub { $_->{dataregulation} = 'none' }],
    ['invalid datacategory', sub { $_->{datacategory} = 'special' }],
    ['invalid policyid', sub { $_->{policyid} = 'asogen.2' }],
    ['invalid purpose', sub { $_->{purpose} = 'stats' }],
    ['invalid data', sub { $_->{data} = [] }],
    ['invalid profile', sub { $_->{data}{profile} = '../etc' }],
    ['invalid profile_version', sub { $_->{data}{profile_version} = 1.5 }],
    ['invalid profile_version', sub { $_->{data}{profile_version} = 0 }],
    ['invalid profile_digest', sub { $_->{data}{profile_digest} = 'sha256:' }],
    ['invalid node', sub { $_->{data}{origin}{node} = 'a b' }],
    ['invalid boot', sub { $_->{data}{origin}{boot} = 'x' x 16 }],
    ['invalid seq', sub { $_->{data}{origin}{seq} = -1 }],
    ['invalid domain', sub { $_->{data}{subject}{domain} = 'log' }],
    ['invalid epoch', sub { $_->{data}{subject}{epoch} = '1' }],
    ['invalid pid', sub { $_->{data}{subject}{pid} = 'someone@example.org' }],
    ['invalid seal', sub { $_->{data}{subject}{seal} = '' }],
    ['invalid seal', sub { $_->{data}{subject}{seal} = 'A' x 1000 }],
    ['invalid attribution', sub { $_->{data}{attribution} = 'person' }],
    ['invalid state', sub { $_->{data}{fraud}{state} = 'confirmed' }],
    ['invalid basis', sub { $_->{data}{fraud}{basis} = 'reviewer' }],
    ['invalid state', sub { $_->{data}{damage}{state} = 'proven' }],
    ['invalid kind', sub { $_->{data}{damage}{kind} = 'other' }],
    ['invalid method', sub { $_->{data}{damage}{method} = 'guess' }],
    ['invalid method', sub { delete $_->{data}{damage}{method} }],
    ['invalid amount_minor', sub { $_->{data}{damage}{amount_minor} = 12 }],
    ['invalid amount_minor', sub { $_->{data}{damage}{amount_minor} = '0' }],
    ['invalid amount_minor', sub { $_->{data}{damage}{amount_minor} = '-5' }],
    ['invalid amount_minor',
     sub { $_->{data}{damage}{amount_minor} = '1000000001' }],
    ['invalid currency', sub { $_->{data}{damage}{currency} = 'eur' }],
    ['invalid rules', sub { $_->{data}{rules} = [] }],
    ['invalid rules', sub { push @{ $_->{data}{rules} }, {} }],
    ['invalid id', sub { $_->{data}{rules}[0]{id} = 'a-b' }],
    ['invalid family', sub { $_->{data}{rules}[0]{family} = 'f' x 33 }],
    ['invalid version', sub { $_->{data}{rules}[0]{version} = 0 }],
    ['invalid window_s', sub { $_->{data}{rules}[0]{window_s} = 0 }],
    ['invalid threshold', sub { $_->{data}{rules}[0]{threshold} = 0 }],
    ['invalid observed', sub { $_->{data}{rules}[0]{observed} = 19 }],
    ['invalid feature', sub { $_->{data}{rules}[0]{feature} = 'spread' }],
    ['invalid count', sub { $_->{data}{evidence}{count}++ }],
    ['invalid first', sub { $_->{data}{evidence}{first} =~ s/^2026/2027/ }],
    ['invalid signals', sub { $_->{data}{evidence}{signals} = 9 }],
    ['invalid names', sub { $_->{data}{evidence}{names} = [] }],
    ['invalid names', sub { $_->{data}{evidence}{names}[1] = 'x y' }],
    ['invalid root', sub { $_->{data}{evidence}{root} = '' }],
    ['invalid supersedes', sub { $_->{data}{supersedes} = 'flg_1' }],
    ['evidence', sub { $_->{data}{rules}[0]{observed} =
                           $_->{data}{evidence}{count} = 999 }],
    ['evidence', sub { $_->{data}{evidence}{names}[1] = 'other' }],
    ['evidence', sub { $_->{data}{evidence}{root} =~ s/.$/x/ }],
    ['policy', sub { $_->{policyid} = 'asogen.9';
                     $_->{data}{profile_version} = 9 }],
    ['policy', sub { $_->{data}{profile_digest} =~ s/.$/x/ }],
    ['seal', sub { $_->{id} = 'flg_' . 'a' x 26; Spool::root($_) }],
    ['seal', sub { $_->{data}{subject}{seal} =~
                           s/^(.)/$1 eq '_' ? 'A' : '_'/e }],
    ['origin', sub { $_->{data}{origin}{boot} = 'f' x 16 }],
    ['origin', sub { $_->{data}{origin}{seq} = 4711;
                     $_->{sequence} = sprintf '%018d', 4711 }],
);

sub malformed {
    my ($db) = @_;
    my $b = Billing->new(db => $db);
    my $made = File::Temp->newdir;

    $b->flags(dir => "$made", flags => 100, accounts => 100, rules => 1);
    my @good = Spool::read_dir("$made");
    my $w = Spool->writer($b->file('spool'), 'a' x 16);
    my (%reason, $neighbours);

    for my $bad (@bad) {
        my $event = Spool::fresh($good[0]);
        $event->{data}{origin}{boot} = $w->{name};
        $event->{data}{origin}{seq} = $w->{seq};
        $event->{sequence} = sprintf '%018d', $w->{seq};
        $bad->[1]->() for $event;
        $reason{ $w->as_is($event) } = $bad->[0];
        $w->event(Spool::fresh($good[++$neighbours])) if $w->{seq} % 3 == 0;
    }
    $reason{ $w->raw($_->[1]) } = $_->[0]
        for ['json', '{'], ['json', '[]'], ['json', '"end"'], ['json', 'x y'],
            ['json', '{"a":1,"a":1}'], ['json', "{\"\xff\":1}"],
            ['json', '[' x 4000], ['json', '{"a":1}x'], ['json', '{} {}'];

    # what minor versions add is passed over
    my $newer = Spool::fresh($good[++$neighbours]);
    $newer->{dataschema} = 'urn:fraud:flag:1.7';
    $newer->{data}{more} = { deeper => [1, 2, 'user-1'] };
    $w->event($newer);

    # torn in the middle, and too long for a line
    my $line = Spool::line($w->{name}, $w->{seq}, '{"x":"torn"}');
    $w->append(substr($line, 0, -5) . "xxxx\n");
    $reason{ $w->{seq}++ } = 'torn';
    $w->event(Spool::fresh($good[++$neighbours]));
    $reason{ $w->{seq} } = 'oversized';
    $w->raw('{"x":"' . 'y' x 5000 . '"}');
    $w->event(Spool::fresh($good[++$neighbours]));

    my $dead = keys %reason;
    is $b->once, 0, "$db: $dead bad events";
    is became($b), "counted=$neighbours dead=$dead",
        'are dead, and their neighbours count';

    my %got = map { split /\|/ } $b->sql('SELECT seq, reason FROM dead');
    is_deeply \%got, \%reason, 'each for its reason'
        or diag join "\n", map { "$_: $got{$_} for $reason{$_}" }
            grep { ($got{$_} // '') ne $reason{$_} } keys %reason;
    is $b->value('SELECT COUNT(*) FROM inbox WHERE body LIKE'
                 . " '%more%'"), 0, 'unknown members are not kept';
    is $b->value('SELECT COUNT(*) FROM incident'), $neighbours,
        'nothing else came of them';
    $b->verified;
}

sub future {
    my ($db) = @_;
    my $b = Billing->new(db => $db);

    # at the same time, by a clock that is slow, and one that is slower
    $b->flags(flags => 1, accounts => 1, start => $b->clock, window => 1);
    my $now = $b->clock;
    $b->clock($now - 302);
    is $b->once, 0, "$db: an event of 301 seconds ahead";
    is $b->value('SELECT reason FROM dead'), 'future', 'is dead';
    my ($id) = $b->sql('SELECT id FROM dead');
    $b->clock($now - 298);
    my ($status, $out) = $b->billing('dead', 'redrive', $id);
    is "$status $out", "0 $id: counted\n", 'and not when it is 298 ahead';
    $b->verified;
}

sub conflict {
    my ($db) = @_;
    my $b = Billing->new(db => $db);
    my $made = File::Temp->newdir;

    $b->flags(dir => "$made", flags => 2, accounts => 2, rules => 1);
    my @good = Spool::read_dir("$made");
    my $w = Spool->writer($b->file('spool'), 'b' x 16);

    $w->event(Spool::fresh($good[0]));
    my $other = Spool::fresh($good[0]);
    $other->{data}{damage}{amount_minor} = '5000';
    $w->event($other);
    is $b->once, 0, "$db: the same id with another amount";
    like $b->{said}, qr/"alarm","what":"dead".*"conflict"/, 'is an alarm';
    is became($b), 'counted=1 dead=1', 'is dead';
    my $amount = $good[0]{data}{damage}{amount_minor};
    is sums($b), "1|1|$amount", 'and the first is intact';

    # in a later batch, too
    $w->event($other = Spool::fresh($other));
    is $b->once, 0, 'again';
    is became($b), 'counted=1 dead=2', 'is dead';

    # what is no difference: the time, the origin, how much was seen
    my $same = Spool::fresh($good[0]);
    $same->{data}{rules}[0]{observed} = $same->{data}{evidence}{count} = 99;
    $w->event(Spool::root($same));
    is $b->once, 0, 'the same flag, seen later';
    is became($b), 'counted=1 dead=2 repeated=1', 'is repeated';

    # amounts of an incident are of one currency
    $other = Spool::fresh($good[1]);
    $w->event($other);
    is $b->once, 0, 'another account';
    $b->sql("UPDATE incident SET currency = 'USD' WHERE events = 1"
            . " AND amount = $good[1]{data}{damage}{amount_minor}");
    my $more = File::Temp->newdir;
    $b->flags(dir => "$more", flags => 4, accounts => 2, rules => 2);
    $w->event(Spool::fresh((Spool::read_dir("$more"))[3]));
    is $b->once, 0, 'and its next flag in another currency';
    is $b->value("SELECT COUNT(*) FROM dead WHERE reason = 'currency'"), 1,
        'is dead';
}

# a flag with the id of another and the seal of somebody else

sub forged {
    my ($db) = @_;
    my $b = Billing->new(db => $db);
    my ($made, $other) = map { File::Temp->newdir } 1, 2;

    $b->flags(dir => "$made", flags => 2, accounts => 2, rules => 1);
    $b->flags(dir => "$other", flags => 2, accounts => 2, rules => 1,
              forged => 1);
    my @good = Spool::read_dir("$made");
    my @forged = Spool::read_dir("$other");
    is $forged[0]{id}, $good[0]{id}, "$db: the same flag, of somebody else";

    my $w = Spool->writer($b->file('spool'), 'c' x 16);
    $w->event(Spool::fresh($good[0]));
    $w->event(Spool::fresh($forged[0]));
    is $b->once, 0, 'in one batch';
    like $b->{said}, qr/"alarm","what":"dead".*"conflict"/, 'is an alarm';
    is became($b), 'counted=1 dead=1', 'is dead';
    $w->event(Spool::fresh($good[1]));
    is $b->once, 0, 'another one';
    $w->event(Spool::fresh($_)) for @forged;
    is $b->once, 0, 'in a later batch';
    is became($b), 'counted=2 dead=3', 'are dead';
    is $b->value("SELECT COUNT(*) FROM dead WHERE reason = 'conflict'"), 3,
        'as conflicts';
    is $b->value('SELECT COUNT(*) FROM resolver'), 2, 'and resolve nobody';

    my $broken = Spool::fresh($good[0]);
    $broken->{data}{subject}{seal} =~ s/^./_/;
    $w->event($broken);
    $w->event(Spool::fresh($good[0]));
    is $b->once, 0, 'the same with a broken seal, and as it was';
    is became($b), 'counted=2 dead=4 repeated=1', 'one dead, one repeated';
    is $b->value("SELECT COUNT(*) FROM dead WHERE reason = 'seal'"), 1,
        'for its seal';
    $b->verified;
}

sub forbidden {
    my ($db, $spool) = @_;
    my $b = Billing->new(db => $db, policies => [qw(asogen asergo aseptsoft
                         kirim-email apsen-mail)]);

    rmdir $b->file('spool');
    symlink "$spool", $b->file('spool') or die "symlink: $!\n";
    is $b->once, 0, "$db: 100,000 flags under the other four policies";
    is became($b), 'end=8 refused=100000', 'are refused';
    nothing($b, 'and nothing stays of them');
    is $b->value('SELECT COUNT(*) FROM arrival WHERE id IS NOT NULL'), 0,
        'not even their ids';
    $b->verified;
}

# a policy that is looser now does not reach back, and one that is stricter does

sub policies {
    my ($db) = @_;
    my $b = Billing->new(db => $db);
    my ($id, $status, $out);

    $b->flags(flags => 5, accounts => 5, rules => 1);
    my $text = slurp($b->file('policies/asogen.policy'));
    rename $b->file('policies/asogen.policy'), $b->file('policy.1');
    Redis::spew($b->file('policies/other.policy'), $text =~ s/= asogen/= x/r);
    is $b->once, 0, "$db: a policy that billing has not";
    is $b->value("SELECT COUNT(*) FROM dead WHERE reason = 'policy'"), 5,
        'its events are dead';
    ($status, $out) = $b->billing('dead', 'list', '--json');
    is scalar(() = $out =~ /"reason":"policy"/g), 5, 'and listed';

    ($id) = $b->sql('SELECT id FROM dead ORDER BY id');
    ($status, $out) = $b->billing('dead', 'redrive', $id);
    is "$status $out", "1 $id: dead still\n", 'still when it is redriven';
    rename $b->file('policy.1'), $b->file('policies/asogen.policy');
    ($status, $out) = $b->billing('dead', 'drop', $id);
    is "$status $out", "0 $id: dropped\n", 'one is given up';
    ($status, $out) = $b->billing('dead', 'redrive', '--all');
    is $status, 0, 'the others are redriven with the policy';
    is scalar(() = $out =~ /: counted/g), 4, 'and count';
    ($status, $out) = $b->billing('dead', 'redrive', '--all');
    is "$status $out", '0 ', 'once';
    is became($b), 'counted=4 dead=1 end=1', 'as the arrivals say';
    is $b->value("SELECT COUNT(*) FROM dead WHERE body <> ''"), 0,
        'and no body stays';
    $b->verified;

    # forbidden from now on
    $text =~ s/^version = 1/version = 2/m;
    $text =~ s/^deduct = .*?\n\n/deduct = forbid\n\n/ms;
    $text =~ s/^deduct\.caps = .*$/deduct.caps = event=0 day=0 account=0/m;
    $text =~ s/^deduct\.window = .*$/deduct.window = hold=0d appeal=0d/m;
    Redis::spew($b->file('policies/asogen-2.policy'), $text);
    $b->flags(flags => 3, accounts => 3, rules => 1, seed => 9);
    is $b->once, 0, 'flags of before, when the policy forbids it now';
    like became($b), qr/refused=3/, 'are refused';
    $b->verified;
}

# refused(b): "expired=3" of the last run, of the reasons that there were

sub refused {
    my ($b) = @_;
    my $text = slurp($b->file('metrics'));

    my %n = $text =~ /^fraud_billing_refused_total\{reason="(\w+)"\} (\d+)$/mg;

    return join ' ', map { "$_=$n{$_}" } grep { $n{$_} } sort keys %n;
}

# what nobody may look at any more is not taken in

sub expired {
    my ($db) = @_;
    my $b = Billing->new(db => $db);

    $b->{conf} = 'metrics = ' . $b->file('metrics');
    $b->write_conf;
    $b->flags(flags => 3, accounts => 3, rules => 1,
              start => $b->clock - 181 * 86400);
    is $b->once, 0, "$db: flags of 181 days ago";
    is became($b), 'end=1 refused=3', 'are refused';
    is refused($b), 'expired=3', 'as expired';
    nothing($b, 'and nothing stays of them');
    $b->flags(flags => 3, accounts => 3, rules => 1, seed => 2,
              start => $b->clock - 179 * 86400);
    is $b->once, 0, 'those of 179 days ago';
    is became($b), 'counted=3 end=2 refused=3', 'count';
    $b->verified;
}

sub erased {
    my ($db) = @_;
    my $b = Billing->new(db => $db);

    $b->flags(flags => 4, accounts => 2, rules => 1);
    is $b->once, 0, "$db: two accounts";
    $b->sql('UPDATE resolver SET erase = 1');
    $b->flags(flags => 4, accounts => 2, rules => 1, seed => 2);
    is $b->once, 0, 'that are being erased, and flags of them';
    is became($b), 'counted=4 end=2 refused=4', 'are refused';
}

# flags that nobody has read yet when their account is erased

sub late {
    my ($db) = @_;
    my $b = Billing->new(db => $db);
    my $said = sub {
        return join '|', map { $b->value($_) }
            'SELECT COUNT(*) FROM inbox', 'SELECT COUNT(*) FROM incident',
            'SELECT COUNT(*) FROM resolver', 'SELECT COUNT(*) FROM outbox';
    };
    my $erase = sub {
        my ($status) = $b->billing('erase', '--account', $_[0], '--as', 'dpo');
        return $status;
    };

    $b->{conf} = 'metrics = ' . $b->file('metrics');
    $b->write_conf;
    $b->flags(flags => 12, accounts => 3, rules => 1);
    is $erase->('user-0'), 0, "$db: erased before any flag was read";
    is $b->once, 0, 'then they are';
    is became($b), 'counted=8 end=1 refused=4', 'his are refused';
    is refused($b), 'erased=4', 'as those of an erased account';
    is $said->(), '8|2|2|2', 'and leave nothing';

    # known, and some of it unread; what is dead, too
    $b->flags(flags => 6, accounts => 3, rules => 1, seed => 2);
    rename $b->file('policies/asogen.policy'), $b->file('policy.1');
    Redis::spew($b->file('policies/other.policy'),
                slurp($b->file('policy.1')) =~ s/= asogen/= x/r);
    is $b->once, 0, 'flags that are dead';
    rename $b->file('policy.1'), $b->file('policies/asogen.policy');
    unlink $b->file('policies/other.policy');
    $b->flags(flags => 6, accounts => 3, rules => 1, seed => 3);
    is $erase->('user-1'), 0, 'and flags that are unread, of a known one';
    is $b->once, 0, 'are read';
    my ($status, $out) = $b->billing('dead', 'redrive', '--all');
    is scalar(() = $out =~ /: refused/g), 4, 'and redriven';
    is became($b), 'counted=12 end=3 refused=12', 'his are refused, too';
    is $said->(), '12|2|1|2', 'and bring nobody back';
    is $b->value('SELECT COUNT(*) FROM inbox WHERE body IS NOT NULL'), 8,
        'nor what he was said to have done';
    is $b->value("SELECT COUNT(*) FROM erased WHERE account LIKE 'cust:%'"
                 . " AND account NOT LIKE '%user%'"), 2,
        'what stays is a hash each';
    $b->verified;

    # the last moment before it, and the first one after
    $b->flags(flags => 1, accounts => 1, rules => 1, seed => 4, window => 1,
              start => $b->clock - 1);
    is $b->once, 0, 'conduct of just before';
    like became($b), qr/counted=12 .*refused=13$/, 'is refused';
    $b->forward(86400);
    $b->flags(flags => 2, accounts => 2, rules => 1, seed => 5,
              start => $b->clock - 86400 + 1);
    is $b->once, 0, 'and of just after';
    like became($b), qr/counted=14 .*refused=13$/, 'counts';
    is $b->value('SELECT COUNT(*) FROM resolver'), 3, 'as that of anybody';
    $b->verified;

    # as long as a flag of before could come, and a day
    $b->forward(180 * 86400 - 1);
    is $b->once, 0, 'a second before nothing of before can come';
    is $b->value('SELECT COUNT(*) FROM erased'), 2, 'both are known';
    $b->forward(1);
    is $b->once, 0, 'and then';
    is $b->value('SELECT COUNT(*) FROM erased'), 0, 'nobody is';

    ($status) = $b->billing('erase', '--ledger', 'user-1', '--as', 'dpo');
    is $status, 2, 'what is no account of the ledger';
    is $b->value('SELECT COUNT(*) FROM erased'), 0, 'is not kept';
}

# what is dead goes with whom it is about

sub buried {
    my ($db) = @_;
    my $b = Billing->new(db => $db);

    $b->flags(flags => 2, accounts => 2, rules => 1);
    is $b->once, 0, "$db: two flags";
    my ($his, $hers) = map { [split /\|/] }
        $b->sql('SELECT account, pid FROM incident ORDER BY account');
    my %body = (a => "{\"pid\":\"$his->[1]\"}", b => "x$his->[1]",
                c => "{\"pid\":\"$hers->[1]\"}", d => '{"pid":""}');

    $b->sql("INSERT INTO dead (id, writer, seq, reason, body, tries, state, at)"
            . " VALUES ('$_', '', -1, 'json', '$body{$_}', 1, 'dead', 1)")
        for sort keys %body;
    my ($status) = $b->billing('erase', '--ledger', $his->[0], '--as', 'dpo');
    is $status, 0, 'and one of the accounts is erased';
    is join(' ', $b->sql('SELECT id, state, body FROM dead ORDER BY id')),
        "a|dropped| b|dropped| c|dead|$body{c} d|dead|$body{d}",
        'with what is dead of it, and nothing else';
}

# an account that is erased while its flags are taken in: all of them are of
# before, so that nothing may stay, whoever is first

sub erased_meanwhile {
    my ($db) = @_;
    my $b = Billing->new(db => $db);
    my ($failed, $left, $known) = (0, 0, 0);
    my $rounds = $ENV{FRAUD_BILLING_ROUNDS} || 25;

    for my $round (1 .. $rounds) {
        $b->forward(86400);
        $b->flags(flags => 120, accounts => 2, rules => 4, families => 4,
                  seed => $round, start => $b->clock - 3600);
        my @pids = map {
            my $what = $_;
            my $pid = fork() // die "fork: $!\n";

            if ($pid == 0) {
                my @words = $what eq 'run' ? ('run', '--once')
                    : ('erase', '--account', $what, '--as', 'dpo');
                sleep rand 0.06 if $what ne 'run';
                my ($status) = $b->billing({ tag => $what }, @words);
                POSIX::_exit($status);
            }
            $pid;
        } 'run', 'user-0', 'user-1';

        $failed += grep { waitpid($_, 0) && $? != 0 } @pids;
        $failed += $b->once != 0;
        $known += $b->value('SELECT COUNT(*) FROM inbox') > 0;
        $left += $b->value($_) for 'SELECT COUNT(*) FROM resolver',
            'SELECT COUNT(*) FROM inbox WHERE body IS NOT NULL',
            "SELECT COUNT(*) FROM incident WHERE pid <> '' OR state <> 'closed'";
    }
    is $failed, 0, "$db: $rounds erasures while flags are taken in";
    is $left, 0, 'leave nothing of them';
    cmp_ok $known, '>', 0, 'and some of them had something to erase';
    $b->verified;
}

# a schema of before is brought up to date, with what is in it

sub older {
    my ($db) = @_;
    my $b = Billing->new(db => $db);
    my ($version) = $b->sql("SELECT value FROM meta WHERE key = 'schema'");

    $b->flags(flags => 5, accounts => 5, rules => 1);
    is $b->once, 0, "$db: version $version of the schema";
    $b->sql("DROP TABLE $_") for qw(erased aside);
    $b->sql("UPDATE meta SET value = '1' WHERE key = 'schema'");
    $b->flags(flags => 5, accounts => 5, rules => 1, seed => 2);
    is $b->once, 0, 'is made of version 1';
    is $b->value("SELECT value FROM meta WHERE key = 'schema'"), $version,
        'which the database knows';
    is $b->value("SELECT COUNT(*) FROM $_"), 0, "and has what is new: $_"
        for qw(erased aside);
    is became($b), 'counted=10 end=2', 'nothing is lost';
    $b->verified;
    is $b->once, 0, 'once';
}

# what the database itself refuses, for whatever reason

sub poisonous {
    my ($db) = @_;
    my $b = Billing->new(db => $db);

    $b->flags(flags => 50, accounts => 50, rules => 1);
    my ($victim) = map { $_->{id} }
        (Spool::read_dir($b->file('spool')))[20];
    $b->sql($db eq 'sqlite'
        ? 'CREATE TRIGGER poison BEFORE INSERT ON inbox'
          . " WHEN NEW.id = '$victim' BEGIN SELECT RAISE(ABORT, 'no'); END"
        : "ALTER TABLE inbox ADD CONSTRAINT poison CHECK (id <> '$victim')");
    is $b->once, 0, "$db: a record that the database refuses";
    is became($b), 'counted=49 dead=1 end=1', 'its neighbours count';
    is $b->value('SELECT reason FROM dead'), 'clash', 'it is dead';
    $b->sql($db eq 'sqlite' ? 'DROP TRIGGER poison'
            : 'ALTER TABLE inbox DROP CONSTRAINT poison');
    my ($status, $out) = $b->billing('dead', 'redrive', '--all');
    like $out, qr/: counted/, 'and counts when it does no more';
    is sums($b) =~ s/\|\d+$//r, '50|50', 'all are there';
    $b->verified;
}

sub killed {
    my ($db) = @_;

    for my $name (@failpoints) {
        my $b = Billing->new(db => $db);
        my %made = $b->flags(flags => 600, accounts => 7, writers => 2,
                             duplicates => 10, start => $b->clock - 36000);
        my $times = $name =~ /arrival|inbox|incident/ ? 400 : 2;

        is $b->once(FRAUD_FAILPOINT => "$name:$times"), 128 + 9,
            "$db: killed at $name";
        is $b->once, 0, 'and run again';
        is sums($b), "$made{incidents}|600|$made{amount}",
            'none is lost and none doubled';
        $b->verified;
    }
}

# three at once take the same spool: each record still counts once

sub several {
    my ($db) = @_;
    my $b = Billing->new(db => $db);
    my %made = $b->flags(flags => 900, accounts => 30, writers => 2,
                         duplicates => 10, start => $b->clock - 36000);
    my @children = map {
        my $tag = "several$_";
        my $pid = fork() // die "fork: $!\n";

        if ($pid == 0) {
            my ($status) = $b->billing({ tag => $tag }, 'run', '--once');
            POSIX::_exit($status);
        }
        $pid;
    } 1 .. 3;

    my $failed = grep { waitpid($_, 0) && $? != 0 } @children;
    is $failed, 0, "$db: three at once";
    is sums($b), "$made{incidents}|900|$made{amount}",
        'none is lost and none doubled';
    is $b->value('SELECT COUNT(*) FROM dead'), 0, 'and none is dead';
    $b->verified;
}

sub daemon {
    my ($db) = @_;
    my $b = Billing->new(db => $db);

    $b->start;
    my %made = $b->flags(flags => 200, accounts => 20);
    ok Fraud::wait_for(sub { became($b) =~ /counted=200/ }, 60),
        "$db: a daemon follows the spool";
    is sums($b), "$made{incidents}|200|$made{amount}", 'all are there';

    my $dir = $b->file('spool');
    my $blind = qr/"the spool cannot be read"/;
    rename $dir, "$dir.old" or die "rename: $!";
    ok Fraud::wait_for(sub { slurp($b->file('errors.daemon')) =~ $blind }, 60),
        'without a directory there is an alarm';
    sleep 1;
    mkdir $dir, 0700 or die "mkdir: $!";
    $b->flags(flags => 100, accounts => 20, seed => 2);
    ok Fraud::wait_for(sub { became($b) =~ /counted=300/ }, 60),
        'and it goes on in another one of that name';
    is scalar(() = slurp($b->file('errors.daemon')) =~ /$blind/g), 1,
        'one alarm, as long as that lasts';
    is $b->stop, 0, 'and stops when it is told to';
    like slurp($b->file('errors.daemon')), qr/"what":"stopped"/,
        'it says so';
}

my $spool = File::Temp->newdir;

{
    my $b = Billing->new;
    my $seed = 1;

    for my $policy (qw(asergo aseptsoft kirim-email apsen-mail)) {
        $b->flags(dir => "$spool", policy => $policy, flags => 24000,
                  accounts => 3000, rules => 8, seal => 0, seed => ++$seed,
                  signals => 1 + $seed % 8, observed => 20 + $seed * 100,
                  amount => 1000 * ($seed - 2), reorder => 1);
        $b->flags(dir => "$spool", policy => $policy, flags => 1000,
                  accounts => 50, seed => 10 + $seed, host => 1);
    }
}

for my $db (Billing::databases()) {
    golden($db);
    malformed($db);
    future($db);
    conflict($db);
    forged($db);
    forbidden($db, $spool);
    policies($db);
    expired($db);
    erased($db);
    late($db);
    buried($db);
    erased_meanwhile($db);
    older($db);
    poisonous($db);
    killed($db);
    several($db);
    daemon($db);
}

done_testing;
