package Ports;

# Free ports that no other test is given. Each test has a block of them while it
# lives, as it listens on the first one; what else runs on the machine may have
# some of the others, which is why each is tried as well. All are below the
# system's ephemeral ports, also the 10000 above that Redis adds to that of a
# cluster's node: these belong to the same block.

use strict;
use warnings;

use File::Basename qw(dirname);
use IO::Socket::INET;

our ($FIRST, $SIZE, $BLOCKS, $BUS) = (10000, 100, 100, 10000);

my ($lock, $base, $next, $owner);

sub block {
    return if $lock && $owner == $$;

    my $first = int rand $BLOCKS;
    ($next, $owner) = (0, $$);

    for my $i (0 .. $BLOCKS - 1) {
        $base = $FIRST + $SIZE * (($first + $i) % $BLOCKS);
        $lock = listener($base) and return;
    }
    die "no free block of ports\n";
}

sub listener {
    my ($port) = @_;
    return IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => $port,
                                 Listen => 1, ReuseAddr => 1);
}

# free(n): the first of n ports in a row, and those above for a bus; none comes
# again before all others did

sub free {
    my ($n) = @_;
    $n //= 1;
    block();

    for (1 .. $SIZE) {
        $next = 1 if ++$next + $n > $SIZE;
        my @ports = map { $base + $next + $_ } 0 .. $n - 1;
        next if grep { !listener($_) || !listener($_ + $BUS) } @ports;
        $next += $n - 1;
        return $ports[0];
    }
    die "no free port\n";
}

# run(file): with two ports in TEST_NGINX_PORT and above, as this process, so
# that the block stays taken

sub run {
    my ($file) = @_;
    local $^F = 1 << 20;

    $ENV{TEST_NGINX_PORT} = free(2);
    exec $^X, '-I' . dirname(__FILE__), '-MEnds', $file
        or die "$file: $!\n";
}

1;
