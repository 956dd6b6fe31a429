#!/bin/sh
#
# verify.sh SECRETS ID TIMESTAMP SIGNATURES < BODY
#
# What a receiver of fraud-billing's webhooks asks of each message before it
# believes it: exit status 0 if it is signed by one of the secrets in the file
# SECRETS (one "whsec_..." a line) and of now, 1 if not. The other arguments
# are the headers webhook-id, webhook-timestamp and webhook-signature, BODY the
# bytes as they came. Needs openssl, od and mktemp.
#
# A message may come more than once, with the same id: write the id into your
# database in the transaction that carries the message out, under a unique
# index, and never forget it.
#
# No secret is an argument of a program, where others could see it, and what is
# compared are hashes of the signatures with something random, so that the time
# it takes tells nothing of them.  VERIFY_NOW=SECONDS is for tests.

set -eu

TOLERANCE=300   # seconds, before and after
MAX_BODY=8192

LC_ALL=C
export LC_ALL
umask 077

[ $# = 4 ] || { echo "usage: verify.sh SECRETS ID TIMESTAMP SIGNATURES" >&2
                exit 2; }

secrets=$1
id=$2
timestamp=$3
signatures=$4
now=${VERIFY_NOW:-$(date +%s)}

[ -r "$secrets" ] || { echo "verify.sh: cannot read $secrets" >&2; exit 2; }

case $id in
"" | *.*) exit 1 ;;
esac

case $timestamp in
"" | *[!0-9]* | ????????????*) exit 1 ;;
esac

# no number of ours begins with 0, which would make it octal
case $timestamp in
0?*) exit 1 ;;
esac

[ $((timestamp - now)) -le $TOLERANCE ] || exit 1
[ $((now - timestamp)) -le $TOLERANCE ] || exit 1

body=$(mktemp)
trap 'rm -f "$body"' EXIT
trap 'exit 1' HUP INT TERM
head -c $((MAX_BODY + 1)) > "$body"
[ "$(wc -c < "$body")" -le $MAX_BODY ] || exit 1


# bytes NUMBER...: these bytes

bytes() {
    format=

    for n in "$@"; do
        format="$format\\$((n / 64))$((n / 8 % 8))$((n % 8))"
    done

    # shellcheck disable=SC2059  # nothing but octal escapes
    printf "$format"
}


# block PAD: the key, filled up to a block of 64 bytes, combined with PAD

block() {
    pad=$1
    left=64
    row=

    for n in $key; do
        row="$row $((n ^ pad))"
        left=$((left - 1))
    done

    while [ $left -gt 0 ]; do
        row="$row $pad"
        left=$((left - 1))
    done

    # shellcheck disable=SC2086  # a list of numbers
    bytes $row
}


# HMAC-SHA-256 (RFC 2104) of the message, in base64

mac() {
    {
        block 92
        {
            block 54
            printf '%s.%s.' "$id" "$timestamp"
            cat "$body"
        } | openssl dgst -sha256 -binary
    } | openssl dgst -sha256 -binary | openssl base64 -A
}


blind() {
    printf '%s %s' "$salt" "$1" | openssl dgst -sha256
}


salt=$(openssl rand -hex 32)
found=1

while read -r secret || [ -n "$secret" ]; do
    case $secret in
    "") continue ;;
    whsec_*) ;;
    *) echo "verify.sh: a line of $secrets is no secret" >&2; exit 2 ;;
    esac

    key=$(printf '%s' "${secret#whsec_}" | openssl base64 -d -A \
        | od -An -v -t u1)
    # shellcheck disable=SC2086  # a list of numbers
    set -- $key

    if [ $# -lt 24 ] || [ $# -gt 64 ]; then
        echo "verify.sh: a secret of $secrets is not of 24 to 64 bytes" >&2
        exit 2
    fi

    mine=$(blind "v1,$(mac)")
    seen=0
    set -f

    for signature in $signatures; do
        seen=$((seen + 1))
        [ $seen -le 8 ] || exit 1
        [ "$(blind "$signature")" != "$mine" ] || found=0
    done

    set +f
done < "$secrets"

exit $found
