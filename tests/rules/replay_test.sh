#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The baseline rules on the logs of replay.pl: nobody ordinary is flagged, each
# attack is, at the latest on the request that crosses its threshold.
# prove --exec '' tests/rules/replay_test.sh, or sh. The binary is
# build/fraudctl, made if it is not there, or $FRAUDCTL.

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../tools/lib.sh"
T=$dir
here=$top/tests/rules

mkdir "$T/fraud"
cp -R "$top/conf/rules" "$T/fraud/"

cat > "$T/nginx.conf" << 'END'
events { }
http {
    fraud_zone fraud 64m;
    include    fraud/rules/baseline.conf;
    server { fraud observe; }
}
END

# explain LOG: what was flagged, as "LINE SCORE REASONS", to LOG.flagged
explain() {
    "$ctl" explain -c "$T/nginx.conf" --raw -v "$1" \
        > "$1.out" 2> "$1.err" || return 1
    awk '$1 ~ /^[0-9]+-[0-9]+-[0-9]+T/ && $2 ~ /^[0-9]+$/ {
        print $2, $3, $5
    }' "$1.out" > "$1.flagged"
}


# people and robots

perl "$here/replay.pl" benign > "$T/benign"
ok $? "a log of ordinary visitors"

views=$(grep -c '"GET [^"]*" 200 [0-9]* "https://shop.example/?from=here" ' "$T/benign")
[ "$views" -ge 20000 ]
ok $? "with $views page views"

perl "$here/replay.pl" benign | cmp -s - "$T/benign"
ok $? "which is the same at every run"

explain "$T/benign"
ok $? "is replayed"

lines=$(wc -l < "$T/benign")
grep -q "^$lines lines: $lines scored" "$T/benign.out"
ok $? "as a whole"

[ ! -s "$T/benign.flagged" ]
status=$?
ok $status "nobody reaches 50"
[ $status = 0 ] || head -n 20 "$T/benign.flagged" | sed 's/^/# /'


# attacks: NAME ADDRESS LIMIT RULE, "-" for any rule

perl "$here/replay.pl" list > "$T/list"
perl "$here/replay.pl" attacks > "$T/attacks"
explain "$T/attacks"
ok $? "a log of attacks is replayed"

awk '
    FILENAME == ARGV[1] { reasons[$1] = $3; next }
    FILENAME == ARGV[2] {
        n[$1]++
        if (FNR in reasons) {
            split(reasons[FNR], each, ",")
            for (i in each) {
                name = each[i]
                sub(/=.*/, "", name)
                if (!(($1, name) in first)) first[$1, name] = n[$1]
            }
            if (!(($1, "-") in first)) first[$1, "-"] = n[$1]
        }
        next
    }
    {
        at = (($2, $4) in first) ? first[$2, $4] : 0
        good = at != 0 && at <= $3
        print (good ? 0 : 1), $1, $4, at, $3, n[$2]
    }
' "$T/attacks.flagged" "$T/attacks" "$T/list" > "$T/verdicts"

while read -r status name rule at limit requests; do
    ok "$status" "$name: $rule at request $at of $requests, at most $limit"
done < "$T/verdicts"

[ "$(wc -l < "$T/verdicts")" = "$(wc -l < "$T/list")" ]
ok $? "no attack was forgotten"

finish
