#!/bin/sh
#
# ./build.sh bench: what one signal and the whole baseline cost, beside a bare
# nginx and its own limit_req, in one run.  Servers of one nginx worker take
# turns; the figure is the CPU time of the worker per request, and its
# ratio to bare in the same turn.  Machines are noisy: look at the medians.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
module=$top/build/ngx_http_fraud_module.so
rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-2}
nginx=${TEST_NGINX_BINARY:-nginx}

dir=$(mktemp -d "${TMPDIR:-/tmp}/fraud-bench.XXXXXX")

stop() {
    if [ -f "$dir/nginx.pid" ]; then
        kill "$(cat "$dir/nginx.pid")" 2>/dev/null || :
    fi
    rm -rf "$dir"
}

trap stop EXIT
trap 'exit 130' INT TERM

mkdir -p "$dir/fraud/rules" "$dir/logs"
cp "$top"/conf/rules/* "$dir/fraud/rules/"

# one client stands for all here: its rates would refuse it
sed -i -E 's,^(fraud_rate .* rate=)[0-9]+r/[smh] burst=[0-9]+,\1900000r/s burst=900000,' \
    "$dir/fraud/rules/baseline.conf"
chmod -R a+rX "$dir"

port=${PORT:-18800}

# conf NAME HTTP SERVERS...: a configuration with one server a port
conf() {
    name=$1
    {
        echo "load_module $module;"
        echo "worker_processes 1;"
        echo "pid $dir/nginx.pid;"
        echo "error_log $dir/logs/error.log;"
        echo "events { }"
        echo "http {"
        echo "    access_log off;"
        echo "    keepalive_requests 100000000;"
        echo "    $2"
        shift 2
        i=0
        for what in "$@"; do
            echo "    server {"
            echo "        listen 127.0.0.1:$((port + i));"
            echo "        location / { $what empty_gif; }"
            echo "    }"
            i=$((i + 1))
        done
        echo "}"
    } > "$dir/$name.conf"
}

# shellcheck disable=SC2016
conf one 'limit_req_zone $binary_remote_addr zone=one:32m rate=1000000r/s;' \
    '' \
    'limit_req zone=one burst=1000000 nodelay;' \
    'fraud enforce; fraud_action 90 limit;
     fraud_rate one address rate=1000000r/s burst=1000000 points=50;'

# rules are for http: the whole baseline has an nginx of its own
conf all 'include fraud/rules/baseline.conf;' \
    '' \
    'fraud enforce; fraud_action 90 deny;'

cat > "$dir/request.lua" << 'END'
wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) " ..
    "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
wrk.headers["Accept"] = "text/html,application/xhtml+xml,*/*;q=0.8"
wrk.headers["Cookie"] = "sid=0123456789abcdef0123456789abcdef"
END

url="/shop/garden/tools-and-sheds/wooden-shed-2x3-large"
url="$url?q=garden+shed&page=2&sort=price_asc&color=dark-green&season=summer&r=h"

# CPU nanoseconds a request of the worker, under load for a while
load() {
    worker=$(pgrep -P "$(cat "$dir/nginx.pid")" | head -n 1)
    before=$(cut -d' ' -f1 "/proc/$worker/schedstat")
    requests=$(wrk -t1 -c16 -d "${seconds}s" -s "$dir/request.lua" \
        "http://127.0.0.1:$1$url" | awk '/requests in/ { print $1 }')
    after=$(cut -d' ' -f1 "/proc/$worker/schedstat")
    echo $(((after - before) / requests))
}

turn() {
    "$nginx" -p "$dir" -c "$dir/$1.conf"
    shift
    sleep 0.5
    for what in "$@"; do
        name=${what%:*}
        echo "$name $(load $((port + ${what#*:})))" >> "$dir/figures"
    done
    kill "$(cat "$dir/nginx.pid")"
    while [ -f "$dir/nginx.pid" ]; do sleep 0.1; done
}

echo "rounds: $rounds of $seconds s a server; CPU ns of the worker a request"

i=0
while [ "$i" -lt "$rounds" ]; do
    turn one bare:0 limit_req:1 one_rate:2 bare:0
    turn all bare_2:0 baseline:1 bare_2:0
    i=$((i + 1))
done

sort "$dir/figures" | awk '
    { n[$1]++; v[$1, n[$1]] = $2 }

    function median(name,   i, k, t, a) {
        for (i = 1; i <= n[name]; i++) { a[i] = v[name, i] }
        for (i = 2; i <= n[name]; i++) {
            for (k = i; k > 1 && a[k - 1] > a[k]; k--) {
                t = a[k]; a[k] = a[k - 1]; a[k - 1] = t
            }
        }
        return a[int((n[name] + 1) / 2)]
    }

    function row(name, base) {
        printf "%-10s %7d ns   %.2f x bare\n", name, median(name),
            median(name) / median(base)
    }

    END {
        row("bare", "bare"); row("limit_req", "bare")
        row("one_rate", "bare"); row("baseline", "bare_2")
    }'
