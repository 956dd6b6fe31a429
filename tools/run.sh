#!/bin/sh
#
# Tries the module out: a private nginx on a free loopback port, a little
# traffic of all kinds, and what it was scored.
#
#   tools/run.sh          then leaves nginx running until Ctrl-C
#   tools/run.sh --once   then ends; status 1 if somebody was judged wrongly

set -eu

TOP=$(cd "$(dirname "$0")/.." && pwd)
MODULE=$TOP/build/ngx_http_fraud_module.so

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
LC_ALL=C
export PATH LC_ALL

BROWSER="Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SCANNER="sqlmap/1.8 (https://sqlmap.org)"

DIR=
NGINX=
ONCE=


die() {
    printf 'run.sh: %s\n' "$*" >&2
    exit 1
}


# only what this script started, and only its directory

cleanup() {
    trap - EXIT HUP INT TERM

    if [ -n "$NGINX" ]; then
        kill "$NGINX" 2> /dev/null || :
        wait "$NGINX" 2> /dev/null || :
    fi

    [ -z "$DIR" ] || rm -rf "$DIR"
}


layout() {
    DIR=$(mktemp -d "${TMPDIR:-/tmp}/nginx-fraud.XXXXXX")
    mkdir -p "$DIR/conf/fraud" "$DIR/html/enforce" "$DIR/logs" "$DIR/temp"
    cp -R "$TOP/conf/rules" "$DIR/conf/fraud/"

    echo "127.0.77.0/24  # the listed network" > "$DIR/conf/fraud/listed.netset"

    for page in index.html search.html about.html; do
        echo "<p>$page" > "$DIR/html/$page"
    done

    for asset in style.css app.js logo.png; do
        echo "/* $asset */" > "$DIR/html/$asset"
    done

    cp "$DIR"/html/*.* "$DIR/html/enforce/"

    # started by root, the worker is another user
    chmod -R a+rX "$DIR"
    chmod a+rwx "$DIR/temp"
}


configure() {
    cat > "$DIR/conf/nginx.conf" << END
load_module "$MODULE";

daemon           off;
worker_processes 1;
pid              "$DIR/nginx.pid";
error_log        "$DIR/logs/error.log" notice;

events {
    worker_connections 512;
}

http {
    types {
        text/html  html;
        text/css   css;
        image/png  png;
        application/javascript js;
    }

    client_body_temp_path "$DIR/temp/body";
    proxy_temp_path       "$DIR/temp/proxy";
    fastcgi_temp_path     "$DIR/temp/fastcgi";
    uwsgi_temp_path       "$DIR/temp/uwsgi";
    scgi_temp_path        "$DIR/temp/scgi";

    access_log   off;

    fraud_zone   fraud 8m;
    fraud_log    "$DIR/logs/fraud.log";

    include      fraud/rules/baseline.conf;

    fraud_list   listed \$remote_addr file=fraud/listed.netset points=60;

    fraud_action 50 delay=300ms;
    fraud_action 70 limit;
    fraud_action 90 deny;

    add_header   X-Fraud-Score   \$fraud_score       always;
    add_header   X-Fraud-Action  \$fraud_action      always;
    add_header   X-Fraud-Reasons \$fraud_reasons     always;
    add_header   X-Fraud-Address \$fraud_address_pid always;

    server {
        listen 127.0.0.1:$PORT;
        root   "$DIR/html";
        fraud  observe;

        location / {
            try_files \$uri \$uri.html \$uri/index.html =404;
        }

        location /enforce/ {
            fraud     enforce;
            try_files \$uri \$uri.html \$uri/index.html =404;
        }

        # an application that refuses every password
        location = /enforce/login {
            fraud        enforce;
            fraud_signal page_flood off;
            proxy_pass   http://127.0.0.1:$PORT/refuse;
        }

        location = /refuse {
            fraud  off;
            return 401;
        }

        location = /status {
            fraud        off;
            fraud_status json;
        }
    }
}
END
}


# PORT where nobody listens: curl says 7 for "connection refused"

find_port() {
    PORT=${1:-18080}

    while [ "$PORT" -lt 18180 ]; do
        rc=0
        curl -s -o /dev/null --noproxy '*' --max-time 1 \
            "http://127.0.0.1:$PORT/" || rc=$?

        [ $rc != 7 ] || return 0
        PORT=$((PORT + 1))
    done

    die "no free port from 18080 to 18179"
}


start() {
    find_port

    while :; do
        configure
        nginx -p "$DIR" -c "$DIR/conf/nginx.conf" -e "$DIR/logs/error.log" \
            2> "$DIR/logs/start.log" &
        NGINX=$!

        tries=0

        while [ $tries -lt 50 ] && kill -0 "$NGINX" 2> /dev/null; do
            if curl -s -o /dev/null --noproxy '*' --max-time 1 \
                "http://127.0.0.1:$PORT/status" && [ -s "$DIR/nginx.pid" ]
            then
                return 0
            fi

            sleep 0.1
            tries=$((tries + 1))
        done

        kill "$NGINX" 2> /dev/null || :
        wait "$NGINX" 2> /dev/null || :
        NGINX=

        # somebody else was quicker to take the port
        if ! grep -q 'bind() to .* failed' "$DIR/logs/error.log"; then
            cat "$DIR/logs/start.log" >&2
            die "nginx does not start"
        fi

        : > "$DIR/logs/error.log"
        find_port $((PORT + 1))
    done
}


# ask ADDRESS AGENT URI [CURL OPTION...]: one request, its answer thrown away

SENT=0

ask() {
    from=$1
    agent=$2
    uri=$3
    shift 3

    curl -s -g -o /dev/null --noproxy '*' --max-time 10 --interface "$from" \
        -A "$agent" "$@" "http://127.0.0.1:$PORT$uri" || :
    SENT=$((SENT + 1))
}


# pid_of NAME ADDRESS: its pseudonym, from one more ordinary request

pid_of() {
    pid=$(curl -s -o /dev/null -D - --noproxy '*' --interface "$2" \
        -A "$BROWSER" "http://127.0.0.1:$PORT/about" \
        | tr -d '\r' | sed -n 's/^X-Fraud-Address: //p')
    SENT=$((SENT + 1))
    printf '%s %s\n' "${pid:--}" "$1" >> "$DIR/who"
}


traffic() {
    : > "$DIR/who"

    # a person: pages with what belongs to them, a search that looks like
    # SQL, a page that is not there, a mistyped password
    for uri in / /style.css /app.js /logo.png /favicon.ico /about \
        "/search?q=o%27brien+select+from+union+hotels" /style.css /app.js \
        "/search?q=%2Fetc%2Fpasswd" /old-page /enforce/ /enforce/style.css \
        "/enforce/search?next=..%2Fabout"
    do
        ask 127.0.0.11 "$BROWSER" "$uri"
    done

    ask 127.0.0.11 "$BROWSER" /enforce/login -d "user=me"
    pid_of browser 127.0.0.11

    # a scanner that says so, and looks for leaks
    for uri in / /.env /.git/config /backup.sql /wp-config.php.bak \
        "/search?id=1+union+select+1,2,3--" \
        "/search?file=../../../../etc/passwd" /phpinfo.php
    do
        ask 127.0.0.12 "$SCANNER" "/enforce$uri"
    done

    pid_of scanner 127.0.0.12

    # a flood, by one curl over one connection
    ask 127.0.0.13 "$BROWSER" "/?n=[1-250]" --no-globoff
    SENT=$((SENT + 249))
    pid_of flood 127.0.0.13

    # somebody ordinary, in a network that is on a list
    for uri in / /style.css /about; do
        ask 127.0.77.14 "$BROWSER" "$uri"
    done

    pid_of listed 127.0.77.14

    # guessing passwords
    for word in a b c d e f g h i j; do
        ask 127.0.0.15 "$BROWSER" /enforce/login -d "user=admin&password=$word"
    done

    pid_of guesser 127.0.0.15
}


# a line is written after its answer: wait for the last one

settle() {
    tries=0

    while [ "$(wc -l < "$DIR/logs/fraud.log")" -lt $SENT ] \
        && [ $tries -lt 30 ]
    do
        sleep 0.1
        tries=$((tries + 1))
    done
}


# pid, score, action and reasons of every line of the security log

lines() {
    sed -n 's/.*"address":"\([^"]*\)".*"score":\([0-9]*\),"action":"\([a-z]*\)".*"reasons":{\([^}]*\)}.*/\1 \2 \3 \4/p' \
        "$DIR/logs/fraud.log" | tr -d '"' | tr : =
}


table() {
    lines | awk -v who="$DIR/who" '
        BEGIN {
            while ((getline line < who) > 0) {
                split(line, w, " ")
                name[w[1]] = w[2]
                pids[++n] = w[1]
            }
        }

        {
            requests[$1]++

            if (!($1 in top) || $2 > top[$1]) {
                top[$1] = $2
                action[$1] = $3
                reasons[$1] = $4
            }
        }

        END {
            printf "%-8s %-26s %8s %5s %-6s %s\n", "CLIENT", "PSEUDONYM",
                   "REQUESTS", "SCORE", "ACTION", "REASONS"

            for (i = 1; i <= n; i++) {
                p = pids[i]
                printf "%-8s %-26s %8d %5d %-6s %s\n", name[p], p,
                       requests[p], top[p], action[p],
                       reasons[p] == "" ? "-" : reasons[p]
            }
        }' | tee "$DIR/table"
}


# was everybody judged as they should be?

verdict() {
    awk 'NR == 1 { next }
        { seen[$1] = 1 }
        $1 == "browser" && $4 != 0 { bad = bad " " $1 }
        $1 != "browser" && $4 < 50 { bad = bad " " $1 }
        END {
            split("browser scanner flood listed guesser", all, " ")

            for (i in all) {
                if (!seen[all[i]]) {
                    bad = bad " " all[i]
                }
            }

            if (bad != "") {
                print "run.sh: judged wrongly:" bad
                exit 1
            }
        }' "$DIR/table" >&2
}


case $# in
0) ;;
1)
    [ "$1" = --once ] || die "usage: run.sh [--once]"
    ONCE=yes
    ;;
*) die "usage: run.sh [--once]" ;;
esac

[ -e "$MODULE" ] || die "no $MODULE: run ./build.sh build"
command -v nginx > /dev/null || die "no nginx"
command -v curl > /dev/null || die "no curl"

trap cleanup EXIT
trap 'exit 0' HUP INT TERM

layout
start
traffic
settle

echo
table
rc=0
verdict || rc=$?

[ -z "$ONCE" ] || exit $rc

cat << END

Try it:      curl -i 'http://127.0.0.1:$PORT/?q=hello'            (observed)
             curl -i 'http://127.0.0.1:$PORT/enforce/.env'        (acted on)
Counters:    curl 'http://127.0.0.1:$PORT/status'
Log:         $DIR/logs/fraud.log
Rules:       $DIR/conf/fraud/rules  (*.patterns: changes count at once)

Ctrl-C stops nginx and removes its directory.
END

wait "$NGINX"
