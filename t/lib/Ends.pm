package Ends;

# A test that a signal stops ends in order: what it started is stopped, and its
# directories go.

use strict;
use warnings;

$SIG{$_} ||= sub { exit 1 } for qw(HUP INT TERM);

1;
