#!/bin/sh
#
# fraudctl subject with a real nginx and Redis: what is known of somebody, and
# that no byte of it is left when it was erased.

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

redis() {
    redis-cli -s "$dir/redis.sock" "$@"
}

# shellcheck disable=SC2317  # called by until_true
pong() { [ "$(redis ping 2> /dev/null)" = PONG ]; }

start_redis() {
    redis-server --port 0 --unixsocket "$dir/redis.sock" --dir "$dir/redis" \
        --rdbcompression no --appendonly "$1" --save '' --daemonize yes \
        --pidfile "$dir/redis.pid" --logfile "$dir/redis.log"
    until_true pong || bail_out 'Redis does not start'
}

stop_redis() {
    redis shutdown nosave > /dev/null 2>&1
    # shellcheck disable=SC2317
    gone() { [ ! -e "$dir/redis.pid" ]; }
    until_true gone
}

mkdir "$dir/redis" "$dir/logs" "$dir/state" "$dir/state/tombstones" \
    "$dir/policies" "$dir/spool" "$dir/ordered"
cp "$top"/conf/policies/*.policy "$dir/policies"
echo 'a secret of the application' > "$dir/secret"
chmod 600 "$dir/secret"
echo nobody > "$dir/objections"
start_redis yes

conf() {
    cat << END
$(nginx_main)
error_log $dir/logs/error.log info;
http {
$(nginx_http)
    $1
    fraud_zone fraud 4m;
    fraud_redis unix:$dir/redis.sock;
    fraud_redis_timeout 5s;
    fraud_redis_connect_timeout 5s;
    fraud_keys $dir/keys;
    fraud_objections $dir/objections;
    fraud_log $dir/logs/fraud.log hourly;
    log_format pids '\$time_iso8601 \$fraud_account_pid \$status';
    access_log $dir/logs/access.log pids;
    ${2:-}
    fraud_identity session \$cookie_sid kind=session;
    fraud_identity account \$upstream_http_x_account verified;
    fraud_signal bad if=\$arg_bad points=10;
    fraud_reputation address half_life=30d;
    fraud_reputation session half_life=30d;
    fraud_reputation account half_life=30d;
    fraud_rate orders account rate=1r/h points=30;
    server {
        listen unix:$dir/app.sock;
        access_log off;
        add_header X-Account \$arg_as always;
        location / { return 200 app; }
    }
    server {
        listen unix:$dir/socket;
        add_header Score \$fraud_score always;
        add_header Reasons \$fraud_reasons always;
        fraud observe;
        location / { proxy_pass http://unix:$dir/app.sock:; }
        location = /control { fraud off; access_log off; fraud_control; }
        location = /self {
            fraud off;
            access_log off;
            fraud_control secret=$dir/secret tombstones=$dir/state/tombstones;
        }
        location = /order {
            fraud off;
            access_log off;
            fraud_control secret=$dir/secret tombstones=ordered;
        }
    }
}
END
}

conf '' > "$dir/nginx.conf"
conf "fraud_policy policies/asogen.policy;" > "$dir/asogen.conf"
conf "fraud_policy policies/kirim-email.policy;" > "$dir/kirim.conf"
"$ctl" keys rotate -c "$dir/nginx.conf" > "$dir/out"
nginx_start "$dir/logs/error.log"

# score PERSON ADDRESS
score() {
    curl -s -o "$dir/answer" -D - --unix-socket "$dir/socket" \
        -H "X-Forwarded-For: $2" -b "sid=session-of-$1" \
        "http://localhost/?as=$1&bad=1" | tr -d '\r' | sed -n 's/^Score: //p'
}

# account: how often the account of this person has a part in a score
account() {
    curl -s -o "$dir/answer" -D - --unix-socket "$dir/socket" \
        -H "X-Forwarded-For: 192.0.2.$((40 + n))" -b "sid=session-of-$1" \
        "http://localhost/?as=$1&bad=1" | grep -cE 'orders|reputation.account'
}

# until the workers of the old configuration are gone
reload() {
    kill -HUP "$(cat "$dir/nginx.pid")"
    # shellcheck disable=SC2317
    reloaded() { ! pgrep -P "$(cat "$dir/nginx.pid")" \
        -f 'shutting down' > "$dir/answer"; }
    sleep 1
    until_true reloaded
}

subject() {
    verb=$1
    shift
    "$ctl" subject "$verb" -c "${conf:-$dir/nginx.conf}" \
        --control "http://localhost/${control:-control}" \
        --socket "$dir/socket" --state "$dir/state" "$@" \
        > "$dir/out" 2> "$dir/err"
    echo "$?"
}

audit() {
    tail -n 1 "$dir/state/audit.log" | sed 's/"time":"[^"]*",//'
}

# bytes_of FILE...: how often the pids in $dir/pids are in the files, as text
# and as bytes
bytes_of() {
    perl - "$dir/pids" "$@" << 'END'
my ($pids, @files) = @ARGV;
my $n = 0;
open my $in, '<', $pids or die;
chomp(my @pids = <$in>);
for my $pid (@pids) {
    my $bits = join '', map {
        sprintf '%05b', index 'abcdefghijklmnopqrstuvwxyz234567', $_
    } split //, $pid;
    push @raw, pack 'B128', $bits;
}
for my $file (@files) {
    open my $in, '<:raw', $file or die "$file: $!";
    local $/;
    my $data = <$in> // '';
    for my $what (@pids, @raw) {
        $n++ while $data =~ /\Q$what\E/g;
    }
}
print "$n\n";
END
}

redis_files() {
    find "$dir/redis" -type f
}

saved() {
    redis save > "$dir/answer"
    redis bgrewriteaof > "$dir/answer"
    # shellcheck disable=SC2317
    rewritten() { [ "$(redis info persistence | tr -d '\r' |
        grep -cE '^aof_rewrite_(in_progress|scheduled):0')" = 2 ]; }
    until_true rewritten
}

for i in 1 2 3; do
    score bobolink 192.0.2.7 > "$dir/answer.$i"
    score everglade 192.0.2.8 > "$dir/answer.$i"
done
is 'both have made a name for themselves' \
    "$(score bobolink 192.0.2.7) $(score everglade 192.0.2.8)" '100 100'

# show
is 'show' "$(echo bobolink | subject show --account -)" 0
perl -MJSON::PP -0777 -e '
    my $all = decode_json(<STDIN>);
    my $s = $all->{nginx}[0]{subjects}{0};
    print join(" ", $s->{domain}, scalar @{ $all->{nginx} },
        $s->{current}{orders} ? "orders" : "", scalar @{ $all->{redis} },
        $all->{lines} >= 4 ? "lines" : $all->{lines}), "\n";
    open my $out, ">", $ARGV[0] or die;
    print $out map { "$_\n" } grep { defined }
        @$s{qw(pid previous log_pid log_previous)};
    ' "$dir/pids" < "$dir/out" > "$dir/answer"
is 'is JSON, of the zone, of Redis, of logs' "$(cat "$dir/answer")" \
    'account 1 orders 1 lines'
is 'and his name is in it nowhere' \
    "$(cat "$dir/out" "$dir/err" "$dir/state/audit.log" | grep -c bobolink)" 0
is 'audited' "$(audit | sed 's/"lines":[0-9]*/"lines":N/')" \
    '{"subject":"show","by":"account","pids":4,"files":3,"lines":N,"unsearched":0,"state":"done"}'

