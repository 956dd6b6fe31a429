#!/bin/sh
#
# The one entry point: ./build.sh VERB, from any directory.

set -eu

# Debian's suites whose nginx the matrix builds: 1.22.1 (also asan's) and 1.26
NGINX_SUITES="bookworm trixie"
NGINX_ASAN_SUITE=bookworm

# Test::Nginx is in no Debian release yet
TEST_NGINX_SUITE=sid

# lib/ is formatted as this clang-format does it, others differ in details
CLANG_FORMAT=14

NEED_BUILD="nginx nginx-dev build-essential libhiredis-dev libmaxminddb-dev
    libpcre2-dev libsodium-dev libinih-dev libssl-dev zlib1g-dev
    libcurl4-openssl-dev libjansson-dev libpq-dev libsqlite3-dev"
NEED_RUN="curl"
NEED_TEST="libcmocka-dev clang clang-format libclang-rt-dev shellcheck
    libmaxmind-db-writer-perl libfaketime nghttp2-client openssl perl curl
    redis-server redis-tools postgresql sqlite3 python3-jsonschema
    libio-socket-ssl-perl gdb systemd"
# names the functions in reports, without which no suppression matches
NEED_ASAN="llvm"
NEED_BENCH="wrk procps"

MODULE=ngx_http_fraud_module.so
WITH="--with-compat --with-debug --with-threads --with-pcre-jit
    --with-http_ssl_module --with-http_v2_module --with-http_realip_module
    --with-http_auth_request_module --with-http_stub_status_module"

HARDEN_CC="-O2 -fPIC -fstack-protector-strong -Wformat"
HARDEN_CC="$HARDEN_CC -Werror=format-security -D_FORTIFY_SOURCE=2"
HARDEN_LD="-Wl,-z,relro -Wl,-z,now -fPIC"

FROM=$PWD
TOP=$(cd "$(dirname "$0")" && pwd)
JOBS=${JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)}
NGINX_SRC=${NGINX_SRC:-/usr/share/nginx/src}

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
LC_ALL=C
export PATH LC_ALL


usage() {
    cat << END
usage: ./build.sh VERB

  deps                 install what the other verbs need (apt), only if missing
  build                build/$MODULE for the installed nginx
  run [--once]         build, then try it out on a private nginx
  story                build, then attack a private nginx and follow the money:
                       flag, case, hold, post, appeal, reversal
  test [FILE...]       unit tests, t/, tests/redis/, tests/privacy/,
                       tests/billing/ and lint; or only these files of them
  lint                 style, layers, sizes, shellcheck, clang-format
  asan [FILE...]       t/, tests/redis/ and tests/privacy/ (but core.t) on nginx
                       with the module, both under ASan and UBSan
  search               destroy the secrets, then try all 2^32 addresses of IPv4
                       on what nginx and its Redis left (some 25 minutes)
  matrix [--nginx-src DIR]...
                       t/ and tests/redis/ on Debian's nginx versions and on
                       the trees given, static and dynamic
  bench                short benchmark of the module
  bench-billing [sqlite|postgresql [FLAGS [ROUNDS]]]
                       how fast fraud-billing takes flags
  install [--prefix DESTDIR]
                       module, rules, fraudctl, its systemd units and examples
                       into the installed nginx
  clean                remove build/

JOBS=N runs N jobs at once. NGINX_SRC=DIR is the source tree of the installed
nginx where that is not $NGINX_SRC.
END
}


say() {
    printf '%s\n' "$*"
}


die() {
    printf 'build.sh: %s\n' "$*" >&2
    exit 1
}


run() {
    say "+ $*"
    "$@"
}


# logged FILE COMMAND...: what it printed is shown only if it failed

logged() {
    log=$1
    shift
    say "+ $*"

    if ! "$@" > "$log" 2>&1; then
        tail -n 60 "$log"
        die "failed, see $log"
    fi
}


as_root() {
    if [ "$(id -u)" = 0 ]; then
        run "$@"

    elif command -v sudo > /dev/null; then
        run sudo "$@"

    else
        die "not root and no sudo; please run: $*"
    fi
}


# packages

