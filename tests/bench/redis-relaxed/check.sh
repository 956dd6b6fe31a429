#!/bin/sh
# shellcheck disable=SC2154  # set by the harness
a=$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$BENCH_PORT/probe")
b=$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$BENCH_PORT/probe")
[ "$a $b" = "200 429" ] || { echo "expected 200 429, got $a $b" >&2; exit 1; }
sleep 0.2
n=$(redis-cli -p "$BENCH_REDIS_PORT" info commandstats | sed -n 's/^cmdstat_evalsha:calls=\([0-9]*\),.*/\1/p')
[ "${n:-0}" -gt 0 ] || { echo "Redis was not told" >&2; exit 1; }
