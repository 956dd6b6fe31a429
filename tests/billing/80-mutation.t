use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../redis", "$FindBin::Bin/../../t/lib";

use Test::More;

use Chaos;

# Are these tests blind? What is one transaction is two in these builds: the id
# first, or the effect first. Killed between them, the one loses and the other
# doubles, and that has to show.

for my $mutation (1, 2) {
    my $bin = "$Fraud::TOP/build/test-mutation$mutation";

    -x "$bin/fraud-billing" or BAIL_OUT("no $bin: ./build.sh makes it");

    for my $db (Billing::databases()) {
        my $chaos = Chaos->new(db => $db, bin => $bin, source => 'spool');

        for (1 .. 3) {
            $chaos->more(20);
            $chaos->{billing}->once(FRAUD_FAILPOINT => 'mutation');
        }
        $chaos->storm(rounds => 4, flags => 10);
        $chaos->{billing}->once for 1 .. 2;

        my ($lost, $doubled) = ($chaos->lost, $chaos->doubled);
        note "$db, mutation $mutation: $lost lost, $doubled doubled";

        if ($mutation == 1) {
            cmp_ok($lost, '>=', 1, "$db: the id first: seen to lose");
        } else {
            cmp_ok($doubled, '>=', 1, "$db: the effect first: seen to double");
        }
        my ($status) = $chaos->{billing}->billing('verify');
        is($status, 1, 'and verify says so');
    }
}

done_testing;
