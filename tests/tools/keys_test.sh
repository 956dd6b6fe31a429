#!/bin/sh
#
# fraudctl keys: secrets are made ahead, kept, and destroyed.

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

# rotate ARGUMENT...: what it says, with numbers of epochs as this + N

rotate() {
    "$ctl" keys rotate "$@" > "$dir/out" 2>&1
    status=$?
    relative < "$dir/out"
    return $status
}

relative() {
    awk -v now="$epoch" '{
        while (match($0, /[0-9]+\.keys/)) {
            number = substr($0, RSTART, RLENGTH - 5) + 0
            $0 = substr($0, 1, RSTART - 1) "E" (number >= now ? "+" : "") \
                 number - now substr($0, RSTART + RLENGTH)
        }
        print
    }'
}

# an epoch of 30 days: none begins while this runs, but for two hours a month
# in which it waits for nothing and uses 29 days
length=2592000
unit=30d
now=$(date +%s)
if [ $((now % length)) -gt $((length - 7200)) ]; then
    length=2505600
    unit=29d
fi
epoch=$((now / length))

secret() {
    sed -n "s/^$2 //p" "$dir/keys/$1.keys"
}

sum() {
    (cd "$dir/keys" && cat ./*.keys | cksum)
}

cat > "$dir/more.conf" << 'END'
server {
    fraud_identity login $arg_user;
    location / {
        if ($arg_a) { set $a 1; }
        fraud_identity "account" $upstream_http_x_account verified;
        fraud_identity login $arg_name;
    }
}
END
cat > "$dir/nginx.conf" << END
events { }
http {
    fraud_keys $dir/keys epoch=$unit;
    # fraud_identity nobody \$arg_nobody;
    fraud_session sid;
    include more.conf;
}
END

all="account address log.account log.address log.login log.session login"
all="$all session value"

is 'made' "$(rotate -c "$dir/nginx.conf")" "made E+0: $all
made E+1: $all"
is 'mode of the directory' "$(stat -c %a "$dir/keys")" 700
is 'mode of a file' "$(stat -c %a "$dir/keys/$epoch.keys")" 600
is 'first line' "$(head -n 1 "$dir/keys/$epoch.keys")" \
    "fraud-keys 1 $epoch $length 9"
is 'no two secrets are the same' \
    "$(cat "$dir/keys/$epoch.keys" "$dir/keys/$((epoch + 1)).keys" \
        | grep -v '^fraud' | cut -d' ' -f2 | sort -u | grep -cE '^[0-9a-f]{32}$')" \
    18

before=$(sum)
is 'again: nothing to do' "$(rotate -c "$dir/nginx.conf")" ''
is 'nothing is changed' "$(sum)" "$before"
is 'by --conf, directory and epoch by hand' \
    "$(rotate "$dir/keys" --conf="$dir/nginx.conf" --epoch "$unit")" ''

# another domain

value=$(secret "$epoch" value)
is 'a domain more' "$(rotate -c "$dir/nginx.conf" --domain partner:x)" \
    "added to E+0: partner:x
added to E+1: partner:x"
is 'the others stay' "$(secret "$epoch" value)" "$value"
is 'it has a secret' "$(secret "$epoch" partner:x | wc -c)" 33
before=$(sum)
is 'one domain less' "$(rotate -c "$dir/nginx.conf")" ''
is 'takes nothing away' "$(sum)" "$before"

# under a policy every identity has others; two blocks may name one file

{
    echo "fraud_policy $top/conf/policies/asergo.policy;"
    echo "server { fraud_policy $top/conf/policies/kirim-email.policy; }"
    echo "server { fraud_policy $top/conf/policies/asergo.policy; }"
    echo "fraud_identity login \$arg_user;"
} > "$dir/policies.conf"
is 'domains of policies' \
    "$(rotate "$dir/ruled" -c "$dir/policies.conf" --epoch "$unit" | head -n 1)" \
    "made E+0: address address@asergo address@kirim-email log.address \
log.address@asergo log.address@kirim-email log.login log.login@asergo \
log.login@kirim-email login login@asergo login@kirim-email value"
echo 'fraud_policy broken.policy;' > "$dir/broken.conf"
echo 'name = broken' > "$dir/broken.policy"
rotate "$dir/ruled" -c "$dir/broken.conf" > "$dir/told"
is 'a broken policy' "$?" 2
is 'is named' "$(grep -c 'broken.policy:' "$dir/told")" 1

# the list has no secrets

cat "$dir"/keys/*.keys | sed -n 's/^[^f].* //p' > "$dir/secrets"
"$ctl" keys list "$dir/keys" > "$dir/out" 2>&1
is 'list' $? 0
is 'two epochs' "$(cut -d' ' -f 4- "$dir/out")" \
    "current: account address log.account log.address log.login log.session login partner:x session value
next: account address log.account log.address log.login log.session login partner:x session value"
is 'their numbers' "$(cut -d' ' -f 1 "$dir/out" | xargs)" \
    "$epoch $((epoch + 1))"
is 'the end of one is the beginning of the next' \
    "$(sed -n '1s/^[^ ]* [^ ]* \([^ ]*\) .*/\1/p' "$dir/out")" \
    "$(sed -n '2s/^[^ ]* \([^ ]*\) .*/\1/p' "$dir/out")"
is 'as the clock has it' \
    "$(sed -n '1s/^[^ ]* \([^ ]*\) .*/\1/p' "$dir/out")" \
    "$(date -u -d "@$((epoch * length))" +%Y-%m-%dT%H:%M:%SZ)"
is 'no secret' "$(grep -cf "$dir/secrets" "$dir/out")" 0

# what is old is destroyed: on the disk too, which a second name of it shows

make() {
    sed "1s/.*/fraud-keys 1 $1 ${2:-$length} 10/" "$dir/keys/$epoch.keys" \
        > "$dir/keys/$1.keys"
}

for e in 1 5 $((epoch - 3)) $((epoch - 2)) $((epoch - 1)) $((epoch + 2)); do
    make $e
done
echo damaged > "$dir/keys/7.keys"
cp "$dir/keys/5.keys" "$dir/keys/.new"
cp "$dir/keys/5.keys" "$dir/keys/5.keys.bak"
echo note > "$dir/keys/note"
ln "$dir/keys/$((epoch - 2)).keys" "$dir/two"
ln "$dir/keys/$((epoch - 1)).keys" "$dir/one"
cp "$dir/one" "$dir/copy"

# of hours: those that are over when the epoch before this began, and not
hour=$(((epoch - 1) * length / 3600))
make $((hour - 1)) 3600
make $hour 3600

is 'old ones are destroyed' "$(rotate -c "$dir/nginx.conf")" \
    "destroyed E$((1 - epoch))
destroyed E$((5 - epoch))
destroyed E$((7 - epoch))
destroyed E-3
destroyed E-2
destroyed E+$((hour - 1 - epoch))"
is 'what is left' "$(find "$dir/keys" -type f | sed 's/.*\///' | sort | xargs)" \
    "$(printf '%s\n' .lock 5.keys.bak $((epoch - 1)).keys "$epoch.keys" \
        $((epoch + 1)).keys $((epoch + 2)).keys $hour.keys note | sort | xargs)"
is 'its bytes were overwritten' "$(tr -d '\000' < "$dir/two" | wc -c)" 0
is 'to the last' "$(wc -c < "$dir/two")" "$(wc -c < "$dir/copy")"
is 'those of the epoch before were not' "$(cksum < "$dir/one")" \
    "$(cksum < "$dir/copy")"
is 'list knows them' "$("$ctl" keys list "$dir/keys" | cut -d' ' -f4 | xargs)" \
    "previous: current: next: later: old:"

# a replaced file's old bytes go too

ln "$dir/keys/$epoch.keys" "$dir/replaced"
rotate -c "$dir/nginx.conf" --domain another > "$dir/told"
is 'the file before was overwritten' \
    "$(tr -d '\000' < "$dir/replaced" | wc -c)" 0

# destroy makes nothing

make 1
rm "$dir/keys/$epoch.keys"
is 'destroy' "$("$ctl" keys destroy "$dir/keys" --epoch $unit | relative)" \
    "destroyed E$((1 - epoch))"
is 'does not make' "$(find "$dir/keys" -name "$epoch.keys")" ''

# at once: one after the other, and no secret is lost

rm -rf "$dir/keys"
i=0
while [ $i -lt 8 ]; do
    "$ctl" keys rotate -c "$dir/nginx.conf" --domain "d$i" \
        > "$dir/out.$i" 2>&1 &
    i=$((i + 1))
done
wait
is 'one made the file' "$(cat "$dir"/out.? | grep -c "^made $epoch.keys")" 1
is 'all have their domain' \
    "$(sed -n 's/^\(d[0-7]\) .*/\1/p' "$dir/keys/$epoch.keys" | xargs)" \
    'd0 d1 d2 d3 d4 d5 d6 d7'
is 'nobody failed' "$(cat "$dir"/out.? | grep -c fraudctl:)" 0

# groups

if [ "$(id -u)" = 0 ]; then
    group=$(id -gn nobody)
    rotate -c "$dir/nginx.conf" --group "$group" > "$dir/told"
    is 'a group reads' "$(stat -c '%a %G' "$dir/keys/$epoch.keys")" \
        "640 $group"
    rm -rf "$dir/keys"
    { echo "user nobody $group;"; cat "$dir/nginx.conf"; } > "$dir/user.conf"
    rotate -c "$dir/user.conf" > "$dir/told"
    is 'that of nginx' "$(stat -c '%a %G' "$dir/keys/$epoch.keys" \
        "$dir/keys" | xargs)" "640 $group 750 $group"
fi

# errors

# fails WHAT MESSAGE ARGUMENT...
fails() {
    what=$1
    message=$2
    shift 2
    "$ctl" keys "$@" > "$dir/out" 2>&1
    is "$what: status" $? 2
    is "$what: message" "$(cat "$dir/out")" "fraudctl: $message"
}

fails 'no verb' 'keys needs "rotate", "destroy" or "list", see fraudctl help'
fails 'a verb that there is not' \
    'keys knows no "show", use "rotate", "destroy" or "list"' show
fails 'an option that there is not' \
    'unknown option "--secret", see fraudctl help' rotate --secret
fails 'no value' '--epoch needs a value' rotate --epoch
fails 'two directories' 'one directory at a time: "b" is one too many' \
    rotate a b
for time in 0 31d 500ms 1s1ms x ''; do
    fails "epoch $time" "invalid epoch \"$time\", use a time from 1s to 30d" \
        rotate "$dir/keys" --epoch "$time"
done
fails 'a bad domain' 'invalid domain "a b", use 1 to 96 letters, digits, "_", ".", ":", "@" and "-"' \
    rotate "$dir/keys" --domain 'a b'
fails 'no domain' 'no domains: give a configuration or --domain' \
    rotate "$dir/keys" -c -
fails 'no directory' 'no directory: name one, or in - by "fraud_keys DIR"' \
    rotate -c - --domain a
fails 'no configuration' \
    "cannot read $dir/none.conf: No such file or directory" \
    rotate "$dir/keys" -c "$dir/none.conf"
fails 'no group' 'no group "no such", give that of nginx'"'"'s workers by --group' \
    rotate "$dir/keys" -c - --domain a --group 'no such'
fails 'a directory that cannot be' \
    "cannot make $dir/none/keys: No such file or directory" \
    rotate "$dir/none/keys" -c - --domain a
fails 'nothing to list' "cannot open $dir/none: No such file or directory" \
    list "$dir/none"
fails 'another length' "$dir/keys/$epoch.keys is of epoch $epoch of $length s, not of $((length - 1)) s" \
    rotate "$dir/keys" -c - --domain a --epoch $((length - 1))

sed '3s/[0-9a-f]$/x/' "$dir/keys/$epoch.keys" > "$dir/damaged"
cat "$dir/damaged" > "$dir/keys/$epoch.keys"
fails 'a damaged file' "$dir/keys/$epoch.keys line 3 has a secret that is not of 0-9a-f, or zero; remove it and run this again" \
    rotate -c "$dir/nginx.conf"
is 'is left as it is' "$(cksum < "$dir/keys/$epoch.keys")" \
    "$(cksum < "$dir/damaged")"
"$ctl" keys list "$dir/keys" > "$dir/out" 2> "$dir/err"
is 'list: status' $? 1
is 'list says so' "$(cat "$dir/err")" \
    "fraudctl: $dir/keys/$epoch.keys line 3 has a secret that is not of 0-9a-f, or zero"
is 'and goes on' "$(cut -d' ' -f4 "$dir/out")" next:

finish