# export: all of him, and nothing of her
is 'export' "$(subject export --account bobolink)" 0
# shellcheck disable=SC2016  # of perl
perl -MJSON::PP -0777 -e '
    my $all = decode_json(<STDIN>);
    my %accounts = map { $_->{account} // ($_->{line} =~ /Z|\+\S+ (\S+)/)[0]
        => 1 } @{ $all->{log} };
    print join(" ", scalar keys %accounts,
        length $all->{redis}[0]{record} == 2 * $all->{redis}[0]{bytes}), "\n";
    ' < "$dir/out" > "$dir/answer"
is 'of one pid, with the record' "$(cat "$dir/answer")" '1 1'
own=$(grep -c . "$dir/pids")
is 'four names at most' "$((own >= 2 && own <= 4))" 1

# the bytes, before
saved
cp -r "$dir/redis" "$dir/backup"
cp "$dir/logs/access.log" "$dir/spool/copied"
# shellcheck disable=SC2046  # no blanks in these names
before=$(bytes_of $(redis_files))
is 'his pids are in RDB and AOF' "$((before > 0))" 1
is 'and in logs' "$(($(bytes_of "$dir"/logs/*) >= 8))" 1
is 'hers are another' \
    "$(subject show --account everglade): $(grep -c -f "$dir/pids" "$dir/out")" '0: 0'

# erase
is 'erase' "$(echo bobolink | subject erase --account - \
    --evidence "$dir/spool")" 0