missing() {
    for pkg in "$@"; do
        # shellcheck disable=SC2016  # dpkg-query's own variable
        if ! dpkg-query -W -f '${db:Status-Status}\n' "$pkg" 2> /dev/null \
             | grep -qx installed
        then
            printf '%s ' "$pkg"
        fi
    done
}


have_apt() {
    command -v apt-get > /dev/null && command -v dpkg-query > /dev/null
}


# RUNLEVEL=1 keeps the maintainer scripts from starting servers; where it is not
# heeded, one that was not there before is stopped again

apt_install() {
    new=$(missing nginx redis-server valkey-server)

    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y --no-install-recommends "$@"

    for service in $new; do
        for pid in "/run/$service.pid" "/run/${service%-server}/$service.pid"
        do
            [ ! -s "$pid" ] || as_root service "$service" stop
        done
    done
}


need() {
    have_apt || return 0

    pkgs=$(missing "$@")

    if [ -n "$pkgs" ]; then
        as_root apt-get update
        # shellcheck disable=SC2086  # a list
        apt_install $pkgs
    fi
}


have_test_nginx() {
    perl -e 'exit !grep { -e "$_/Test/Nginx/Socket.pm" } @INC'
}


need_test_nginx() {
    if have_test_nginx; then
        return
    fi

    if ! have_apt; then
        die "Test::Nginx is missing; please run: cpanm Test::Nginx"
    fi

    as_root apt-get update

    if apt-cache show libtest-nginx-perl > /dev/null 2>&1; then
        apt_install libtest-nginx-perl
        return
    fi

    suite_open deb "$TEST_NGINX_SUITE"
    (cd "$APT" && suite_apt download libtest-nginx-perl) \
        || die "no libtest-nginx-perl; please run: cpanm Test::Nginx"
    chmod -R go+rX "$APT"
    apt_install "$APT"/libtest-nginx-perl_*.deb
    suite_close
}


# suite_open TYPE SUITE...: suite_apt is then an apt that knows only these
# suites of the archive that the system itself uses; the system's own sources
# and lists stay as they are

suite_open() {
    type=$1
    shift

    # shellcheck source=/dev/null
    release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    # shellcheck disable=SC2016  # apt's own variables
    entry=$(apt-get indextargets --format '$(REPO_URI) $(SOURCESENTRY)' \
        "Release: $release" "Component: main" "Created-By: Packages" \
        | head -n 1)

    if [ -z "$entry" ]; then
        die "apt's sources name no archive of $release"
    fi

    key=$(sed -n -e 's/^Signed-By: *\(\/.*\)/\1/p' \
        -e 's/^deb.*[[ ]signed-by=\([^] ]*\).*/\1/p' \
        "$(echo "$entry" | sed 's/^[^ ]* \(.*\):[0-9]*$/\1/')" | head -n 1)

    APT=$(mktemp -d)
    trap suite_close EXIT
    chmod 755 "$APT"
    mkdir -p "$APT/parts" "$APT/lists/partial" "$APT/cache/archives/partial"

    {
        say "Types: $type"
        say "URIs: ${entry%% *}"
        say "Suites: $*"
        say "Components: main"
        [ -z "$key" ] || say "Signed-By: $key"
    } > "$APT/parts/suites.sources"

    suite_apt update
}


suite_apt() {
    run apt-get -q -o Dir::Etc::SourceList=/dev/null \
        -o Dir::Etc::SourceParts="$APT/parts" \
        -o Dir::State::Lists="$APT/lists" -o Dir::Cache="$APT/cache" "$@"
}


suite_close() {
    rm -rf "$APT"
    trap - EXIT
}


# sources SUITE...: Debian's nginx of each suite in build/src/SUITE, verified
# and patched by apt, unpacked once

sources() {
    todo=

    for suite in "$@"; do
        [ -e "build/src/$suite/configure" ] || todo="$todo $suite"
    done

    [ -n "$todo" ] || return 0

    have_apt || die "no apt: give the sources of nginx by --nginx-src DIR"
    need dpkg-dev

    # shellcheck disable=SC2086  # a list
    suite_open deb-src $todo

    for suite in $todo; do
        run rm -rf "build/src/$suite" "build/src/$suite.tmp"
        run mkdir -p "build/src/$suite.tmp"
        (cd "build/src/$suite.tmp" \
            && suite_apt source --only-source "nginx/$suite")
        run mv "build/src/$suite.tmp"/nginx-*/ "build/src/$suite"
        run rm -rf "build/src/$suite.tmp"
    done

    suite_close
}


