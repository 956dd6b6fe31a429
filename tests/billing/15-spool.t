use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib", "$FindBin::Bin/../redis";

use POSIX ();
use Test::More;

use Billing;
use Redis;

# what lies in a spool and cannot be read, or is no file of a spool at all

sub became {
    my ($b) = @_;
    return join ' ', map { s/\|/=/r } $b->sql(
        "SELECT became, COUNT(*) FROM arrival GROUP BY became ORDER BY became");
}

# by(b, command): from here on billing is run by this

sub by {
    my ($b, $command) = @_;
    my $dir = $b->file('bin');

    mkdir $dir or die "$dir: $!\n";
    Redis::spew("$dir/fraud-billing",
                "#!/bin/sh\nexec $command $b->{bin}/fraud-billing \"\$@\"\n");
    chmod 0755, "$dir/fraud-billing" or die "chmod: $!\n";
    $b->{bin} = $dir;
}

# to root no file is closed, if it may not do without the capability

sub mortal {
    my ($b) = @_;
    by($b, 'setpriv --bounding-set -dac_override,-dac_read_search --')
        if $> == 0;
}

sub closed {
    my $b = Billing->new;

    mortal($b);
    $b->flags(flags => 300, rules => 1, segment => 100);
    $b->flags(flags => 50, rules => 1, seed => 2);
    my ($file) = grep { /\.0{14}64\.spool$/ } glob $b->file('spool/*');
    my $old = $b->clock - 20 * 86400;

    utime $old, $old, glob $b->file('spool/*');
    chmod 0, $file or die "chmod: $!\n";
    my ($status, $out, $said) = $b->billing('run', '--once');
    is $status, 1, 'a file that cannot be read';
    is scalar(() = $said =~ /"a file of the spool cannot be read"/g), 1,
        'is an alarm';
    is became($b), 'counted=150 end=1', 'and waited for, by its writer alone';
    ok -e $file, 'and kept';

    chmod 0600, $file or die "chmod: $!\n";
    is $b->once, 0, 'once it can be read';
    is became($b), 'counted=350 end=2', 'nothing of it is missing';
    $b->verified;

    # the last one, which nobody appends to any more
    $b->flags(flags => 10, rules => 1, seed => 3);
    ($file) = sort { -M $a <=> -M $b } glob $b->file('spool/*');
    utime $old, $old, $file;
    chmod 0, $file or die "chmod: $!\n";
    is $b->once, 1, 'the last file of a writer';
    ok -e $file, 'is kept, too';
    chmod 0600, $file or die "chmod: $!\n";
    is $b->once, 0, 'until it can be read';
    is became($b), 'counted=360 end=3', 'and it is';
    $b->verified;
}

sub strange {
    my $b = Billing->new;
    my $dir = $b->file('spool');
    my $name = sub { sprintf '%s/%s.%016x.spool', $dir, $_[0] x 16, 0 };

    $b->flags(flags => 20, rules => 1);
    POSIX::mkfifo($name->('a'), 0600) or die "mkfifo: $!\n";
    mkdir $name->('b') or die "mkdir: $!\n";
    symlink '/dev/zero', $name->('c') or die "symlink: $!\n";
    symlink 'nowhere', $name->('d') or die "symlink: $!\n";
    by($b, 'timeout -s KILL 30');
    is $b->once, 0, 'what is no file';
    is became($b), 'counted=20 end=1', 'keeps nobody waiting';
    $b->verified;
}

closed();
strange();

done_testing;
