#!/bin/sh
#
# The units of systemd, and that the one which ships does so as it is written.

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

command -v systemd-analyze > "$dir/out" || bail_out 'no systemd-analyze'

# the programs need not be installed
mkdir "$dir/units" "$dir/spool"
for unit in "$top"/conf/systemd/*; do
    sed "s|/usr/local/bin/|$top/build/|" "$unit" > "$dir/units/${unit##*/}"
done

for unit in "$dir"/units/*; do
    is "${unit##*/}" \
        "$(systemd-analyze verify --man=no "$unit" 2>&1; echo $?)" 0
done

redis-server --port 0 --unixsocket "$dir/redis.sock" --dir "$dir" --save '' \
    --daemonize yes --pidfile "$dir/redis.pid" --logfile "$dir/redis.log"
# shellcheck disable=SC2317  # called by until_true
pong() { [ "$(redis-cli -s "$dir/redis.sock" ping 2> /dev/null)" = PONG ]; }
until_true pong || bail_out 'Redis does not start'

# a shell takes these words for what systemd does
command=$(sed -n "/^ExecStart=/ {
    s/^[^=]*=//
    s|/var/spool/nginx-fraud|$dir/spool|p
}" "$dir/units/fraud-ship.service")
STREAM=unix:$dir/redis.sock OPTIONS='--spool-keep 1h --once' \
    sh -c "$command" > "$dir/out" 2> "$dir/err"
ok $? 'fraud-ship.service ships'
has 'and says so' "$dir/err" '"what":"shipped"'

is 'what ship.conf sets' \
    "$(grep -oE '^[A-Z]+' "$top/conf/ship.conf" | tr '\n' ' ')" 'STREAM OPTIONS '

finish