saved
# shellcheck disable=SC2046
is 'no byte in RDB or AOF' "$(bytes_of $(redis_files))" 0
is 'nor in logs or evidence' "$(bytes_of "$dir"/logs/* "$dir"/spool/*)" 0
is 'the log is whole' \
    "$("$ctl" log verify "$dir/logs/fraud.log" > "$dir/out"; echo $?): $(grep -oE '[0-9]+ redacted' "$dir/out")" \
    '0: 4 redacted'
is 'a tombstone, for nobody else' \
    "$(stat -c %a "$dir"/state/tombstones/*): $(tail -n 1 "$dir"/state/tombstones/*)" \
    '600: end'
is 'of all his pids' \
    "$(cat "$dir"/state/tombstones/* | grep -c -f "$dir/pids")" "$own"
is 'audited, in numbers' \
    "$(audit | sed 's/"\(zone\|redis\|files\|lines\)":[1-9][0-9]*/"\1":N/g')" \
    '{"subject":"erase","by":"account","pids":4,"zone":N,"redis":N,"files":N,"lines":N,"unsearched":0,"state":"done"}'
is 'without his name' "$(grep -c bobolink "$dir/state/audit.log")" 0
is 'he begins anew, from another address' "$(score bobolink 192.0.2.99)" 10
is 'she does not' "$(score everglade 192.0.2.8)" 100
is 'shown again: only what is new' \
    "$(subject show --account bobolink): $(grep -o '"lines":[0-9]*' "$dir/out")" \
    '0: "lines":2'

