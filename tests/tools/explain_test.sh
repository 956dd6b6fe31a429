#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# fraudctl explain: prove --exec '' tests/tools/explain_test.sh, or sh. The
# binary is build/fraudctl, made if it is not there, or $FRAUDCTL.
#
# shellcheck disable=SC2016  # variables of nginx stay as they are
# shellcheck source-path=SCRIPTDIR

. "$(dirname "$0")/lib.sh"
T=$dir

# conf: the content of http, with a server that observes, from standard input
conf() {
    {
        echo "events { }"
        echo "http {"
        cat
        echo "server { fraud observe; ${1:-} }"
        echo "}"
    } > "$T/nginx.conf"
}

# log SECOND ADDRESS REQUEST [STATUS [AGENT]]: a line of the combined format
log() {
    printf '%s - - [01/May/2026:10:%02d:%02d +0000] "%s HTTP/1.1" %s 12 "%s" "%s"\n' \
        "$2" $(($1 / 60)) $(($1 % 60)) "$3" "${4:-200}" - "${5:-Agent}"
}

# run OPTION...: replay $T/log
run() {
    "$ctl" explain -c "$T/nginx.conf" --raw "$@" "$T/log" \
        > "$T/out" 2> "$T/err"
    status=$?
}

# same NAME FILE: FILE is what comes on standard input
same() {
    cat > "$T/want"

    if cmp -s "$T/want" "$2"; then
        ok 0 "$1"
    else
        ok 1 "$1"
        diff "$T/want" "$2" | sed 's/^/# /'
    fi
}

# flagged: the numbers of the lines that -v printed
flagged() {
    awk '$1 ~ /^2.*Z$/ { printf "%s%s", sep, $2; sep = " " } END { print "" }' \
        "$T/out"
}


# rates, with the times of the log

conf << 'EOF'
fraud_rate flood address rate=1r/s burst=1 points=60;
fraud_action 50 limit;
fraud_action 90 deny;
EOF

{
    log 0 192.0.2.1 "GET /"
    log 0 192.0.2.1 "GET /"
    log 0 192.0.2.1 "GET /"
    log 0 192.0.2.2 "GET /"
    log 1 192.0.2.1 "GET /"
    log 1 192.0.2.1 "GET /"
    log 60 192.0.2.1 "GET /"
} > "$T/log"

run -v
same "rate: which requests, which subject, first time" "$T/out" << 'EOF'
2026-05-01T10:00:00Z 3 60 limit flood=60
2026-05-01T10:00:01Z 6 60 limit flood=60
identity subject requests flagged score action first reasons
address 192.0.2.1 6 2 60 limit 2026-05-01T10:00:00Z flood:2
7 lines: 7 scored, 2 flagged at 50 or more, 1 subjects
EOF
same "rate: nothing to say" "$T/err" < /dev/null
ok "$status" "rate: exit status 0"

run --json
same "json" "$T/out" << 'EOF'
{"type":"subject","identity":"address","subject":"192.0.2.1","requests":6,"flagged":2,"score":60,"action":"limit","first":"2026-05-01T10:00:00.000Z","reasons":{"flood":2}}
{"type":"summary","lines":7,"scored":7,"flagged":2,"subjects":1,"off":0,"refused":0,"unread":0,"too_long":0}
EOF

run --json -v --min-score=60
has "json: requests" "$T/out" '{"type":"request","time":"2026-05-01T10:00:00.000Z","line":3,"score":60,"action":"limit","reasons":{"flood":60}}'

run --min-score 61
same "min-score" "$T/out" << 'EOF'
7 lines: 7 scored, 0 flagged at 61 or more, 0 subjects
EOF

"$ctl" explain -c "$T/nginx.conf" -v - < "$T/log" > "$T/out" 2>&1
lacks "pseudonyms: no address" "$T/out" 192.0.2
grep -qE '^address [a-z2-7]{26} 6 2 60 limit ' "$T/out"
ok $? "pseudonyms: in its place, from standard input"


# the same /64 is one subject, and a mapped address is the one in it

