#!/usr/bin/perl

# billing.pl [sqlite|postgresql [FLAGS [ROUNDS]]]: how fast fraud-billing takes
# a spool of FLAGS flags of 1,000 accounts, one after another in ROUNDS of their
# own databases, in how much memory. Each sum is compared with what was made.

use strict;
use warnings;

use FindBin;
use lib map { "$FindBin::Bin/../$_" } 'billing', 'redis', '../t/lib';

use Time::HiRes qw(sleep time);

use Billing;

my ($db, $flags, $rounds) = @ARGV;
$db ||= 'sqlite';
$flags ||= 20000;
$rounds ||= 5;

# peak(pid): kilobytes that it had in memory at the most

sub peak {
    open my $in, '<', "/proc/$_[0]/status" or return 0;
    return (map { /^VmHWM:\s*(\d+)/ ? $1 : () } <$in>)[0] // 0;
}

my @speeds;
for my $round (1 .. $rounds) {
    my $b = Billing->new(db => $db);
    my %made = $b->flags(flags => $flags, accounts => 1000, writers => 2);
    my ($before, $peak) = ((times)[2] + (times)[3], 0);
    my $began = time;
    my $pid = fork() // die "fork: $!\n";

    if ($pid == 0) {
        %ENV = (%ENV, $b->environment);
        open STDERR, '>', $b->file('errors');
        exec "$Billing::BIN/fraud-billing", 'run', '--once', '-c',
            $b->file('conf');
        die "exec: $!\n";
    }
    while (waitpid($pid, 1) == 0) {
        my $now = peak($pid);
        $peak = $now if $now > $peak;
        sleep 0.01;
    }
    die "fraud-billing ended with $?\n" if $? != 0;
    my $took = time - $began;

    my $sums = $b->value('SELECT COUNT(*), SUM(events), SUM(amount) '
                         . 'FROM incident');
    die "$sums is not what was made\n"
        if $sums ne "$made{incidents}|$flags|$made{amount}";
    push @speeds, $flags / $took;
    printf "%s: %d flags in %.2f s, %d a second, %d us of its CPU a flag, "
        . "%d kB\n", $db, $flags, $took, $speeds[-1],
        1e6 * ((times)[2] + (times)[3] - $before) / $flags, $peak;
}

my $median = (sort { $a <=> $b } @speeds)[$rounds / 2];
printf "%s: median %d flags a second\n", $db, $median;