# a restored backup
stop_redis
rm -r "$dir/redis"
cp -r "$dir/backup" "$dir/redis"
cp "$dir/spool/copied" "$dir/kept"
start_redis yes
saved
# shellcheck disable=SC2046
is 'a backup brings it all back' "$(($(bytes_of $(redis_files)) > 0))" 1
is 'replay, before nginx serves' "$(subject replay --offline)" 0
saved
# shellcheck disable=SC2046
is 'gone once more' "$(bytes_of $(redis_files))" 0
truncate -s -4 "$dir"/state/tombstones/*
is 'a tombstone that is not whole stops everything' \
    "$(subject replay --offline): $(grep -c 'is not whole' "$dir/err")" '2: 1'
rm "$dir"/state/tombstones/*

# without nginx, by the secrets in files
is 'without nginx it is said' \
    "$(subject erase --account everglade --socket "$dir/nowhere")" 1
is 'and audited' "$(audit | grep -o '"state":"[a-z]*"')" '"state":"unfinished"'
rm "$dir"/state/tombstones/*

# what workers have in their memory
cp "$dir/nginx.conf" "$dir/unbuffered.conf"
conf '' "access_log $dir/logs/buffered.log pids buffer=64k;" > "$dir/nginx.conf"
sed -i 's/hourly;/hourly buffer=64k;/' "$dir/nginx.conf"
reload
lines=$(bytes_of "$dir"/logs/[bf]*)
for i in 1 2 3; do score bobolink 192.0.2.7 > "$dir/answer"; done
is 'lines wait in memory' "$(bytes_of "$dir"/logs/[bf]*)" "$lines"
is 'erase' "$(subject erase --account bobolink)" 0
is 'lines that waited are searched' \
    "$(bytes_of "$dir"/logs/*): $(($(audit | grep -o '"lines":[0-9]*' | cut -d: -f2) >= 8))" \
    '0: 1'
mv "$dir/nginx.pid" "$dir/nginx.pid.away"
is 'without nginx' \
    "$(subject erase --account bobolink): $(grep -c 'lines may wait' "$dir/err")" \
    '1: 1'
mv "$dir/nginx.pid.away" "$dir/nginx.pid"
mv "$dir/unbuffered.conf" "$dir/nginx.conf"
reload
rm -f "$dir"/state/tombstones/*

# a session and an address
score annatto 192.0.2.20 > "$dir/answer"
is 'erase a session' "$(subject erase --session session-of-annatto)" 0
is 'erase an address' "$(subject erase --address ::ffff:192.0.2.20)" 0
is 'lines' "$(audit | grep -o '"lines":[0-9]*')" '"lines":0'
is 'no address' "$(subject erase --address nonsense): $(cat "$dir/err")" \
    '2: fraudctl: the value is no address'
is 'no such identity' \
    "$(subject erase --identity nobody x): $(cat "$dir/err")" \
    '2: fraudctl: the configuration has no identity "nobody"'
is 'nobody' "$(subject show)" 2
is 'a misplaced value is not repeated' \
    "$(subject show --acount mallory): $(grep -c mallory "$dir/err")" '2: 0'
rm -f "$dir"/state/tombstones/*

# objections
for i in 1 2 3; do score maxilla 192.0.2.30 > "$dir/answer"; done
is 'his account is scored' "$(account maxilla)" 1
is 'he objects' "$(subject object --account maxilla)" 0
is 'by pids alone' \
    "$(grep -vcE '^([a-z2-7]{26}|# until [0-9]+)$' "$dir/objections") $(grep -c . "$dir/objections")" \
    '1 6'
until=$(sed -n 's/^# until //p' "$dir/objections")
is 'for three epochs' "$(((until - $(date +%s) + 43200) / 86400))" 3
# shellcheck disable=SC2317
objected() { [ "$(account maxilla)" = 0 ]; }
until_true objected
is 'his account is scored no more' "$?" 0
is 'but his requests are' "$(score maxilla 192.0.2.31)" 100
purged() {
    "$ctl" purge -c "$dir/nginx.conf" -p "$dir" --state "$dir/state" \
        --keep 365d --now "$1" | grep -c '"purge":"objections","deleted":4}'
}
cp "$dir/objections" "$dir/kept"
is 'in the last second of them' \
    "$(purged $((until - 1))): $(cmp "$dir/objections" "$dir/kept")" '0: '
is 'afterwards these are nobody' \
    "$(purged "$until"): $(cat "$dir/objections")" '1: nobody'
sed '/until/d' "$dir/kept" > "$dir/objections"
is 'of whom it is not known since when, they stay' \
    "$(purged "$until"): $(grep -c . "$dir/objections")" '0: 6'
cp "$dir/kept" "$dir/objections"
is 'withdrawn' "$(subject object --account maxilla --withdraw): $(cat "$dir/objections")" \
    '0: nobody'
# shellcheck disable=SC2317
scored() { [ "$(account maxilla)" = 1 ]; }
until_true scored
is 'and scored again' "$?" 0
is 'an address cannot' "$(subject object --address 192.0.2.7)" 2

# rights that a policy does not grant
is 'a right that the policy does not name' \
    "$(conf=$dir/asogen.conf subject restrict --account maxilla): $(cat "$dir/err")" \
    '2: fraudctl: no policy of the configuration knows the right to "restrict"'
is 'one that it does' \
    "$(conf=$dir/kirim.conf subject restrict --account maxilla)" 0
first=$(date -u -d '+10 days' +%F)
is 'within ten days' "$(conf=$dir/kirim.conf subject rectify --account maxilla)" 0
last=$(date -u -d '+10 days' +%F)
deadline=$(date -u -d "$(grep -o '"deadline":"[^"]*' "$dir/out" | cut -c 13-)" +%F)
[ "$deadline" != "$last" ] || first=$last
is 'by the deadline' "$deadline" "$first"
is 'rectified: the log stays' \
    "$(subject show --account maxilla): $(grep -c '"lines":0}' "$dir/out")" '0: 0'

# holds that are open
mkdir -p "$dir/state/holds/C-1"
echo "review $(date -u -d '+20 days' +%F)" > "$dir/state/holds/C-1/hold"
cp "$dir/logs/access.log" "$dir/state/holds/C-1/access.log"
subject show --account maxilla > "$dir/answer"
grep -o '"\(log_\)\?\(pid\|previous\)":"[a-z2-7]*' "$dir/out" |
    sed 's/.*"//' > "$dir/pids"
held=$(bytes_of "$dir/state/holds/C-1/access.log")
is 'a case has him' "$((held > 0))" 1
is 'it may finish under one policy' \
    "$(conf=$dir/asogen.conf subject erase --account maxilla): $(bytes_of "$dir/state/holds/C-1/access.log")" \
    "0: $held"
is 'and not under another' \
    "$(conf=$dir/kirim.conf subject erase --account maxilla): $(bytes_of "$dir/state/holds/C-1/access.log")" \
    '0: 0'
gzip -c "$dir/logs/access.log" > "$dir/logs/access.log.2.gz"
is 'a file that cannot be searched is said' \
    "$(subject erase --account maxilla): $(grep -c 'is compressed' "$dir/err")" \
    '1: 1'
rm "$dir/logs/access.log.2.gz"
rm -f "$dir"/state/tombstones/*

# self-service
self() {
    now=$(($(date +%s) + ${skew:-0}))
    hash=$(printf %s "$2" | sha256sum | cut -c 1-64)
    mac=$(printf '%s\n%s\n%s\n%s' "$1" account "$now" "$hash" |
        openssl dgst -sha256 -hmac "${secret:-$(cat "$dir/secret")}" |
        sed 's/.* //')
    curl -s -o "$dir/answer" -w '%{http_code}' --unix-socket "$dir/socket" \
        -X POST -H "Fraud-Operation: ${operation:-$1}" \
        -H 'Fraud-Identity: account' -H "Fraud-Value: ${value:-$2}" \
        -H "Fraud-Time: $now" -H "Fraud-Signature: $mac" \
        "http://localhost/${where:-self}"
}

for i in 1 2 3; do score zoetrope 192.0.2.50 > "$dir/answer"; done
is 'unsigned' "$(curl -s -o "$dir/answer" -w '%{http_code}' \
    --unix-socket "$dir/socket" -X POST -H 'Fraud-Operation: erase' \
    -H 'Fraud-Identity: account' -H 'Fraud-Value: zoetrope' \
    http://localhost/self)" 403
is 'another secret' "$(secret=guess self erase zoetrope)" 403
is 'an old order' "$(skew=-301 self erase zoetrope)" 403
is 'one from the future' "$(skew=900 self erase zoetrope)" 403
is 'another value' "$(value=everglade self erase zoetrope)" 403
is 'another operation' "$(operation=show self erase zoetrope)" 403
is 'nothing happened' "$(find "$dir/state/tombstones" -type f | wc -l)" 0
is 'an order to erase' "$(self erase zoetrope)" 200
is 'twice is once' "$(self erase zoetrope)" 200
grep -ohE '^[a-z2-7]{26}$' "$dir"/state/tombstones/* | sort -u > "$dir/pids"
is 'leaves a tombstone of his pids' "$(grep -c . "$dir/pids")" 2
is 'for what nginx cannot reach' "$(($(bytes_of "$dir"/logs/*) > 0))" 1
is 'which a replay does' "$(subject replay): $(bytes_of "$dir"/logs/*)" '0: 0'
for i in 1 2 3; do score quillon 192.0.2.51 > "$dir/answer"; done
is 'an order with tombstones elsewhere' "$(where=order self erase quillon)" 200
grep -ohE '^[a-z2-7]{26}$' "$dir"/ordered/* | sort -u > "$dir/pids"
is 'logs have him' "$(($(bytes_of "$dir"/logs/*) > 0))" 1
is 'a replay finds them' "$(subject replay): $(bytes_of "$dir"/logs/*)" '0: 0'
is 'purge counts them' "$("$ctl" purge -c "$dir/kirim.conf" -p "$dir" \
    --state "$dir/state" --now "$(($(date +%s) + 8 * 86400))" --dry-run |
    sed -n 's/.*"tombstones","due":\([0-9]*\).*/\1/p')" \
    "$(find "$dir/state/tombstones" "$dir/ordered" -type f | wc -l)"