# building

# configure DIR SRC ARGUMENT...: a copy of SRC in DIR, configured there with
# the module; again only when config, the arguments or the sources are others

configure() {
    dir=$1
    src=$2
    shift 2

    stamp=$({ say "$src" "${CC:-}" "$@"; cat config lib/fraud_store.lua \
        "$src/src/core/nginx.h"; } \
        | cksum)

    if [ "$(cat "$dir/.configured" 2> /dev/null)" = "$stamp" ]; then
        return
    fi

    run rm -rf "$dir"
    run mkdir -p "$dir"
    run cp -R "$src/auto" "$src/src" "$dir"

    for file in configure conf conf_flags contrib docs html man; do
        [ ! -e "$src/$file" ] || cp -R "$src/$file" "$dir"
    done

    say "+ cd $dir"
    cd "$dir"

    if [ -e conf_flags ]; then
        # shellcheck disable=SC2016  # bash's own variables
        logged "$PWD/configure.log" bash -c \
            '. ./conf_flags; exec ./configure "${NGX_CONF_FLAGS[@]}" "$@"' \
            configure "$@"

    elif [ -e configure ]; then
        logged "$PWD/configure.log" ./configure "$@"

    else
        logged "$PWD/configure.log" auto/configure "$@"
    fi

    cd "$TOP"
    say "$stamp" > "$dir/.configured"
}


# make_in DIR TARGET: nginx's own makefile

make_in() {
    say "+ cd $1"
    cd "$1"
    logged "$PWD/make.log" make -s -j "$JOBS" -f objs/Makefile "$2"
    cd "$TOP"
}


build() {
    # shellcheck disable=SC2086  # a list
    need $NEED_BUILD

    if [ ! -e "$NGINX_SRC/src/core/nginx.h" ]; then
        die "no nginx sources in $NGINX_SRC: set NGINX_SRC to the source" \
            "tree of the installed nginx"
    fi

    version=$(nginx_version "$NGINX_SRC")

    case $(nginx -v 2>&1) in
    */"$version"*) ;;
    *) die "$NGINX_SRC is nginx $version, but $(nginx -v 2>&1)" ;;
    esac

    dir=build/nginx-$version-dynamic
    compat=

    if [ ! -e "$NGINX_SRC/conf_flags" ]; then
        compat="--with-compat"
    fi

    # as Debian builds its own modules
    # shellcheck disable=SC2086  # none or one
    configure "$dir" "$NGINX_SRC" $compat \
        --with-cc-opt="$HARDEN_CC" --with-ld-opt="$HARDEN_LD" \
        --add-dynamic-module="$TOP"
    make_in "$dir" modules
    run install -m 644 "$dir/objs/$MODULE" build/
    say "build: build/$MODULE for nginx $version"

    build_tools
}


build_tools() {
    run make -s -C tools -j "$JOBS"
    say "build: build/fraudctl build/fraud-billing"
}


nginx_version() {
    sed -n 's/^#define NGINX_VERSION *"\(.*\)"/\1/p' "$1/src/core/nginx.h"
}


# testing

need_test() {
    # shellcheck disable=SC2086  # lists
    need $NEED_BUILD $NEED_TEST
    need_test_nginx

    # not in every release
    if have_apt && apt-cache show valkey-server > /dev/null 2>&1; then
        need valkey-server
    fi
}


# closing lines of what ran, shown once more at the end

DONE=

closing() {
    say "$1"
    DONE="$DONE$1
"
}


test_lib() {
    for cc in gcc clang; do
        log=build/tests-$cc.log
        mkdir -p build
        say "+ make -s -C tests CC=$cc check"

        { make -s -C tests -j "$JOBS" CC=$cc JOBS="$JOBS" check 2>&1 \
            || say "lib: failed"; } | tee "$log"

        if failed "$log" lib; then
            die "unit tests failed under $cc"
        fi

        closing "$(counts "$log" "lib ($cc)" programs)"
    done
}


