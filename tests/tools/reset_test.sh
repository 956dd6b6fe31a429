#!/bin/sh
#
# fraudctl reset against a running nginx: an unban without a reload.

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

cat > "$dir/nginx.conf" << END
$(nginx_main)
error_log $dir/error.log debug;
http {
    access_log $dir/access.log;
$(nginx_http)
    fraud_identity session \$cookie_sid kind=session;
    fraud_rate flood address rate=1r/h points=40;
    fraud_rate clicks session rate=1r/h points=30;
    fraud_reputation address half_life=30d;
    server {
        listen unix:$dir/socket;
        add_header Score \$fraud_score always;
        location / { fraud observe; empty_gif; }
        location = /control { fraud off; fraud_control; }
    }
}
END
nginx_start "$dir/error.log"

score() {
    curl -s -o "$dir/body.gif" -D - --unix-socket "$dir/socket" \
        -H "X-Forwarded-For: $1" -b "sid=$2" http://localhost/ |
        tr -d '\r' | sed -n 's/^Score: //p'
}

reset() {
    "$ctl" reset --control http://localhost/control --socket "$dir/socket" \
        "$@" 2>&1
}

is 'first request' "$(score 192.0.2.7 one)" 0
is 'second: both rates' "$(score 192.0.2.7 one)" 70
is 'third: reputation too' "$(score 192.0.2.7 one)" 100

is 'reset of the address' "$(reset --address 192.0.2.7)" \
    '{"identity":"address","records":1}'
is 'rates and reputation are gone, the session stays' \
    "$(score 192.0.2.7 one)" 30
is 'reset of the session' "$(reset --session one)" \
    '{"identity":"session","records":1}'
is 'reset by name' "$(reset --identity address ::ffff:192.0.2.7)" \
    '{"identity":"address","records":1}'
is 'nothing is left' "$(score 192.0.2.7 one)" 0
is 'value from standard input' "$(echo 192.0.2.7 | reset --address -)" \
    '{"identity":"address","records":1}'
is 'nobody there' "$(reset --address 192.0.2.8)" \
    '{"identity":"address","records":0}'

reset --address nonsense > "$dir/out"
is 'no address: status' "$?" 1
reset --account bob > "$dir/out"
is 'no such identity: status' "$?" 1
"$ctl" reset > "$dir/out" 2>&1
is 'no subject: status' "$?" 2
"$ctl" reset --control http://localhost/ --socket "$dir/none" \
    --address 192.0.2.7 > "$dir/out" 2>&1
is 'no nginx: status' "$?" 1

is 'no value in the access log' "$(grep -c nonsense "$dir/access.log")" 0

finish