is 'fraudctl signs too' \
    "$(control=self subject show --account zoetrope --secret "$dir/secret")" 0

# where nobody may have a score, all of a prefix have one name, in two epochs,
# stored and logged
"$ctl" keys rotate -c "$dir/kirim.conf" > "$dir/out"
rm -f "$dir"/state/tombstones/*
for address in 192.0.2.60 192.0.2.61 198.51.100.60; do
    conf=$dir/kirim.conf subject erase --address $address --offline \
        > "$dir/answer"
    grep -hE '^[a-z2-7]{26}$' "$dir"/state/tombstones/* | sort -u \
        > "$dir/pids.$address"
    rm -f "$dir"/state/tombstones/*
done
is 'of one prefix' \
    "$(comm -12 "$dir/pids.192.0.2.60" "$dir/pids.192.0.2.61" | grep -c .)" 4
is 'of another' \
    "$(comm -12 "$dir/pids.192.0.2.60" "$dir/pids.198.51.100.60" | grep -c .)" 0

"$ctl" log verify "$dir/logs/fraud.log" > "$dir/out"
is 'after all this the log is whole' "$?" 0
is 'no name of anybody anywhere' \
    "$(grep -rlE 'bobolink|everglade|annatto|maxilla|zoetrope|quillon' "$dir/logs" "$dir/state" "$dir/redis" "$dir/objections" | wc -l)" 0

finish
