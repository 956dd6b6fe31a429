#!/bin/sh
#
# What the tests of the tools share; each of them begins with it. $dir is
# theirs, and is gone with them.
#
# shellcheck disable=SC2034  # some variables are for the tests

set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
ctl=${FRAUDCTL:-$top/build/fraudctl}
module=${FRAUD_MODULE:-$top/build/ngx_http_fraud_module.so}
dir=$(mktemp -d "${TMPDIR:-/tmp}/fraud-$(basename "$0" .sh).XXXXXX") || exit 1
n=0
failed=0

# until_true COMMAND...: poll, for half a minute
until_true() {
    tries=0
    until "$@" || [ "$tries" = 300 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    "$@"
}

# shellcheck disable=SC2317  # called by until_true
ended() { ! kill -0 "$1" 2> /dev/null; }

# shellcheck disable=SC2317  # called by trap
stop() {
    for file in nginx.pid redis.pid; do
        pid=$(cat "$dir/$file" 2> /dev/null)

        # what it still writes would keep the directory
        if [ -n "$pid" ] && kill "$pid"; then
            until_true ended "$pid"
        fi
    done
    rm -rf "$dir"
}

trap stop EXIT
trap 'exit 1' HUP INT PIPE TERM

bail_out() {
    echo "Bail out! $1"
    exit 1
}

if [ ! -x "$ctl" ] && ! make -s -C "$top/tools" > "$dir/make" 2>&1; then
    cat "$dir/make"
    bail_out 'tools do not build'
fi

# ok STATUS WHAT: with what was printed last, if it is not
ok() {
    n=$((n + 1))
    if [ "$1" = 0 ]; then
        echo "ok $n - $2"
        return
    fi
    echo "not ok $n - $2"
    for said in "$dir/out" "$dir/err"; do
        [ ! -e "$said" ] || sed 's/^/# /' "$said"
    done
    failed=1
}

# is WHAT GOT EXPECTED
is() {
    n=$((n + 1))
    if [ "$2" = "$3" ]; then
        echo "ok $n - $1"
        return
    fi
    echo "not ok $n - $1"
    echo "# got: $2"
    echo "# expected: $3"
    failed=1
}

# has WHAT FILE TEXT, lacks WHAT FILE TEXT: a fixed text
has() {
    grep -qF -- "$3" "$2"
    ok $? "$1"
}

lacks() {
    [ -r "$2" ] && ! grep -qF -- "$3" "$2"
    ok $? "$1"
}

# nginx_main: the configuration outside http
nginx_main() {
    cat << END
load_module $module;
$([ "$(id -u)" != 0 ] || echo "user root;")
pid $dir/nginx.pid;
worker_processes 1;
events { }
END
}

# nginx_http: inside; a unix socket needs no free port
nginx_http() {
    cat << END
    client_body_temp_path $dir/body;
    proxy_temp_path $dir/proxy;
    fastcgi_temp_path $dir/fastcgi;
    uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;
    set_real_ip_from unix:;
    real_ip_header X-Forwarded-For;
END
}

# nginx_start LOG [VARIABLE=VALUE...]: with a log of errors for the start, and
# in this environment
nginx_start() {
    log=$1
    shift
    chmod 755 "$dir"
    env "$@" nginx -p "$dir" -c "$dir/nginx.conf" -e "$log" \
        2> "$dir/start" || cat "$dir/start"
}

finish() {
    echo "1..$n"
    exit "$failed"
}