{
    log 0 2001:db8::1 "GET /"
    log 0 2001:db8::2 "GET /"
    log 0 2001:db8::3 "GET /"
    log 0 192.0.2.9 "GET /"
    log 0 192.0.2.9 "GET /"
    log 0 ::ffff:192.0.2.9 "GET /"
} > "$T/log"

run
same "IPv6 prefix, mapped IPv4" "$T/out" << 'EOF'
identity subject requests flagged score action first reasons
address 2001:db8::/64 3 1 60 limit 2026-05-01T10:00:00Z flood:1
address 192.0.2.9 3 1 60 limit 2026-05-01T10:00:00Z flood:1
6 lines: 6 scored, 2 flagged at 50 or more, 2 subjects
EOF


# on=response: peeked at by the next request, charged with the status

conf << 'EOF'
map $status $failed { volatile; 401 1; 403 1; default ""; }
fraud_rate guess address rate=1r/m burst=2 if=$failed on=response points=60;
EOF

{
    log 0 192.0.2.1 "POST /login" 401
    log 1 192.0.2.1 "POST /login" 401
    log 2 192.0.2.1 "POST /login" 401
    log 3 192.0.2.1 "POST /login" 401
    log 4 192.0.2.1 "GET /" 200
    log 5 192.0.2.2 "POST /login" 200
    log 300 192.0.2.1 "GET /" 200
} > "$T/log"

run -v
same "response: from the fourth failure on" "$T/out" << 'EOF'
2026-05-01T10:00:03Z 4 60 allow guess=60
2026-05-01T10:00:04Z 5 60 allow guess=60
identity subject requests flagged score action first reasons
address 192.0.2.1 6 2 60 allow 2026-05-01T10:00:03Z guess:2
7 lines: 7 scored, 2 flagged at 50 or more, 1 subjects
EOF


# a map on $status that is not volatile remembers what it was asked first

conf << 'EOF'
map $status $failed { 401 1; default ""; }
fraud_signal early if=$failed points=1;
fraud_rate guess address rate=1r/m burst=0 if=$failed on=response points=60;
EOF
run
has "response: a map that is not volatile" "$T/out" "0 flagged"


# what the module would have refused does not reach the application

conf "fraud enforce;" << 'EOF'
map $status $failed { volatile; 401 1; default ""; }
map $fraud_action $let_through { volatile; allow $failed; default ""; }
fraud_rate guess address rate=1r/m burst=1 if=$failed on=response points=60;
fraud_rate again address rate=1r/m burst=1 if=$let_through on=response points=0;
fraud_action 50 deny;
EOF
sed 's/fraud observe; //' "$T/nginx.conf" > "$T/x" && mv "$T/x" "$T/nginx.conf"

{
    for second in 0 1 2 3 4 5 6 7 8 9; do
        log $second 192.0.2.1 "POST /login" 401
    done
    log 61 192.0.2.1 "POST /login" 401
    log 62 192.0.2.1 "POST /login" 401
} > "$T/log"

run -v
[ "$(flagged)" = "3 4 5 6 7 8 9 10 12" ]
ok $? "enforce: refused requests are not charged"


# maps

cat > "$T/map.inc" << 'EOF'
/included 5;
EOF

conf << 'EOF'
map $uri $points {
    default     "";
    include     map.inc;
    /exact      1;
    "~^/a(b|c)$" 2;
    ~*^/NOCASE  3;
    \~tilde     4;
    ""          6;
}
map $http_user_agent $kind { "" none; Robot bot; default other; }
map "$request_method:$kind" $combined { POST:bot 1; default 0; }
map $uri $static { hostnames; *.css 1; .min.js 2; /img.* 3; default ""; }
fraud_signal uri if=$points points=20;
fraud_signal both if=$combined points=40;
fraud_signal static if=$static points=5;
EOF

