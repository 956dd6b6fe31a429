#!/bin/sh
# shellcheck disable=SC2154  # set by the harness
url=http://127.0.0.1:$BENCH_PORT
a=$(curl -s -A Mozilla/5.0 -o /dev/null -w '%{http_code}' "$url/item?q=shed")
b=$(curl -s -A sqlmap/1.7 -o /dev/null -w '%{http_code}' "$url/item?q=shed")
[ "$a $b" = "200 403" ] || { echo "expected 200 403, got $a $b" >&2; exit 1; }