test_tools() {
    log=build/tests-tools.log

    { prove -j "$JOBS" --directives --exec sh tests/tools/*_test.sh \
        tests/rules/*_test.sh 2>&1 || say "tools: failed"; } | tee "$log"

    if failed "$log" tools; then
        die "tests of the tools and rules failed"
    fi

    closing "$(counts "$log" tools files)"
}


# counts LOG NAME UNIT: the closing line from what prove said

counts() {
    line=$(grep '^Files=' "$1" | tail -n 1)
    files=${line#Files=}
    tests=${line#*Tests=}

    say "$2: ${tests%%,*} tests in ${files%%,*} $3 passed"
}


# failed LOG NAME: some test did, or was left out, which is no success

failed() {
    if grep -i -e '^ok .*# *skip' -e ' skipped: ' "$1"; then
        say "$2: tests were skipped"
        return 0
    fi

    tail -n 1 "$1" | grep -q "^$2: failed"
}


# test_t NAME NGINX MODULE FILE...: t/ on this binary; the module is empty where
# it is linked in

test_t() {
    name=$1
    nginx=$2
    module=$3
    shift 3

    out=$TOP/build/t-$name
    rm -rf "$out"
    mkdir -p "$out"

    say "+ prove $* (nginx $nginx${module:+, $module})"

    { TEST_NGINX_BINARY=$nginx TEST_NGINX_LOAD_MODULES=$module \
        TEST_NGINX_DIR=$out FRAUD_TOP=$TOP \
        PERL5LIB=$TOP/t/lib${PERL5LIB:+:$PERL5LIB} \
        prove -j "$JOBS" --directives --exec "sh tests/t.sh" "$@" 2>&1 \
        || say "t: failed"; } | tee "$out/log"

    ! failed "$out/log" t
}


# the script of Redis and lib's own ops, on the same random sequences

test_store() {
    log=build/tests-store.log
    say "+ make -s -C tests/redis check"

    { make -s -C tests/redis -j "$JOBS" check 2>&1 \
        || say "store: failed"; } | tee "$log"

    if failed "$log" store; then
        die "the script and lib disagree"
    fi

    closing "store: $(tail -n 1 "$log")"
}


# test_redis NAME NGINX MODULE: tests/redis/ in the same way. Many of them
# measure time, so that no more than two run at once.

test_redis() {
    (
        if [ "$JOBS" -gt 2 ]; then
            JOBS=2
        fi

        test_t "$@" tests/redis/*.t
    )
}


# tests/billing/ in the same way, on programs whose clock and deaths are the
# tests'; those of the mutations have a transaction split on purpose

test_billing() {
    programs_billing
    test_t billing "$(command -v nginx)" "$TOP/build/$MODULE" \
        tests/billing/*.t || die "tests/billing/ failed"
    closing "$(counts build/t-billing/log billing files)"
}


programs_billing() {
    run make -s -C tools -j 2 test
    run make -s -C tools -j 2 MUTATION=1 test
    run make -s -C tools -j 2 MUTATION=2 test
    run make -s -C tests/billing -j 2
}


lint() {
    need shellcheck perl clang-format
    bad=

    # shellcheck disable=SC2046  # no blanks in our file names
    run shellcheck -x .ci/run $(find . -name '*.sh' ! -path './build/*') \
        || bad="$bad shellcheck"
    # shellcheck disable=SC2046
    run perl tests/style.pl $(find module lib tools -name '*.[ch]' | sort) \
        || bad="$bad style"
    run sh tests/layers.sh || bad="$bad layers"

    case $(clang-format --version) in
    *"version $CLANG_FORMAT."*)
        # shellcheck disable=SC2046
        run clang-format --dry-run -Werror --style=file:lib/.clang-format \
            $(find lib tools -name '*.[ch]' | sort) || bad="$bad clang-format"
        ;;
    *)
        say "lint: lib's formatting not checked: $(clang-format --version)," \
            "not version $CLANG_FORMAT"
        ;;
    esac

    [ -z "$bad" ] || die "lint failed:$bad"
    closing "lint: ok"
}


verb_test() {
    need_test
    build

    if [ $# -gt 0 ]; then
        case $* in
        */tests/billing/*) programs_billing ;;
        esac

        test_t test "$(command -v nginx)" "$TOP/build/$MODULE" "$@" \
            || die "t/ failed"
        closing "$(counts build/t-test/log t files)"
        return
    fi

    test_lib
    test_tools
    test_t test "$(command -v nginx)" "$TOP/build/$MODULE" t/*.t \
        || die "t/ failed"
    closing "$(counts build/t-test/log t files)"
    test_store
    test_redis redis "$(command -v nginx)" "$TOP/build/$MODULE" \
        || die "tests/redis/ failed"
    closing "$(counts build/t-redis/log redis files)"
    test_t privacy "$(command -v nginx)" "$TOP/build/$MODULE" \
        tests/privacy/*.t || die "tests/privacy/ failed"
    closing "$(counts build/t-privacy/log privacy files)"
    test_billing
    lint

    say
    printf '%s' "$DONE"
}


# nginx's own undefined behaviour (offsets from NULL, memcpy of nothing from
# NULL) is not ours to fix: only module/ and lib/ are instrumented for it

verb_asan() {
    need_test
    # shellcheck disable=SC2086  # a list
    need $NEED_ASAN
    sources "$NGINX_ASAN_SUITE"
    build_tools

    dir=build/nginx-asan
    mkdir -p build
    printf '[undefined]\nsrc:src/*\nsrc:objs/*\n' > build/ubsan.ignore

    san="-fsanitize=address,undefined"
    opt="-O1 -g $san -fno-omit-frame-pointer -fno-sanitize-recover=undefined"
    opt="$opt -fsanitize-ignorelist=$TOP/build/ubsan.ignore"
    opt="$opt -DNGX_DEBUG_PALLOC=1"

    # shellcheck disable=SC2086  # a list
    ASAN_OPTIONS=detect_leaks=0 CC=clang configure "$dir" \
        "build/src/$NGINX_ASAN_SUITE" --prefix="$TOP/$dir" \
        --with-cc=clang --with-cc-opt="$opt" --with-ld-opt="$san" \
        $WITH --add-module="$TOP"

    # main() forgets its first pool on an error exit, and the configuration's
    # after "nginx -t", which no suppression can name without hiding every
    # leak: every stack has main() in it
    sed 's/^    \(ngx_cycle_t  *\*cycle, init_cycle;\)/    static \1/' \
        "build/src/$NGINX_ASAN_SUITE/src/core/nginx.c" > "$dir/main.c"
    grep -q '^    static ngx_cycle_t ' "$dir/main.c" \
        || die "asan: main() of nginx has other variables than expected"

    if cmp -s "$dir/main.c" "$dir/src/core/nginx.c"; then
        run rm "$dir/main.c"
    else
        run mv "$dir/main.c" "$dir/src/core/nginx.c"
    fi

    make_in "$dir" objs/nginx

    reports=$TOP/build/asan-reports
    rm -rf "$reports"
    mkdir -p "$reports"

    rc=0
    ASAN_OPTIONS=detect_leaks=1,abort_on_error=1,log_path=$reports/report
    LSAN_OPTIONS=suppressions=$TOP/tests/lsan.supp
    LSAN_OPTIONS=$LSAN_OPTIONS:print_suppressions=0:exitcode=0
    UBSAN_OPTIONS=print_stacktrace=1
    TEST_NGINX_TIMEOUT=10
    export ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS TEST_NGINX_TIMEOUT

    if [ $# -gt 0 ]; then
        test_t asan "$TOP/$dir/objs/nginx" "" "$@" || rc=1

    else
        test_t asan "$TOP/$dir/objs/nginx" "" t/*.t || rc=1
        test_redis asan-redis "$TOP/$dir/objs/nginx" "" || rc=1
        # terabytes of shadow would be in the cores of core.t
        # shellcheck disable=SC2046  # no blanks in our file names
        test_t asan-privacy "$TOP/$dir/objs/nginx" "" \
            $(find tests/privacy -name '*.t' ! -name core.t | sort) || rc=1
    fi

    if [ -n "$(ls "$reports")" ]; then
        head -n 60 "$reports"/*
        die "asan: $(find "$reports" -type f | wc -l) reports in $reports"
    fi

    [ $rc = 0 ] || die "asan: tests failed"
    closing "$(counts build/t-asan/log asan files)"

    if [ $# = 0 ]; then
        closing "$(counts build/t-asan-redis/log asan-redis files)"
        closing "$(counts build/t-asan-privacy/log asan-privacy files)"
    fi
}


# tests/privacy/search.t, which otherwise tries one address in 2039

verb_search() {
    need_test
    build
    FRAUD_SEARCH=all
    export FRAUD_SEARCH

    test_t search "$(command -v nginx)" "$TOP/build/$MODULE" \
        tests/privacy/search.t || die "the search failed"
    closing "$(counts build/t-search/log search files)"
}


# matrix_row LABEL SRC static|dynamic: one line of the table, and its verdict

matrix_row() {
    dir=build/matrix/$1-$3
    module=
    add=--add-module

    if [ "$3" = dynamic ]; then
        module=$TOP/$dir/objs/$MODULE
        add=--add-dynamic-module
    fi

    mkdir -p build/matrix
    row=$(nginx_version "$2")
    result="build failed"

    # a subshell, so that one failed build does not end the matrix
    # shellcheck disable=SC2086  # a list
    if (configure "$dir" "$2" --prefix="$TOP/$dir" $WITH $add="$TOP" \
        && make_in "$dir" objs/nginx \
        && { [ -z "$module" ] || make_in "$dir" modules; })
    then
        result="t failed"

        if test_t "$1-$3" "$TOP/$dir/objs/nginx" "$module" t/*.t; then
            result=$(counts "build/t-$1-$3/log" ok files)

            if test_redis "$1-$3-redis" "$TOP/$dir/objs/nginx" "$module"; then
                log=build/t-$1-$3-redis/log
                result="$result, $(counts "$log" redis files)"
            else
                result="redis failed"
            fi
        fi
    fi

    case $result in
    ok:*) ;;
    *) FAILED=yes ;;
    esac

    TABLE="$TABLE$(printf '%-10s %-8s %-12s %s' "$row" "$3" "$1" "$result")
"
}


verb_matrix() {
    TABLE=
    FAILED=
    n=0
    trees=

    while [ $# -gt 0 ]; do
        if [ "$1" != --nginx-src ] || [ $# -lt 2 ]; then
            usage
            exit 2
        fi

        tree=$(cd "$FROM" && cd "$2" && pwd)
        [ -e "$tree/src/core/nginx.h" ] || die "$2 is no nginx source tree"
        n=$((n + 1))
        trees="$trees tree$n"
        eval "tree$n=\$tree"
        shift 2
    done

    need_test
    # shellcheck disable=SC2086  # a list
    sources $NGINX_SUITES
    build_tools

    for link in static dynamic; do
        for label in $NGINX_SUITES; do
            matrix_row "$label" "$TOP/build/src/$label" $link
        done

        for label in $trees; do
            eval "tree=\$$label"
            matrix_row "$label" "$tree" $link
        done
    done

    say
    printf '%-10s %-8s %-12s %s\n' nginx link tree result
    printf '%s' "$TABLE"
    [ -z "$FAILED" ] || die "matrix: failed"
}


# installing

# put SRC DST: an operator's file that differs is left, the new one is beside it

put() {
    if [ ! -e "$2" ]; then
        run install -m 644 "$1" "$2"

    elif ! cmp -s "$1" "$2"; then
        run install -m 644 "$1" "$2.new"
    fi
}


verb_install() {
    dest=${DESTDIR:-}

    while [ $# -gt 0 ]; do
        case $1 in
        --prefix)
            [ $# -ge 2 ] || { usage; exit 2; }
            dest=$2
            shift 2
            ;;
        *)
            usage
            exit 2
            ;;
        esac
    done

    case $dest in
    "" | /*) ;;
    *) dest=$FROM/$dest ;;
    esac

    dest=${dest%/}
    build

    modules=$(nginx -V 2>&1 | sed -n 's/.*--modules-path=\([^ ]*\).*/\1/p')
    modules=${modules:-/usr/lib/nginx/modules}
    etc=/etc/nginx/fraud

    run install -d "$dest$modules" "$dest$etc/rules" "$dest$etc/policies" \
        "$dest$etc/schema"
    run install -d "$dest/usr/local/bin"
    run install -m 644 "build/$MODULE" "$dest$modules/$MODULE"
    run install -m 755 build/fraudctl "$dest/usr/local/bin/fraudctl"
    run install -m 755 build/fraud-billing "$dest/usr/local/bin/fraud-billing"

    for file in conf/rules/* conf/policies/* conf/schema/*; do
        [ ! -f "$file" ] || put "$file" "$dest$etc/${file#conf/}"
    done

    run install -d "$dest/usr/local/lib/systemd/system"

    for file in conf/systemd/*; do
        run install -m 644 "$file" \
            "$dest/usr/local/lib/systemd/system/${file#conf/systemd/}"
    done

    for file in conf/nginx.conf conf/nginx.conf.example; do
        [ ! -f "$file" ] || put "$file" "$dest$etc/nginx.conf.example"
    done

    say
    say "Two lines in nginx.conf switch it on, the first at its very top, the"
    say "second inside http { }:"
    say
    say "    load_module $modules/$MODULE;"
    say "    include $etc/rules/baseline.conf;"
}


verb_run() {
    # shellcheck disable=SC2086  # a list
    need $NEED_RUN
    build
    run sh tools/run.sh "$@"
}


# an attack, and what becomes of it in billing, with the balances

verb_story() {
    # shellcheck disable=SC2086  # a list
    need $NEED_BUILD $NEED_RUN sqlite3 openssl perl libio-socket-ssl-perl
    build
    run make -s -C tools -j 2 test

    TEST_NGINX_LOAD_MODULES=$TOP/build/$MODULE
    FRAUD_TOP=$TOP
    export TEST_NGINX_LOAD_MODULES FRAUD_TOP
    log=build/story.log

    perl -It/lib tests/billing/60-story.t > "$log" 2>&1 || {
        tail -n 40 "$log"
        die "story: failed, see $log"
    }

    sed -n 's/^# \([0-9]*\. \)/\1/p' "$log"
    say "story: $(grep -c '^ok' "$log") checks passed"
}


verb_bench() {
    # shellcheck disable=SC2086  # a list
    need $NEED_BENCH
    build
    run sh tests/bench/short.sh "$@"
}


verb_bench_billing() {
    need_test
    programs_billing
    run perl tests/bench/billing.pl "$@"
}


verb_deps() {
    if ! have_apt; then
        die "no apt here. Needed: nginx and its source tree, a C compiler," \
            "make, libmaxminddb, PCRE2, libsodium, OpenSSL, zlib, libcurl," \
            "hiredis, inih, jansson, libpq, SQLite; for the tests also clang" \
            "with sanitizers, clang-format, cmocka, shellcheck, curl," \
            "systemd-analyze," \
            "nghttp, openssl, redis-server, redis-cli, PostgreSQL, sqlite3," \
            "perl with MaxMind::DB::Writer and" \
            "Test::Nginx (cpanm Test::Nginx)"
    fi

    # shellcheck disable=SC2086  # lists
    need $NEED_RUN $NEED_ASAN
    need_test
    say "deps: all there"
}


# t_file FILE: a path as given, made relative to the top, as the tests expect it

t_file() {
    case $1 in
    /*) file=$1 ;;
    *) file=$FROM/$1 ;;
    esac

    [ -e "$file" ] || file=$TOP/$1
    [ -e "$file" ] || die "no such file: $1"
    file=$(cd "$(dirname "$file")" && pwd)/$(basename "$file")
    say "${file#"$TOP/"}"
}


if [ $# = 0 ]; then
    usage
    exit 2
fi

verb=$1
shift
cd "$TOP"

case $verb in

test | asan)
    files=

    for arg in "$@"; do
        file=$(t_file "$arg")
        files="$files $file"
    done

    # shellcheck disable=SC2086  # no blanks in our file names
    "verb_$verb" $files
    ;;

build)
    build
    ;;

lint)
    lint
    ;;

deps | run | story | search | matrix | bench | install)
    "verb_$verb" "$@"
    ;;

bench-billing)
    verb_bench_billing "$@"
    ;;

clean)
    run rm -rf build
    ;;

help | -h | --help)
    usage
    ;;

*)
    usage >&2
    exit 2
    ;;
esac