{
    log 0 192.0.2.1 "GET /EXACT"
    log 0 192.0.2.1 "GET /ab"
    log 0 192.0.2.1 "GET /aB"
    log 0 192.0.2.1 "GET /nocase/x"
    log 0 192.0.2.1 "GET /included"
    log 0 192.0.2.1 "POST /" 200 robot
    log 0 192.0.2.1 "GET /" 200 Robot
    log 0 192.0.2.1 "GET /x/y.CSS"
    log 0 192.0.2.1 "GET /y.css/z"
    log 0 192.0.2.1 "GET /jquery.min.js"
    log 0 192.0.2.1 "GET /img.png"
    log 0 192.0.2.1 "GET /x/img.png"
} > "$T/log"

run -v --min-score 1
same "map" "$T/out" << 'EOF'
2026-05-01T10:00:00Z 1 20 allow uri=20
2026-05-01T10:00:00Z 2 20 allow uri=20
2026-05-01T10:00:00Z 4 20 allow uri=20
2026-05-01T10:00:00Z 5 20 allow uri=20
2026-05-01T10:00:00Z 6 40 allow both=40
2026-05-01T10:00:00Z 8 5 allow static=5
2026-05-01T10:00:00Z 10 5 allow static=5
2026-05-01T10:00:00Z 11 5 allow static=5
identity subject requests flagged score action first reasons
address 192.0.2.1 12 8 40 allow 2026-05-01T10:00:00Z uri:4,static:3,both:1
12 lines: 12 scored, 8 flagged at 1 or more, 1 subjects
EOF


# what cannot be evaluated is named once

conf << 'EOF'
map $status $failed { volatile; 401 1; 200 $again; default ""; }
map $sent_http_location $again { volatile; /login 1; default ""; }
map $uri $captured { "~^/(.*)" $1; default ""; }
fraud_identity sid $cookie_sid kind=session;
fraud_identity user $upstream_http_x_user kind=account verified;
fraud_rate x sid rate=1r/m points=50;
fraud_rate y address rate=1r/m burst=100 per=sid factor=10 points=50;
fraud_rate z user rate=1r/m points=50;
fraud_rate w address rate=1r/m burst=100 if=$failed on=response points=50;
fraud_signal c if=$captured points=50;
fraud_signal g if=$fraud_country points=50;
fraud_travel t address speed=1000 points=50;
fraud_match ok $request_uri ^/bad points=55;
EOF

{
    log 0 192.0.2.1 "GET /bad" 401
    log 0 192.0.2.1 "GET /" 200
    log 0 192.0.2.1 "GET /" 404
} > "$T/log"

run
same "not evaluated: named" "$T/err" << 'EOF'
not evaluated: fraud_rate "x" needs $cookie_sid
not evaluated: per= of fraud_rate "y", its limit is not widened
not evaluated: fraud_rate "z" needs what its application vouches for (verified)
not evaluated for 1 of 3 requests: fraud_rate "w" needs $sent_http_location
not evaluated: fraud_signal "c" needs $1
not evaluated: fraud_signal "g" needs $fraud_country
not evaluated: fraud_travel "t" needs a database of "fraud_geo"
EOF
same "not evaluated: left out, the rest counts" "$T/out" << 'EOF'
identity subject requests flagged score action first reasons
address 192.0.2.1 3 1 55 allow 2026-05-01T10:00:00Z ok:1
3 lines: 3 scored, 1 flagged at 50 or more, 1 subjects
EOF


# accumulation, replacement by another file, off, locations

cat > "$T/rules.inc" << 'EOF'
fraud_match shell $request_uri shell points=50;
fraud_match dump  $request_uri dump points=50;
EOF

