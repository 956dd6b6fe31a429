#!/bin/sh
#
# The security log in hourly segments: written by nginx, checked by fraudctl
# log verify. nginx lives through the hours by libfaketime.

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

faketime=
for lib in /usr/lib/*/faketime/libfaketime.so.1; do
    [ ! -e "$lib" ] || faketime=$lib
done

[ -n "$faketime" ] || bail_out 'no libfaketime'

# all of nginx is so many seconds late from now on
clock() {
    echo "+$1" > "$dir/clock.new"
    mv "$dir/clock.new" "$dir/clock"
}

# in ten minutes of the next full hour, so that it is not over during the test
now=$(date +%s)
start=$((now - now % 3600 + 3600 + 600))
clock $((start - now))

# hour N: the name of the segment N hours after the first
hour() {
    date -u -d "@$((start + $1 * 3600))" +%Y%m%d%H
}

cat > "$dir/nginx.conf" << END
$(nginx_main)
error_log $dir/error.log info;
env LD_PRELOAD;
env FAKETIME_TIMESTAMP_FILE;
env FAKETIME_NO_CACHE;
env FAKETIME_DONT_FAKE_MONOTONIC;
http {
    access_log off;
$(nginx_http)
    fraud_rate flood address rate=1r/h points=40;
    fraud_log $dir/fraud.log hourly;
    server {
        listen unix:$dir/socket;
        location / { fraud observe; empty_gif; }
        location /buffered {
            fraud observe;
            fraud_log $dir/buffered.log hourly buffer=64k;
            empty_gif;
        }
        location /high {
            fraud observe;
            fraud_log $dir/fraud.log min_score=40 hourly;
            empty_gif;
        }
        location = /status { fraud off; fraud_status json; }
    }
}
END

nginx_start "$dir/error.log" LD_PRELOAD="$faketime" \
    FAKETIME_TIMESTAMP_FILE="$dir/clock" FAKETIME_NO_CACHE=1 \
    FAKETIME_DONT_FAKE_MONOTONIC=1

get() {
    curl -s -o "$dir/answer" --unix-socket "$dir/socket" \
        -H "X-Forwarded-For: ${2:-192.0.2.7}" "http://localhost$1"
}

lost() {
    get /status
    sed -n 's/.*"log_lost": *\([0-9]*\).*/\1/p' "$dir/answer"
}

verify() {
    "$ctl" log verify "$@" > "$dir/out" 2>&1
    echo "$?"
}

# the last line of what verify said, without the directory
said() {
    tail -n 1 "$dir/out" | sed "s|$dir/||"
}

first=$dir/fraud.log.$(hour 0)
second=$dir/fraud.log.$(hour 1)
third=$dir/fraud.log.$(hour 2)

get /; get /; get /high; get /high 192.0.2.8
is 'no file without an hour' "$(test -e "$dir/fraud.log"; echo $?)" 1
is 'nobody else reads it' "$(stat -c %a "$first")" 600
is 'a first line and three of requests' "$(grep -c . "$first")" 4
is 'the first says which segment it is' \
    "$(head -n 1 "$first" | cut -c 1-23)" "{\"segment\":\"$(hour 0)\""
is 'a line is as without a policy, and chained' \
    "$(sed -n 2p "$first" | grep -cE '^\{"time":.*,"status":200,"chain":"[0-9a-f]{8}\.[0-9a-f]{64}"\}$')" 1
is 'time is that of the segment' \
    "$(sed -n 2p "$first" | cut -c 10-22)" \
    "$(date -u -d "@$start" +%Y-%m-%dT%H)"
is 'verified while it is written' "$(verify "$dir/fraud.log"): $(said)" \
    "0: fraud.log.$(hour 0): 3 lines of 1 writers, 1 not closed, whole"

# another worker, in the same segment
kill -HUP "$(cat "$dir/nginx.pid")"
# shellcheck disable=SC2317  # called by until_true
closed() { grep -q '"closed"' "$first"; }
until_true closed
is 'a worker that goes closes its chain' "$?" 0
get /
# shellcheck disable=SC2317
two() { [ "$(grep -c '^{"segment"' "$first")" = 2 ]; }
until_true two
is 'each worker has a chain' "$(verify "$dir/fraud.log"): $(said)" \
    "0: fraud.log.$(hour 0): 4 lines of 2 writers, 1 not closed, whole"

# the next hours
get /buffered
clock $((start - now + 3600))
get /
is 'the next hour has its own file' "$(grep -c . "$second")" 2
is 'and goes on from the one before' \
    "$(head -n 1 "$second" | grep -c "\"after\":\"$(hour 0)\"")" 1
is 'both are whole' "$(verify "$dir/fraud.log"): $(said)" \
    "0: fraud.log.$(hour 1): 1 lines of 1 writers, 1 not closed, whole"
