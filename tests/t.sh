#!/bin/sh
#
# t.sh FILE: runs one file of t/ in a server root and on a port of its own
# (below the system's ephemeral ports), so that several can run at once.

set -eu

TEST_NGINX_SERVROOT=$TEST_NGINX_DIR/$(basename "$1" .t)

TEST_NGINX_PORT=$(perl -MIO::Socket::INET -e '
    srand $$ ^ time;

    sub free {
        IO::Socket::INET->new(LocalAddr => "0.0.0.0", LocalPort => shift,
                              Listen => 1, ReuseAddr => 1);
    }

    for (1 .. 1000) {
        my $port = 10000 + int rand 20000;
        if (free($port) && free($port + 1)) { print $port; exit 0 }
    }

    exit 1')

export TEST_NGINX_SERVROOT TEST_NGINX_PORT

exec perl "$1"
