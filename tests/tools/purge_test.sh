#!/bin/sh
#
# fraudctl purge: the last second in which a segment may be there, and the
# first in which it must not.

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

purge() {
    "$ctl" purge --state "$dir/state" "$@" > "$dir/out" 2> "$dir/err"
    echo "$?"
}

# 2026-11-22T06:00:00Z
start=1795327200
day=86400

# fill LOG: segments of the ten hours from START on, each with a canary
fill() {
    for i in 0 1 2 3 4 5 6 7 8 9; do
        name=$1.$(date -u -d "@$((start + i * 3600))" +%Y%m%d%H)
        echo "canary-$i" > "$name"
    done
}

left() {
    find "$1" -type f -name "${2:-*.log.2*}" | wc -l
}

canary() {
    grep -rl "$1" "$dir/logs" | wc -l
}

mkdir "$dir/logs" "$dir/policies"
cp "$top"/conf/policies/*.policy "$dir/policies"

# strictly seven days: the lag of an hour and a run of ten minutes included
fill "$dir/logs/a.log"
fill "$dir/logs/b.log"
echo plain > "$dir/logs/a.log"
echo other > "$dir/logs/a.log.1"
echo other > "$dir/logs/a.log.2026112299"
mkdir "$dir/logs/a.log.2020010100"
ln -s /etc/passwd "$dir/logs/a.log.2020010101"
due=$((start + 7 * day - 3600 - 600))

is 'a second before' \
    "$(purge --policy "$dir/policies/kirim-email.policy" --now $((due - 1)) \
        "$dir/logs/a.log"): $(canary canary-0)" '0: 2'
is 'what would go' \
    "$(purge --policy "$dir/policies/kirim-email.policy" --now "$due" \
        --dry-run "$dir/logs/a.log"): $(canary canary-0)" '0: 2'
is 'is said and stays' "$(cat "$dir/out")" \
    "{\"time\":\"2026-11-29T04:50:00.000Z\",\"purge\":\"$dir/logs/a.log\",\"policy\":\"kirim-email\",\"due\":1,\"bytes\":9,\"kept\":9}"
is 'on the second' \
    "$(purge --policy "$dir/policies/kirim-email.policy" --now "$due" \
        "$dir/logs/a.log"): $(canary canary-0)" '0: 1'
is 'its line has counts only' "$(cat "$dir/out")" \
    "{\"time\":\"2026-11-29T04:50:00.000Z\",\"purge\":\"$dir/logs/a.log\",\"policy\":\"kirim-email\",\"deleted\":1,\"bytes\":9,\"kept\":9}"
is 'the other log is left alone' "$(left "$dir/logs" 'b.log.2*')" 10
is 'nobody waits for a vault' "$(test -e "$dir/state"; echo $?)" 1

# every run of a week: no byte is there when its seven days are over
now=$((due - 3 * 600))
late=0
while [ "$now" -lt $((due + 11 * 3600)) ]; do
    purge --policy "$dir/policies/kirim-email.policy" --now "$now" \
        "$dir/logs/a.log" > "$dir/status"
    i=0
    while [ $i -lt 10 ]; do
        # until the next run
        if [ $((now + 600)) -gt $((start + i * 3600 + 7 * day)) ] \
            && [ -e "$dir/logs/a.log.$(date -u -d "@$((start + i * 3600))" +%Y%m%d%H)" ]
        then
            late=$((late + 1))
        fi
        i=$((i + 1))
    done
    now=$((now + 600))
done
is 'none is ever late' "$late" 0
is 'all are gone in the end' "$(left "$dir/logs" 'a.log.20261122??')" 1
is 'only what is a segment goes' \
    "$(cd "$dir/logs" && echo a.log*)" \
    'a.log a.log.1 a.log.2020010100 a.log.2020010101 a.log.2026112299'

# a directory, by time
is 'a directory and a time' \
    "$(purge --keep 5h --now $((start + 6 * 3600)) --interval 1h \
        "$dir/logs"): $(left "$dir/logs" 'b.log.2*')" '0: 6'
is 'nothing of the hour that is written' \
    "$(purge --keep 0s --now $((start + 9 * 3600 + 1800)) "$dir/logs"): $(left "$dir/logs" 'b.log.2*')" \
    '0: 1'
is 'nor of the minute after it' \
    "$(purge --keep 0s --now $((start + 10 * 3600 + 59)) "$dir/logs"): $(left "$dir/logs" 'b.log.2*')" \
    '0: 1'
is 'then it goes' \
    "$(purge --keep 0s --now $((start + 10 * 3600 + 60)) "$dir/logs"): $(left "$dir/logs" 'b.log.2*')" \
    '0: 0'

# what nginx.conf says
cat > "$dir/nginx.conf" << END
http {
    fraud_log $dir/logs/shop.log;
    access_log $dir/logs/access.log;
    server {
        fraud_policy policies/asogen.policy;
        location /a { fraud_log $dir/logs/both.log; }
    }
    server {
        location /b { fraud_log $dir/logs/both.log buffer=64k; }
        fraud_policy policies/kirim-email.policy;
        fraud_log $dir/logs/mail.log;
    }
    server { fraud_log $dir/logs/none.log hourly; }
    server { fraud_log $dir/logs/plain.log; fraud off; }
}
END
for log in shop both mail none plain access; do
    fill "$dir/logs/$log.log"
done
now=$((start + 7 * day - 600))
is 'a configuration' "$(purge -c "$dir/nginx.conf" --now "$now")" 0
is 'by the policy of the server' "$(left "$dir/logs" 'mail.log.2*')" 8
is 'that is inherited into' "$(left "$dir/logs" 'shop.log.2*')" 10
is 'shared: by the shorter one' "$(left "$dir/logs" 'both.log.2*')" 8
is 'without a policy: said' "$(grep -c 'none.log has no policy' "$dir/err")" 1
is 'and kept' "$(left "$dir/logs" 'none.log.2*')" 10
is 'by a time that is given' \
    "$(purge -c "$dir/nginx.conf" --now "$now" --keep 6d): $(left "$dir/logs" 'none.log.2*')" \
    '0: 0'
is 'what is no security log in segments stays' \
    "$(left "$dir/logs" 'plain.log.2*') $(left "$dir/logs" 'access.log.2*')" \
    '10 10'
is 'ninety days later' \
    "$(purge -c "$dir/nginx.conf" --now $((start + 90 * day - 4200)) --keep 6d): $(left "$dir/logs" 'shop.log.2*')" \
    '0: 9'

# evidence, of which kirim-email keeps none
mkdir "$dir/spool"
fill "$dir/spool/flags"
is 'evidence' \
    "$(purge -c "$dir/nginx.conf" --now $((start + 5 * 3600)) --keep 1d \
        --evidence "$dir/spool"): $(left "$dir/spool" 'flags.2*')" '0: 6'

# holds
fill "$dir/logs/held.log"
held=$dir/logs/held.log.2026112206
hold() {
    purge --hold C-17 --ground "$1" --review "$2" \
        --policy "$dir/policies/$3.policy" --now "$start" "$held"
}
is 'a policy without holds' "$(hold legal 2026-12-20 kirim-email)" 2
is 'says so' "$(cat "$dir/err")" \
    'fraudctl: policy "kirim-email" knows no hold for "legal"'
is 'a ground that it does not know' "$(hold security 2026-12-20 asogen)" 2
is 'no such ground' "$(hold curiosity 2026-12-20 asogen)" 2
is 'no case' "$(purge --hold ../x --ground legal --review 2026-12-20 \
    --policy "$dir/policies/asogen.policy" --now "$start" "$held")" 2
is 'a review in the far future' "$(hold legal 2027-11-22 asogen)" 2
is 'a review in the past' "$(hold legal 2026-11-22 asogen)" 2
is 'one file is not there' "$(purge --hold C-17 --ground legal \
    --review 2026-12-20 --policy "$dir/policies/asogen.policy" \
    --now "$start" "$held" "$held.gone")" 2
is 'nothing was copied' "$(find "$dir/state" -type f 2> /dev/null | wc -l)" 0
is 'a hold' "$(hold legal 2026-12-20 asogen)" 0
is 'its copy' "$(cat "$dir/state/holds/C-17/held.log.2026112206")" canary-0
is 'for nobody else' \
    "$(stat -c %a "$dir/state" "$dir/state/holds/C-17" \
        "$dir/state/holds/C-17/held.log.2026112206" | tr '\n' ' ')" \
    '700 700 600 '
is 'is in the audit log' "$(cat "$dir/state/audit.log")" \
    '{"time":"2026-11-22T06:00:00.000Z","hold":"C-17","ground":"legal","review":"2026-12-20","files":1}'
is 'the original dies on time' \
    "$(purge --keep 1d --now $((start + day)) "$dir/logs/held.log"): $(test -e "$held"; echo $?)" \
    '0: 1'
is 'the copy does not' "$(cat "$dir/state/holds/C-17/held.log.2026112206")" \
    canary-0
is 'the run is in the audit log too' \
    "$(tail -n 1 "$dir/state/audit.log")" "$(cat "$dir/out")"
is 'a review that is overdue is an alarm' \
    "$(purge --keep 1d --now $((start + 28 * day)) "$dir/logs/held.log"): $(grep -c 'was to be reviewed by 2026-12-20' "$dir/err")" \
    '1: 1'
is 'reviewed' "$(purge --hold C-17 --ground legal --review 2027-01-10 \
    --policy "$dir/policies/asogen.policy" --now $((start + 28 * day)))
$(purge --keep 1d --now $((start + 28 * day)) "$dir/logs/held.log")
$(cat "$dir/state/holds/C-17/held.log.2026112206")" '0
0
canary-0'
is 'released' "$(purge --release C-17): $(find "$dir/state/holds" -type f | wc -l)" \
    '0: 0'
is 'no alarm any more' \
    "$(purge --keep 1d --now $((start + 28 * day)) "$dir/logs/held.log")" 0
is 'no such case' "$(purge --release C-17)" 2

is 'neither policy nor time' "$(purge "$dir/logs")" 2
is 'no such option' "$(purge --all)" 2

finish