cat > "$T/nginx.conf" << 'EOF'
events { }
# the content of other modules is not looked at
stream { server { listen 1; } }
http {
    include rules*.inc;
    include none/*.inc;
    fraud_match shell $request_uri shell points=10;   # tuned
    log_format x "a;b{ ${status}" 'say "it"' a\;b ${status}x "\"";
    server {
        server_name one.example;
        fraud observe;
        fraud_match server $request_uri ^ points=1;
        location / { fraud_match root $request_uri ^ points=2; }
        location = /exact { fraud_signal server off; }
        location /off { fraud off; }
        location ~* \.PHP$ { fraud_match php $request_uri ^ points=4; }
        location ^~ /alone {
            fraud_match alone $request_uri ^ points=8;
            location /alone/in { fraud_match in $request_uri ^ points=16; }
        }
        location @named { fraud_match named $request_uri ^ points=32; }
    }
    server {
        server_name two.example *.two.example;
        fraud observe;
        fraud_signal dump off;
    }
}
EOF

{
    log 0 192.0.2.1 "GET /shell"
    log 0 192.0.2.1 "GET /dump"
    log 0 192.0.2.1 "GET /exact"
    log 0 192.0.2.1 "GET /exact/"
    log 0 192.0.2.1 "GET /off"
    log 0 192.0.2.1 "GET /a.php"
    log 0 192.0.2.1 "GET /alone/a.php"
    log 0 192.0.2.1 "GET /alone/in/a.php"
    log 0 192.0.2.1 "GET /%61lone"
    log 0 192.0.2.1 "GET /x/../alone"
} > "$T/log"

run -v --min-score 0
grep '^2' "$T/out" | cut -d ' ' -f 2,3,5 > "$T/scores"
same "locations" "$T/scores" << 'EOF'
1 13 shell=10,root=2,server=1
2 53 dump=50,root=2,server=1
3 0 
4 3 root=2,server=1
6 5 php=4,server=1
7 9 alone=8,server=1
8 25 in=16,alone=8,server=1
9 9 alone=8,server=1
10 9 alone=8,server=1
EOF
has "locations: off" "$T/out" "not scored: 1 where fraud is off"
has "servers: the first, said" "$T/err" "the first of 2; choose another with --server"

run --server two.example
has "servers: by name" "$T/out" "0 flagged"
lacks "servers: nothing to say" "$T/err" "choose another"


# a file of rules alone

cp "$T/rules.inc" "$T/nginx.conf"
run
has "rules without http" "$T/out" "dump:1"


# off everywhere is said

echo 'http { fraud_match dump $request_uri dump points=50; server { } }' \
    > "$T/nginx.conf"
run
has "off: said" "$T/err" '"fraud" is off for every request'


# a claimed login counts together with its own address

conf << 'EOF'
map $status $failed { volatile; 401 1; default ""; }
fraud_identity login $arg_user kind=account;
fraud_rate guess login rate=1r/m burst=2 if=$failed on=response points=60;
EOF

{
    log 0 192.0.2.66 "POST /login?user=eve" 401
    log 1 192.0.2.66 "POST /login?user=eve" 401
    log 2 192.0.2.66 "POST /login?user=eve" 401
    log 3 192.0.2.66 "POST /login?user=eve" 401
    log 4 192.0.2.1 "POST /login?user=eve" 200
    log 5 192.0.2.1 "POST /login?user=eve" 200
    log 6 192.0.2.66 "POST /login?user=bob" 401
} > "$T/log"

run -v
same "claimed: the guesser, not the owner" "$T/out" << 'EOF'
2026-05-01T10:00:03Z 4 60 allow guess=60
identity subject requests flagged score action first reasons
address 192.0.2.66 5 1 60 allow 2026-05-01T10:00:03Z guess:1
login eve 6 1 60 allow 2026-05-01T10:00:03Z guess:1
7 lines: 7 scored, 1 flagged at 50 or more, 2 subjects
EOF


# distinct: addresses are canonical, other values are not

conf << 'EOF'
fraud_distinct names address of=$arg_user max=2 window=10m points=50;
fraud_distinct hosts address of=$arg_ip max=1 window=10m points=20;
EOF

{
    log 0 192.0.2.1 "GET /?user=a"
    log 1 192.0.2.1 "GET /?user=a"
    log 2 192.0.2.1 "GET /?user=b"
    log 3 192.0.2.1 "GET /?user=c"
    log 4 192.0.2.1 "GET /"
    log 5 192.0.2.2 "GET /?ip=2001:db8::1"
    log 6 192.0.2.2 "GET /?ip=2001:0db8:0::1"
    log 7 192.0.2.2 "GET /?ip=198.51.100.7"
} > "$T/log"

run -v --min-score 1
grep '^2' "$T/out" | cut -d ' ' -f 2,5 > "$T/scores"
same "distinct" "$T/scores" << 'EOF'
4 names=50
8 hosts=20
EOF


# reputation: earned before, halving

conf << 'EOF'
fraud_match bad $request_uri ^/bad points=80;
fraud_match quiet $request_uri ^/quiet points=80 shadow;
fraud_reputation address half_life=1m weight=0.5 max=60;
fraud_action 30 delay=10ms;
fraud_action 50 drop;
EOF

{
    log 0 192.0.2.1 "GET /bad"
    log 0 192.0.2.1 "GET /"
    log 60 192.0.2.1 "GET /"
    log 600 192.0.2.1 "GET /"
    log 600 192.0.2.2 "GET /quiet"
    log 600 192.0.2.2 "GET /"
} > "$T/log"

run -v --min-score 1
grep '^2' "$T/out" | cut -d ' ' -f 2- > "$T/scores"
same "reputation" "$T/scores" << 'EOF'
1 80 drop bad=80
2 40 delay reputation.address=40
3 20 allow reputation.address=20
EOF


# lists and trust

printf '192.0.2.0/25\n' > "$T/trusted.net"
printf '198.51.100.0/24 # bad\n' > "$T/bad.net"
printf 'EvilBot\n' > "$T/bad.txt"

conf << 'EOF'
fraud_match bad $request_uri ^/bad points=80;
fraud_list network $remote_addr file=bad.net points=51;
fraud_list agent $http_user_agent file=bad.txt type=string points=52;
fraud_list friend $remote_addr file=trusted.net trust;
EOF

{
    log 0 192.0.2.1 "GET /bad"
    log 0 192.0.2.200 "GET /bad"
    log 0 198.51.100.1 "GET /"
    log 0 203.0.113.1 "GET /" 200 EvilBot
} > "$T/log"

run -v
grep '^2' "$T/out" | cut -d ' ' -f 2,5 > "$T/scores"
same "lists, trust" "$T/scores" << 'EOF'
2 bad=80
3 network=51
4 agent=52
EOF


# countries and travel

perl "$top/tests/mmdb.pl" "$T" || bail_out 'no MaxMind::DB::Writer'

conf << 'EOF'
fraud_geo city.mmdb;
fraud_geo asn.mmdb;
map "$fraud_country:$fraud_asn" $gb { GB:20712 1; default ""; }
fraud_identity device $arg_d kind=device;
fraud_signal gb if=$gb points=1;
fraud_travel travel device speed=1000 points=60;
EOF

{
    log 0 192.0.2.1 "GET /?d=a"
    log 60 81.2.69.1 "GET /?d=a"
    log 120 81.2.69.2 "GET /?d=a"
    log 180 81.2.69.2 "GET /?d=b"
    log 240 10.0.0.1 "GET /?d=b"
} > "$T/log"

run -v --min-score 1
grep '^2' "$T/out" | cut -d ' ' -f 2,5 > "$T/scores"
same "geo, travel" "$T/scores" << 'EOF'
2 travel=60,gb=1
3 gb=1
4 gb=1
EOF


# JSON lines

conf << 'EOF'
fraud_identity sid $cookie_sid kind=session;
fraud_rate s sid rate=1r/m points=50;
fraud_signal ctype if=$sent_http_content_type on=response points=0;
fraud_match ua $http_user_agent "\x22 q" points=60;
fraud_match uri $uri "^/a b$" points=70;
fraud_signal host if=$http_host points=5;
EOF

cat > "$T/log" << 'EOF'
{"time_iso8601":"2026-05-01T12:00:00+02:00","remote_addr":"192.0.2.1","request":"GET /%61%20b?x=1 HTTP/1.1","status":"200","http_user_agent":"a\u0022 q","http_cookie":"a=b; SID=one","sent_http_content_type":"text/html","nested":{"a":[1,"}",{}]},"n":null}
{"msec":1777629601.5, "remote_addr":"192.0.2.1","method":"GET","uri":"/x","args":"y=1","status":200,"http_user_agent":"","cookie_sid":"one","sent_http_content_type":"","http_host":"h"}
{"time":"01/May/2026:10:00:02 +0000","client_ip":"192.0.2.1","request_method":"GET","request_uri":"/","status":200,"user_agent":"x"}
{"remote_addr":"192.0.2.1","request":"GET / HTTP/1.1"}
{"time":1,"request":"GET / HTTP/1.1"
{"time":1} trailing
EOF

run -v
same "json lines" "$T/out" << 'EOF'
2026-05-01T10:00:00Z 1 100 allow uri=70,ua=60
2026-05-01T10:00:01Z 2 55 allow s=50,host=5
identity subject requests flagged score action first reasons
address 192.0.2.1 3 2 100 allow 2026-05-01T10:00:00Z host:1,s:1,ua:1,uri:1
sid one 2 2 100 allow 2026-05-01T10:00:00Z host:1,s:1,ua:1,uri:1
6 lines: 3 scored, 2 flagged at 50 or more, 2 subjects
not scored: 0 where fraud is off, 0 malformed requests, 3 lines of no known format, 0 too long
EOF
same "json lines: keys that lines lack" "$T/err" << 'EOF'
not evaluated for 1 of 3 requests: fraud_rate "s" needs $cookie_sid
not evaluated for 1 of 3 requests: fraud_signal "ctype" needs $sent_http_content_type
not evaluated for 2 of 3 requests: fraud_signal "host" needs $http_host
EOF


# awkward lines: what is read, what nginx refused itself, what is no line

conf << 'EOF'
fraud_match agent $http_user_agent "^a\x22b\\\\\xff$" points=11;
fraud_match none $http_user_agent ^$ points=12;
fraud_match path $uri "^/etc/passwd$" points=13;
fraud_match user $remote_user "^al ice$" points=14;
fraud_match proxy $request "^GET http://" points=15;
fraud_match old $server_protocol "^HTTP/0\.9$" points=16;
fraud_match referer $http_referer "^http://x/\"$" points=17;
fraud_match query $args "^a=\?b$" points=18;
EOF

t='[01/May/2026:10:00:00 +0000]'
{
    printf '%s\n' "192.0.2.1 - - $t \"GET / HTTP/1.1\" 200 1 \"-\" \"a\\x22b\\x5C\\xFF\""
    printf '%s\n' "192.0.2.1 - - $t \"GET / HTTP/1.1\" 200 1 \"-\" \"-\""
    printf '%s\n' "192.0.2.1 - - $t \"GET //x/..//./etc%2Fpasswd?y HTTP/1.1\" 200 1 \"-\" \"x\" 0.005 extra"
    printf '%s\n' "192.0.2.1 - al ice $t \"GET / HTTP/1.1\" 200 1 \"-\" \"x\""
    printf '%s\n' "192.0.2.1 - - $t \"GET http://h.example:80/ HTTP/1.1\" 200 - \"-\" \"x\""
    printf '%s\n' "192.0.2.1 - - $t \"GET /\" 200 1 \"-\" \"x\""
    printf '%s\n' "192.0.2.1 - - $t \"GET / HTTP/2.0\" 200 1 \"http://x/\\\"\" \"x\""
    printf '%s\n' "192.0.2.1 - - $t \"GET /?a=?b#c HTTP/1.1\" 200 1 \"-\" \"x\""
    printf '%s\r\n' "unix: - - $t \"GET / HTTP/1.1\" 200 1"
    # refused by nginx
    printf '%s\n' "192.0.2.1 - - $t \"-\" 400 0 \"-\" \"-\""
    printf '%s\n' "192.0.2.1 - - $t \"\" 400 0 \"-\" \"-\""
    printf '%s\n' "192.0.2.1 - - $t \"\\x16\\x03\\x01\" 400 0 \"-\" \"-\""
    printf '%s\n' "192.0.2.1 - - $t \"GET /../../etc/passwd HTTP/1.1\" 400 0 \"-\" \"-\""
    printf '%s\n' "192.0.2.1 - - $t \"GET /%%zz HTTP/1.1\" 400 0 \"-\" \"-\""
    printf '%s\n' "192.0.2.1 - - $t \"GET /%00 HTTP/1.1\" 400 0 \"-\" \"-\""
    printf '%s\n' "192.0.2.1 - - $t \"CONNECT h:443 HTTP/1.1\" 400 0 \"-\" \"-\""
    # no lines of a log
    printf '\n\0\n{}\n{\n"\n'
    printf '%s\n' "192.0.2.1 - - $t"
    printf '%s\n' "192.0.2.1 - - $t \"GET / HTTP/1.1"
    printf '%s\n' "192.0.2.1 - - $t \"GET / HTTP/1.1\" 2000 1 \"-\" \"x\""
    printf '%s\n' "192.0.2.1 - - [32/May/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"x\""
    printf '%s\n' "192.0.2.1 - - $t \"GET / HTTP/1.1\" 200 1 \"-\" \"x"
} > "$T/log"

run -v --min-score 1
same "awkward lines" "$T/out" << 'EOF'
2026-05-01T10:00:00Z 1 11 allow agent=11
2026-05-01T10:00:00Z 2 12 allow none=12
2026-05-01T10:00:00Z 3 13 allow path=13
2026-05-01T10:00:00Z 4 14 allow user=14
2026-05-01T10:00:00Z 5 15 allow proxy=15
2026-05-01T10:00:00Z 6 16 allow old=16
2026-05-01T10:00:00Z 7 17 allow referer=17
2026-05-01T10:00:00Z 8 18 allow query=18
identity subject requests flagged score action first reasons
address 192.0.2.1 8 8 18 allow 2026-05-01T10:00:00Z agent:1,none:1,old:1,path:1,proxy:1,query:1,referer:1,user:1
26 lines: 9 scored, 8 flagged at 1 or more, 1 subjects
not scored: 0 where fraud is off, 7 malformed requests, 10 lines of no known format, 0 too long
EOF
ok "$status" "awkward lines: exit status 0"

# 65536 bytes are a line, one more is none
head="192.0.2.1 - - $t \"GET /"
tail=" HTTP/1.1\" 200 1 \"-\" \"-\""
for more in 0 1; do
    printf '%s' "$head"
    head -c $((65536 + more - ${#head} - ${#tail})) /dev/zero | tr '\0' a
    printf '%s\n' "$tail"
done > "$T/log"
log 0 192.0.2.1 "GET /" 200 "" >> "$T/log"

run
has "long lines" "$T/out" "3 lines: 2 scored"
has "long lines: counted" "$T/out" "1 too long"

# the last line may lack its end, and the log all lines
log 0 192.0.2.1 "GET /" 200 - | tr -d '\n' > "$T/log"
run
has "no line feed at the end" "$T/out" "1 lines: 1 scored"
: > "$T/log"
run
has "empty log" "$T/out" "0 lines: 0 scored"

# what is shown obeys no terminal
conf << 'EOF'
fraud_identity agent $http_user_agent kind=device;
fraud_match all $request_uri ^ points=50;
EOF
log 0 192.0.2.1 "GET /" 200 '\x1B[2J\x5C é' > "$T/log"
run
has "terminal: escaped" "$T/out" 'agent \x1b[2J\x5c\x20\xc3\xa9 1 1 50'


# an old line after newer ones is said

{
    log 300 192.0.2.1 "GET /"
    log 0 192.0.2.1 "GET /"
} > "$T/log"
run
has "out of order: said" "$T/err" "1 lines are more than a minute older"


# configurations that are no good

log 0 192.0.2.1 "GET /" > "$T/log"

# bad TEXT MESSAGE: TEXT in http ends with status 2 and MESSAGE
bad() {
    printf '%s\n' "$1" | conf
    run

    if [ "$status" = 2 ] && [ ! -s "$T/out" ] && grep -qF -- "$2" "$T/err"; then
        ok 0 "bad configuration: $2"
    else
        ok 1 "bad configuration: $2"
        sed 's/^/# /' "$T/err"
    fi
}

bad 'fraud_rate a address rate=1r/x points=5;' 'invalid "rate=1r/x", use'
bad 'fraud_rate a address points=5;' '"a" has no rate'
bad 'fraud_rate a nobody rate=1r/s points=5;' 'unknown identity "nobody"'
bad 'fraud_rate a address rate=1r/s points=5 blah;' 'unknown parameter "blah"'
bad 'fraud_rate "a b" address rate=1r/s points=5;' '"a b"'
bad 'fraud_signal a points=5; fraud_signal a points=6;' 'declared twice in one file'
bad 'fraud_identity a $arg_a; fraud_identity a $arg_b;' 'declared twice in one file'
bad 'fraud_identity score $arg_a;' 'is a key of the security log'
bad 'fraud_identity a $arg_a kind=king;' 'unknown kind "king"'
bad 'fraud_identity a $arg_a kind=session verified;' 'verified but no account'
bad 'fraud_identity a $arg_a ipv4=24;' 'is not an address'
bad 'fraud_signal a off;' 'unknown signal "a" cannot be switched off'
bad 'fraud_action 0 deny;' 'invalid score "0"'
bad 'fraud_action 50 dance;' 'invalid action "dance"'
bad 'fraud_action 50 deny; fraud_action 50 drop;' 'has an action in this block already'
bad 'fraud_action 50 drop status=404;' 'take "status="'
bad 'fraud maybe;' 'invalid mode "maybe"'
bad 'fraud_zone z 10;' 'invalid size "10"'
bad 'fraud_match a $uri "(" points=5;' 'invalid pattern "("'
bad 'fraud_match a $uri file=none points=5;' 'No such file'
bad 'fraud_list a $remote_addr file=bad.txt points=5;' 'in line 1 of'
bad 'fraud_match a "${uri" x points=5;' 'closing brace is missing'
bad 'fraud_match a "a$" x points=5;' 'invalid variable name'
bad 'fraud_status json;' '"fraud_status" directive is not allowed here'
bad 'fraud_wrong 1;' 'unknown directive "fraud_wrong"'
bad 'types { fraud observe; }' 'not allowed here'
bad 'map $uri $x { a 1; A 2; }' 'conflicting parameter "a"'
bad 'map $uri $x { "~(" 1; }' 'invalid pattern "("'
bad 'map $uri $x { default 1; default 2; }' 'duplicate default map parameter'
bad 'map $uri $x { a b c; }' 'invalid number of the map parameters'
bad 'map $uri x { a b; }' '"map" takes a source, a $variable and a block'
bad 'include none.conf;' 'cannot read'
bad 'include nginx.conf;' 'files include each other'
bad 'fraud_geo bad.txt;' '"fraud_geo"'
bad 'a "b"c;' 'unexpected "c"'
bad 'a "b' 'unexpected'
bad '}' 'unexpected "}"'
bad 'a {' 'unexpected end of file'
bad ';' 'unexpected ";"'

bad 'fraud_signal a points=5;
fraud_signal b points=500;' "in $T/nginx.conf:4"


# usage

# refuses NAME MESSAGE ARGUMENT...
refuses() {
    name=$1
    message=$2
    shift 2
    "$ctl" "$@" > "$T/out" 2> "$T/err" < /dev/null
    [ $? = 2 ] && grep -qF -- "$message" "$T/err"
    ok $? "usage: $name"
}

echo 'http { server { fraud observe; } }' > "$T/nginx.conf"

refuses "no verb" "usage: fraudctl VERB"
refuses "unknown verb" 'unknown verb "dance"' dance
refuses "no log" "explain needs a log" explain
refuses "two logs" "one log at a time" explain a b
refuses "unknown option" 'unknown option "--dance"' explain --dance x
refuses "missing value" "-c needs a value" explain -c
refuses "score" 'invalid --min-score "101"' explain --min-score 101 x
refuses "no configuration" "cannot read" explain -c "$T/none" x
refuses "no such log" "cannot read" explain -c "$T/nginx.conf" "$T/none"
refuses "no such server" 'no server with the server_name "x"' \
    explain -c "$T/nginx.conf" --server x "$T/log"

"$ctl" help > "$T/out" 2>&1 \
    && grep -qF "explain [-c NGINX.CONF]" "$T/out"
ok $? "usage: help"


finish
