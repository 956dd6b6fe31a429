#!/bin/sh
#
# t.sh FILE: runs one file of t/ in a server root and on ports of its own, so
# that several can run at once. A slow machine may take its time to answer.

set -eu

TEST_NGINX_SERVROOT=$TEST_NGINX_DIR/$(basename "$1" .t)
TEST_NGINX_TIMEOUT=${TEST_NGINX_TIMEOUT:-20}
export TEST_NGINX_SERVROOT TEST_NGINX_TIMEOUT

exec perl -I "$(dirname "$0")/../t/lib" -MPorts -e 'Ports::run(@ARGV)' "$1"
