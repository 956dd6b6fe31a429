#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# fraudctl policy: prove --exec '' tests/tools/policy_test.sh, or sh. The
# binary is build/fraudctl, made if it is not there, or $FRAUDCTL.

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
T=$dir
policies=$top/conf/policies
cd "$T" || exit 1

# run STATUS NAME ARGUMENT...: fraudctl policy ends with this status
run() {
    status=$1
    name=$2
    shift 2
    "$ctl" policy "$@" > "$T/out" 2> "$T/err"
    [ $? = "$status" ]
    ok $? "$name"
}

# line NAME FILE TEXT: FILE has a line that is TEXT and nothing else
line() {
    grep -qxF -- "$3" "$2"
    ok $? "$1"
}

# edit NAME VALUE...: $T/new is $T/old with these settings, on one line each;
# version, notice and effective too
edit() {
    cp "$T/old" "$T/new"

    while [ $# -gt 0 ]; do
        sed "s/^$1 = .*/$1 = $2/" "$T/new" > "$T/edited"
        mv "$T/edited" "$T/new"
        shift 2
    done
}


# what is shipped

run 0 "lint: shipped policies" lint "$policies"/*.policy
lines=$(wc -l < "$T/out")
[ "$lines" = 6 ]
ok $? "lint: all six of them"

for file in "$policies"/*.policy; do
    name=$(basename "$file" .policy)
    run 0 "show: $name" show "$file"
    settings=$(grep -c '^[a-z.]* = ' "$T/out")
    [ "$settings" = 25 ]
    ok $? "show: $name has 25 settings"
    based=$(grep -cE '^  (stated|derived|gap|conflict): ' "$T/out")
    [ "$based" = 25 ]
    ok $? "show: $name, each with its basis"

    "$ctl" policy show --canonical "$file" > "$T/canonical"
    digest=$(sha256sum < "$T/canonical" | cut -d ' ' -f 1)
    line "show: $name, the digest is that of the canonical form" out \
        "sha256:$digest"
    run 0 "show: $name, the canonical form is a policy" \
        show --canonical "$T/canonical"
    cmp -s "$T/canonical" "$T/out"
    ok $? "show: $name, the canonical form of which is itself"
done


# words

run 0 "show: the words of a value" show "$policies/asogen.policy"
line "show: name and version" out "asogen, version 1"
line "show: a choice" out "    a pseudonym that dies with its key"
line "show: a word of a set" out "    fraud: detect and prevent fraud"
line "show: a share and its condition" out \
    "    who collects a debt: the account, while something is due"
has "show: a sentence" out \
    "We reserve the right to deduct money from your balance if a fraud"
line "show: a notice" out \
    "    told before it is in force: 30d, if it allows more"
run 0 "show: a long backup" show "$policies/asergo.policy"
has "show: a restore replays" out "a restore replays all erasures"
run 0 "show: a short backup" show "$policies/kirim-email.policy"
grep -q "a restore replays all" "$T/out"
[ $? = 1 ]
ok $? "show: nothing to replay"

run 0 "explain: all" explain
lines=$(grep -c '^[a-z]' "$T/out")
[ "$lines" = 25 ]
ok $? "explain: 25 settings"
run 0 "explain: one" explain log.fields
has "explain: its words" out "    link_seal: the account, sealed"
run 2 "explain: none such" explain log.files
has "explain: says so" err 'no setting "log.files"'


# lint

"$ctl" policy show --canonical "$policies/asogen.policy" > "$T/bare"
run 1 "lint: no comment" lint "$T/bare"
has "lint: says the line and the setting" out \
    "$T/bare:7: \"purpose\" says not what it is based on"
lines=$(wc -l < "$T/out")
[ "$lines" = 25 ]
ok $? "lint: every setting"

sed 's/^# stated: .*//' "$policies/asogen.policy" \
    | sed 's/“//; s/”//' > "$T/unquoted"
run 1 "lint: no quotation" lint "$T/unquoted"
has "lint: a basis without words" out '"log.fields" quotes no words'

sed 's/^automation = .*/automation = auto/' "$policies/asogen.policy" \
    > "$T/auto"
line=$(grep -n '^automation' "$T/auto" | cut -d : -f 1)
run 1 "lint: one good, one bad" lint "$T/auto" "$policies/asergo.policy"
line "lint: what nginx would say" out \
    "$T/auto:$line: \"automation\": \"auto\" is wrong, use none,assist"
has "lint: the good one" out "asergo.policy: ok, asergo version 1, sha256:"
run 2 "show: a bad one" show "$T/auto"
has "show: says the line" err "\"auto\" is wrong, use none,assist in $T/auto:$line"


# diff

cat > "$T/old" << 'END'
[policy]
name = shop
version = 1
notice = 2026-01-01
effective = 2026-01-01
[settings]
END
sed -n '/^purpose/,$p' "$T/bare" >> "$T/old"

run 0 "diff: the same" diff --date 2026-01-01 "$T/old" "$T/old"
line "diff: says so" out "the settings are the same"

edit version 2 notice 2026-03-01 effective 2026-03-01 keep.log 60d
run 0 "diff: tighter at once" diff --date 2026-03-01 "$T/old" "$T/new"
line "diff: what tightens" out "tightens keep.log: 90d -> 60d"
line "diff: from when" out "nothing is loosened, in force from 2026-03-01"

edit version 2 notice 2026-03-01 effective 2026-03-01 keep.log 91d \
    keep.backup 1d
run 1 "diff: looser, before its day" diff --date 2026-03-30 "$T/old" "$T/new"
line "diff: what loosens" out "loosens keep.log: 90d -> 91d"
line "diff: what tightens beside it" out "tightens keep.backup: 30d -> 1d"
has "diff: from when" out \
    "refused: may replace version 1 from 2026-03-31 on (announced 2026-03-01,"
run 0 "diff: looser, on its day" diff --date 2026-03-31 "$T/old" "$T/new"
has "diff: says so" out "allowed: may replace version 1 from 2026-03-31 on"

edit version 2 notice 2026-03-01 effective 2026-05-01 keep.log 91d
run 1 "diff: before it is in force" diff --date 2026-04-30 "$T/old" "$T/new"
run 0 "diff: when it is" diff --date 2026-05-01 "$T/old" "$T/new"

# who promised thirty days cannot take them back without thirty days
edit version 2 notice 2026-03-01 effective 2026-03-01 \
    change "notice=0d(publish) exit=none"
run 1 "diff: the old promise" diff --date 2026-03-30 "$T/old" "$T/new"
has "diff: loosens change" out "loosens change: notice=30d(announce if wider)"

# the clock of this machine, when no date is given
edit version 2 notice 9998-01-01 effective 9998-01-01 keep.log 91d
run 1 "diff: today is before 9998" diff "$T/old" "$T/new"
edit version 2 notice 2026-01-01 effective 2026-01-01 keep.log 91d
sed 's/^change = .*/change = notice=0d(publish) exit=none/' "$T/old" \
    > "$T/edited" && mv "$T/edited" "$T/old"
edit version 2 notice 2026-01-01 effective 2026-01-01 keep.log 91d
run 0 "diff: today is after 2026-01-01" diff "$T/old" "$T/new"

edit version 1 keep.log 60d
run 1 "diff: the same version" diff --date 2026-03-01 "$T/old" "$T/new"
has "diff: says so" out "refused: settings differ, but version 1 is not above 1"
edit name other version 2
run 2 "diff: another policy" diff "$T/old" "$T/new"
has "diff: says so" err '"shop" and "other" are not versions of one policy'


# each setting alone, looser: before and after its notice

cat > "$T/strict" << 'END'
[policy]
name = shop
version = 1
notice = 2026-01-01
effective = 2026-01-01
[settings]
purpose = fraud,billing
collect = time,ip,cookie,country,account
log.fields = time
log.ip = prefix
id.epoch = 1h
id.account = sealed
link.account = violation
link.device = no
cookie = none
dnt = honour_all
geo = country
automation = assist
keep.log = 90d
keep.state = 30d
keep.evidence = 90d
keep.backup = 7d
keep.aggregate = 7d,k=10
hold = none
region = local
share = default=never
deduct = forbid
deduct.caps = event=0 day=0 account=0
deduct.window = hold=0d appeal=0d
rights = access,rectify,erase,object,export erase_within=1d inflight=void
change = notice=30d exit=erase
END

# one NAME VALUE [NAME VALUE]...: the first loosens; the rest makes it good
one() {
    cp "$T/strict" "$T/old"
    first=$1
    edit version 2 notice 2026-03-01 effective 2026-03-01 "$@"
    run 1 "before: $first" diff --date 2026-03-30 "$T/old" "$T/new"
    has "before: $first is named" out "loosens $first: "
    run 0 "after: $first" diff --date 2026-03-31 "$T/old" "$T/new"
}

review='review when fraud>=confirmed \& damage>=proven \& attribution=account'
caps='event=min(damage,1) day=1 account=balance'
window='hold=14d appeal=30d'

one purpose fraud,billing,stats
one collect time,ip,cookie,country,account,path
one log.fields time,ip_prefix
one log.ip keyed
one id.epoch 2h
one id.account keyed
one link.account security
one link.device yes
one cookie session dnt ignore
one dnt ignore
one geo city
one keep.log 91d
one keep.state 31d
one keep.evidence 91d
one keep.backup 8d
one keep.aggregate inf,k=10
one hold legal
one region CH
one share 'default=never authority=case'
one deduct "$review" deduct.caps "$caps" deduct.window "$window" \
    link.account security
one deduct.caps "$caps" deduct "$review" deduct.window "$window" \
    link.account security
one rights 'access,rectify,erase,object,export erase_within=2d inflight=void'
one change 'notice=30d exit=none'

# these two need another old policy
sed -e 's/^automation = .*/automation = none/' \
    -e 's/^id.account = .*/id.account = none/' \
    -e 's/^link.account = .*/link.account = never/' \
    -e 's/^collect = .*/collect = time/' \
    -e 's/^keep.evidence = .*/keep.evidence = 0d/' \
    -e 's/^keep.state = .*/keep.state = 1h/' "$T/strict" > "$T/edited"
cp "$T/strict" "$T/kept"
mv "$T/edited" "$T/strict"
one automation assist

sed -e "s/^deduct = .*/deduct = $review/" \
    -e "s/^deduct.caps = .*/deduct.caps = $caps/" \
    -e 's/^deduct.window = .*/deduct.window = hold=15d appeal=30d/' \
    -e 's/^link.account = .*/link.account = security/' "$T/kept" > "$T/strict"
one deduct.window "$window"


# usage

run 2 "usage: nothing"
has "usage: the verbs" err "policy needs show, explain, lint or diff"
run 2 "usage: unknown" dance
run 2 "usage: no file to show" show
run 2 "usage: two files to show" show a b
run 2 "usage: no file to lint" lint
run 2 "usage: one file to compare" diff "$T/old"
run 2 "usage: no day" diff --date yesterday "$T/old" "$T/new"
has "usage: says so" err "--date needs a day"
run 2 "usage: no such file" show "$T/none"
has "usage: says so" err "cannot read $T/none"
: > "$T/empty"
run 1 "lint: an empty file" lint "$T/empty"
has "lint: what it lacks" out '"name" is missing in [policy]'
head -c 70000 /dev/zero | tr '\0' '#' > "$T/big"
run 1 "lint: a huge file" lint "$T/big"
has "lint: says so" out "more than 64 KiB"

finish
