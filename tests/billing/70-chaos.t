use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../redis", "$FindBin::Bin/../../t/lib";

use Test::More;

use Chaos;

# everything at once goes wrong, and each flag counts once: killed at every
# place that the program names, killed at random, without Redis, without the
# database, without knowing whether it was committed, on a full disk.
# FRAUD_BILLING_ROUNDS=300 takes longer.

my $ROUNDS = $ENV{FRAUD_BILLING_ROUNDS} || 40;

for my $db (Billing::databases()) {
    note $db;
    every_place($db);
    full_disk() if $db eq 'sqlite';
    unknown_outcome() if $db eq 'postgresql';

    my $chaos = Chaos->new(db => $db);
    my $kills = $chaos->storm(rounds => $ROUNDS, flags => 160);
    is(join("\n", $chaos->wrong), '', "$db: right after every step");
    $chaos->settle;
    cmp_ok($kills, '>=', 1.8 * $ROUNDS, "$kills kills, " . $chaos->made
           . ' flags');
    is($chaos->lost, 0, 'none lost');
    is($chaos->doubled, 0, 'none doubled');
    $chaos->{billing}->verified("$db: the books are right");
}

done_testing;

# the life of a flag, in which each place is come by; whoever is killed there
# is started again

sub every_place {
    my ($db) = @_;
    my @places = sort grep { !/^stream-|^ship-|^mutation/ } split /\n/,
        Billing->new->ok_run('failpoints');
    my %streams = map { $_ => 1 } grep { /^stream-|^ship-/ } split /\n/,
        Billing->new->ok_run('failpoints');

    cmp_ok(scalar(@places), '>=', 15, 'places: ' . @places);
    is(join(' ', sort keys %streams), 'ship-read ship-sent stream-post-ack '
       . 'stream-pre-ack stream-read', 'those of the stream: 55-stream.t');

    for my $place (@places) {
        my $life = Life->new(db => $db, place => $place);
        my $end = $life->live;

        ok($life->{killed}, "$db: killed at $place")
            or diag "nobody came by $place";
        is($end, 'reversed voided 10000 0 0 0', 'and it ended as it has to');
        $life->{billing}->verified;
    }
}

# no room in the database: said, and taken when there is room again

sub full_disk {
    my $billing = Billing->new;
    my %made = $billing->flags(flags => 2000, accounts => 50);

    my $status = $billing->limited(300);
    isnt($status, 0, 'a full disk is no success');
    my $first = $billing->value('SELECT COUNT(*) FROM inbox');
    cmp_ok($first, '<', 2000, "not all went in: $first");
    is($billing->value('SELECT COUNT(*) FROM dead'), 0, 'none is dead of it');
    is($billing->once, 0, 'with room again');
    is($billing->value('SELECT COUNT(*) FROM inbox'), 2000, 'all');
    is($billing->value('SELECT SUM(amount) FROM incident'), $made{amount},
       'each once');
    $billing->verified;
}

# the connection is cut behind COMMIT: nobody knows, and it is asked again

sub unknown_outcome {
    my $billing = Billing->new(db => 'postgresql');
    my %made = $billing->flags(flags => 3000, accounts => 50);
    my $proxy = Cutter->new(Billing::postgres()->{dir}, 3);

    $billing->{url} = Billing::postgres()->url($billing->{name}, $proxy->dir);
    $billing->write_conf;
    $billing->start;
    Fraud::wait_for(sub {
        $billing->value('SELECT COUNT(*) FROM inbox') >= 3000;
    }, 60);
    $billing->stop;
    cmp_ok($proxy->cuts, '>=', 3, 'cut behind COMMIT: ' . $proxy->cuts);
    $proxy->stop;
    delete $billing->{url};
    $billing->write_conf;
    is($billing->once, 0, 'the rest');
    is($billing->value('SELECT COUNT(*) FROM inbox'), 3000, 'all');
    is($billing->value('SELECT SUM(amount) FROM incident'), $made{amount},
       'each once');
    $billing->verified;
}