is 'all are closed but the last' "$(grep -c 'not closed' "$dir/out")" 1
get /status
# shellcheck disable=SC2317
flushed() { grep -q '"closed"' "$dir/buffered.log.$(hour 0)" 2> /dev/null; }
until_true flushed
is 'a buffer does not outlive its hour' "$?" 0
is 'and is whole' "$(verify "$dir/buffered.log"): $(said)" \
    "0: buffered.log.$(hour 0): 1 lines of 1 writers, whole"
worker=$(pgrep -P "$(cat "$dir/nginx.pid")")
is 'and no file stays open' \
    "$(find "/proc/$worker/fd" -lname "*/buffered.log.$(hour 0)" | wc -l)" 0

# moved away
mv "$second" "$dir/moved"
# shellcheck disable=SC2317
again() { get /; [ -e "$second" ]; }
until_true again
is 'a segment that was moved away is opened anew' "$?" 0
is 'what it goes on from is known to be elsewhere' \
    "$(verify "$second"): $(said | sed 's/: [0-9]* lines/: N lines/')" \
    "0: fraud.log.$(hour 1): N lines of 1 writers, 1 not closed, 1 go on from a segment that is not here, whole"

# no room
clock $((start - now + 7200))
before=$(lost)
ln -s /dev/full "$third"
get /; get /
is 'lines that could not be written are counted' "$(($(lost) - before))" 2
is 'and told' "$(grep -c 'No space left' "$dir/error.log")" 1
rm "$third"
# shellcheck disable=SC2317
room() { get /; [ -e "$third" ]; }
until_true room
is 'when there is room it goes on' "$?" 0
is 'and says how many are lost' \
    "$(head -n 1 "$third" | grep -c '"lost":[1-9]')" 1
is 'which is whole' "$(verify "$third"): $(said | grep -c 'never written')" \
    '0: 1'

kill "$(cat "$dir/nginx.pid")"
# shellcheck disable=SC2317
gone() { [ ! -e "$dir/nginx.pid" ]; }
until_true gone
cat "$dir/moved" "$second" > "$dir/both"
rm "$dir/moved"
mv "$dir/both" "$second"
verify "$dir/fraud.log" > "$dir/status"
is 'all whole and closed at the end, what was moved put back' \
    "$(cat "$dir/status"): $(grep -c 'not closed' "$dir/out")" 0:\ 0

# what an attacker does
mkdir "$dir/safe"
cp "$dir"/fraud.log.* "$dir/safe/"

# change WHAT FILE SED EXPECTED: a changed segment is named
change() {
    cp "$dir"/safe/* "$dir/"
    sed -i "$3" "$2"
    verify "$dir/fraud.log" > "$dir/status"
    is "$1" "$(cat "$dir/status"): $(grep -v ': line' "$dir/out" |
        sed -n "s|$dir/fraud.log.\([0-9]*\): .*, NOT WHOLE|\1|p")" "1: $4"
}

change 'one byte of a line' "$first" '3s/"score":40/"score":41/' "$(hour 0)"
change 'a line taken out' "$first" 3d "$(hour 0)"
change 'a line put in' "$first" '3p' "$(hour 0)"
change 'lines in another order' "$first" '2{h;d};3G' "$(hour 0)"
# shellcheck disable=SC2016  # of sed
change 'the end cut off' "$first" '/closed/d;$d' "$(hour 1)"
change 'rubbish' "$second" '2s/^{/[/' "$(hour 1)"
writer=$(head -n 1 "$dir/safe/${second##*/}" | grep -oE '"chain":"[0-9a-f]{8}')
change 'all that a writer wrote' "$first" "/$writer/d" "$(hour 1)"
cp "$dir"/safe/* "$dir/"
rm "$first"
verify "$dir/fraud.log" > "$dir/status"
is 'the first one purged: the rest is whole' "$(cat "$dir/status")" 0
cp "$dir"/safe/* "$dir/"
rm "$second"
verify "$dir/fraud.log" > "$dir/status"
is 'one in the middle taken out' \
    "$(cat "$dir/status"): $(grep -c 'NOT WHOLE' "$dir/out")" '1: 1'
cp "$dir"/safe/* "$dir/"
is 'put back' "$(verify "$dir/fraud.log")" 0
is 'states to note elsewhere' \
    "$("$ctl" log verify --states "$dir/fraud.log" | grep -c '^state')" \
    "$(cat "$dir"/safe/* | grep -oE '"chain":"[0-9a-f]{8}' | sort -u | wc -l)"
is 'no log' "$("$ctl" log verify "$dir/none" > "$dir/out" 2>&1; echo $?)" 2

finish
