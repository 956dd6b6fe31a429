#!/bin/sh
#
# The direction of dependencies: module -> lib, and lib knows neither nginx,
# nor sockets, nor a clock. Each third-party header has its one or two homes.

set -eu

cd "$(dirname "$0")/.."

OUT=$PWD/build/layers
failed=

fail() {
    printf 'layers: %s\n' "$*"
    failed=yes
}


# includes

bad=$(grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<](ngx_|nginx|\.\.|module/)' \
    lib/*.[ch] || :)
[ -z "$bad" ] || fail "lib includes nginx or module/:
$bad"

# home PATTERN FILE...: the headers that match are included by no other file

home() {
    pattern=$1
    shift

    for file in lib/*.[ch] module/*.[ch] tools/*.[ch] tools/billing/*.[ch]; do
        if [ ! -f "$file" ] \
           || ! grep -qE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[\"<]$pattern" "$file"
        then
            continue
        fi

        case " $* " in
        *" $file "*) ;;
        *) fail "$file includes $pattern, which belongs into $*" ;;
        esac
    done
}

home 'hiredis' lib/fraud_resp.c tools/node.c tools/redis.c
home 'openssl' tools/wire.c
home 'maxminddb' lib/fraud_geo.c
home 'pcre2' lib/fraud_pattern.c
home 'ini\.h' lib/fraud_policy.c
home 'jansson' tools/billing/event.c
home 'libpq' tools/billing/db_pg.c
home 'sodium' lib/fraud_pid.c lib/fraud_seal.c tools/billing/billing_keys.c
home 'sqlite3' tools/billing/db_sqlite.c

for file in module/ngx_fraud_redis*.[ch]; do
    if [ -f "$file" ] && grep -nE 'ngx_http' "$file"; then
        fail "$file knows of requests"
    fi
done


# config names every file, in order

for file in lib/*.[ch] module/*.[ch]; do
    if [ -f "$file" ] \
       && ! grep -qE "^ +\\\$ngx_addon_dir/$file \\\\$" config
    then
        fail "config does not list $file"
    fi
done

for list in MODULE_DEPS MODULE_SRCS LIB_DEPS LIB_SRCS; do
    if ! sed -n "/^FRAUD_$list=/,/^ *\"/p" config \
         | grep 'ngx_addon_dir' | LC_ALL=C sort -c 2> /dev/null
    then
        fail "FRAUD_$list in config is not sorted"
    fi
done


# symbols

make -s -C tests CC="${CC:-cc}" CFLAGS=-O2 SANITIZE= OUT="$OUT" objects

for obj in "$OUT"/lib/*.o; do
    name=lib/$(basename "$obj" .o).c

    for sym in $(nm -g --defined-only "$obj" | awk '{ print $3 }'); do
        case $sym in
        fraud_*) ;;
        *) fail "$name exports $sym" ;;
        esac
    done

    for sym in $(nm -u "$obj" | awk '{ sub(/@.*/, "", $2); print $2 }'); do
        case $sym in
        ngx_*)
            fail "$name calls nginx: $sym"
            ;;
        socket | socketpair | connect | bind | listen | accept | accept4 \
        | send | sendto | sendmsg | recv | recvfrom | recvmsg | getaddrinfo)
            fail "$name calls the network: $sym"
            ;;
        time | clock | clock_gettime | gettimeofday | nanosleep | sleep \
        | usleep)
            fail "$name has a clock: $sym"
            ;;
        rand | rand_r | random | srand | srandom | getrandom | getentropy)
            fail "$name has randomness: $sym"
            ;;
        printf | puts | putchar | fprintf | vfprintf | vprintf | __printf_chk \
        | __fprintf_chk | perror | syslog | abort | exit | __assert_fail)
            fail "$name prints or aborts: $sym"
            ;;
        malloc | calloc | realloc | free | strdup | posix_memalign)
            [ "$name" = lib/fraud_mem.c ] \
                || fail "$name allocates past fraud_mem_t: $sym"
            ;;
        esac
    done
done


# every module that nginx loads shares one name space

so=build/ngx_http_fraud_module.so

if [ -f "$so" ]; then
    for sym in $(nm -D --defined-only "$so" | awk '{ print $3 }'); do
        case $sym in
        ngx_http_fraud_module | ngx_modules | ngx_module_names \
        | ngx_module_order) ;;
        *) fail "$so exports $sym" ;;
        esac
    done
fi

[ -z "$failed" ] || exit 1
echo "layers: ok"
