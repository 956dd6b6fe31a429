use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib", "$FindBin::Bin/../redis";

use File::Temp;
use Test::More;

use Billing;

# programs of parts, under ASan and UBSan: what each says is shown if it fails

sub part {
    my ($what, @command) = @_;
    open(my $out, '-|', @command) or die "$command[0]: $!\n";
    my $said = do { local $/; <$out> } // '';
    my $whole = close $out;
    my ($plan) = $said =~ /^1\.\.(\d+)$/m;
    my $right = () = $said =~ /^ok /mg;

    ok $whole && $plan && $right == $plan, $what or diag $said;
}

my $bin = "$Fraud::TOP/build/test";

part('events', "$bin/event_test");
part('spools', "$bin/spool_test", File::Temp->newdir);

for my $db (Billing::databases()) {
    my $dir = File::Temp->newdir;

    part("databases: $db", "$bin/db_test", $db eq 'sqlite'
         ? "sqlite:$dir/test.db"
         : Billing::postgres()->url(Billing::postgres()->database));
}

# nothing of an account is left in a core file, whatever the shell allows

sub cores {
    my (@command) = @_;
    my $pid = open(my $in, '|-', 'sh', '-c', 'ulimit -c unlimited; exec "$@"',
                   'sh', @command) // die "sh: $!\n";
    my $limit = qr/^Max core file size +(\S+)/m;
    my $found = Fraud::wait_for(sub {
        open my $file, '<', "/proc/$pid/limits" or return;
        local $/;
        return <$file> =~ $limit && $1 eq '0';
    }, 10);

    kill 'TERM', $pid;
    close $in;
    return $found;
}

ok(cores("$Fraud::TOP/build/fraudctl", 'reset', '--address', '-'),
   'no core file of fraudctl');

done_testing;
