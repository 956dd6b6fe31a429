use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use Directives;

repeat_each(1);

plan tests => repeat_each() * (blocks() * 2 + 66);

no_long_string();

run_tests();

__DATA__

=== TEST 1: every form of an identity is accepted
--- http_config
    fraud observe;
    fraud_identity a $arg_a;
    fraud_identity b $cookie_b kind=session;
    fraud_identity c "$arg_a:$arg_b" kind=device;
    fraud_identity d $arg_a kind=account;
    fraud_identity e $http_x_client kind=address ipv4=1 ipv6=1;
    fraud_identity f $http_x_client ipv4=32 ipv6=128 kind=address;
    fraud_identity address $remote_addr kind=address ipv4=24 ipv6=56;
    fraud_identity A23456789_123456789_123456789_12 ${arg_a};
--- error_code: 200



=== TEST 2: an identity's name has letters, digits and "_" only
--- http_config
    fraud_identity $arg_a $arg_a;
--- must_die
--- error_log
"fraud_identity": invalid name "$arg_a", use 1 to 32 letters, digits and "_"



=== TEST 3: an identity's name is not one of the log's
--- http_config
    fraud_identity score $arg_a;
--- must_die
--- error_log
"fraud_identity": name "score" is a key of the security log, use another



=== TEST 4: an identity is of a known kind
--- http_config
    fraud_identity login $arg_a kind=user;
--- must_die
--- error_log
"fraud_identity": unknown kind "user", use "address", "session", "device" or "account"



=== TEST 5: unknown parameter of an identity
--- http_config
    fraud_identity login $arg_a points=5;
--- must_die
--- error_log
"fraud_identity": unknown parameter "points=5", use "kind=", "ipv4=", "ipv6=" or "verified"



=== TEST 6: an IPv4 prefix is not 0
--- http_config
    fraud_identity net $arg_a kind=address ipv4=0;
--- must_die
--- error_log
"fraud_identity": invalid prefix length "ipv4=0", use 1 to 32



=== TEST 7: an IPv4 prefix has at most 32 bits
--- http_config
    fraud_identity net $arg_a kind=address ipv4=33;
--- must_die
--- error_log
"fraud_identity": invalid prefix length "ipv4=33", use 1 to 32



=== TEST 8: an IPv6 prefix has at most 128 bits
--- http_config
    fraud_identity net $arg_a kind=address ipv6=129;
--- must_die
--- error_log
"fraud_identity": invalid prefix length "ipv6=129", use 1 to 128



=== TEST 9: a prefix is a number
--- http_config
    fraud_identity net $arg_a kind=address ipv6=/64;
--- must_die
--- error_log
"fraud_identity": invalid prefix length "ipv6=/64", use 1 to 128



=== TEST 10: only an address has a prefix
--- http_config
    fraud_identity login $arg_a ipv4=24;
--- must_die
--- error_log
"fraud_identity": "login" has a prefix length but is not an address, add "kind=address"



=== TEST 11: an identity has a value
--- http_config
    fraud_identity login;
--- must_die
--- error_log
invalid number of arguments in "fraud_identity" directive



=== TEST 12: 63 identities beside the address are accepted
--- http_config
    fraud observe;
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- user_files eval
[["rules.conf", CORE::join "", map { "fraud_identity i$_ \$arg_a;\n" } 1 .. 63]]



=== TEST 13: at most 64 identities have a name
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- user_files eval
[["rules.conf", CORE::join "", map { "fraud_identity i$_ \$arg_a;\n" } 1 .. 65]]
--- must_die
--- error_log
"fraud_identity": "i65" is one name too many, at most 64 are possible with "address" and for each policy, use fewer in $TEST_NGINX_SERVER_ROOT/html/rules.conf:65



=== TEST 14: an identity twice in one file is refused
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- user_files
>>> rules.conf
fraud_identity login $arg_a;
fraud_identity user $arg_b;
fraud_identity login $arg_b;
--- must_die
--- error_log
"fraud_identity": "login" is declared twice in one file, first in line 1, remove one or rename it in $TEST_NGINX_SERVER_ROOT/html/rules.conf:3



=== TEST 15: a signal twice in one file is refused
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- user_files
>>> rules.conf
# rules
fraud_signal bot if=$arg_a points=5;
fraud_match bot $uri x points=5;
--- must_die
--- error_log
"fraud_match": "bot" is declared twice in one file, first in line 2, remove one or rename it in $TEST_NGINX_SERVER_ROOT/html/rules.conf:3



=== TEST 16: a signal declared and switched off in one block is refused
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- user_files
>>> rules.conf
fraud_signal bot points=5;
fraud_signal bot off;
--- must_die
--- error_log
"fraud_signal": "bot" is declared twice in one file, first in line 1, remove one or rename it in $TEST_NGINX_SERVER_ROOT/html/rules.conf:2



=== TEST 17: a reputation twice in one file is refused
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- user_files
>>> rules.conf
fraud_reputation address half_life=1h;
fraud_reputation address half_life=4h;
--- must_die
--- error_log
"fraud_reputation": "reputation.address" is declared twice in one file, first in line 1, remove one or rename it in $TEST_NGINX_SERVER_ROOT/html/rules.conf:2



=== TEST 18: a signal of another file is replaced
--- http_config
    fraud observe;
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
    fraud_signal bot points=7;
--- config
    location = /index.html {
        add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    }
--- user_files
>>> rules.conf
fraud_signal bot points=50;
fraud_signal other points=1;
--- request
GET /index.html
--- response_headers
X-Fraud: 8 [bot=7,other=1]
--- error_code: 200



=== TEST 19: a signal of another file is switched off in the same block
--- http_config
    fraud observe;
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
    fraud_signal bot off;
--- config
    location = /index.html {
        add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    }
--- user_files
>>> rules.conf
fraud_signal bot points=50;
fraud_signal other points=1;
--- request
GET /index.html
--- response_headers
X-Fraud: 1 [other=1]
--- error_code: 200



=== TEST 20: a signal of an outer block is replaced in an inner one
--- http_config
    fraud observe;
    fraud_signal bot points=50;
--- config
    fraud_signal bot points=9;
    location = /index.html {
        add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    }
--- request
GET /index.html
--- response_headers
X-Fraud: 9 [bot=9]
--- error_code: 200



=== TEST 21: an identity of another file and of an outer block is replaced
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
    fraud_identity login $arg_b kind=device;
    fraud_rate once login rate=1r/d points=30;
--- config
    location = /index.html {
        fraud observe;
        add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    }

    location = /inner.html {
        fraud observe;
        fraud_identity login $arg_c kind=device;
        add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    }
--- user_files
>>> rules.conf
fraud_identity login $arg_a kind=device;
>>> inner.html
inner
--- request eval
["GET /index.html?a=x", "GET /index.html?a=x",
 "GET /index.html?b=y", "GET /inner.html?b=y&c=z", "GET /inner.html?c=y"]
--- response_headers eval
["X-Fraud: 0 []", "X-Fraud: 0 []",
 "X-Fraud: 0 []", "X-Fraud: 0 []", "X-Fraud: 30 [once=30]"]
--- error_code eval
[200, 200, 200, 200, 200]



=== TEST 22: a signal twice in one file is refused, also if an included one was between
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/outer.conf;
--- user_files eval
[["outer.conf", "fraud_signal bot points=5;\n"
                . "include $ENV{TEST_NGINX_SERVROOT}/html/inner.conf;\n"
                . "fraud_signal bot points=7;\n"],
 ["inner.conf", "fraud_signal bot points=6;\n"]]
--- must_die
--- error_log
"fraud_signal": "bot" is declared twice in one file, first in line 1, remove one or rename it in $TEST_NGINX_SERVER_ROOT/html/outer.conf:3



=== TEST 23: the same of an identity
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/outer.conf;
--- user_files eval
[["outer.conf", "fraud_identity login \$arg_a;\n"
                . "include $ENV{TEST_NGINX_SERVROOT}/html/inner.conf;\n"
                . "fraud_identity login \$arg_b;\n"],
 ["inner.conf", "fraud_identity login \$arg_c;\n"]]
--- must_die
--- error_log
"fraud_identity": "login" is declared twice in one file, first in line 1, remove one or rename it in $TEST_NGINX_SERVER_ROOT/html/outer.conf:3



=== TEST 24: a file that is included twice declares twice
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- user_files
>>> rules.conf
fraud_signal bot points=5;
--- must_die
--- error_log
"fraud_signal": "bot" is declared twice in one file, first in line 1, remove one or rename it in $TEST_NGINX_SERVER_ROOT/html/rules.conf:1



=== TEST 25: a reputation of another file is replaced
--- http_config
    fraud observe;
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
    fraud_reputation address half_life=30d max=7;
--- config
    location = /index.html {
        fraud_signal bot points=50;
        add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    }
--- user_files
>>> rules.conf
fraud_reputation address half_life=1h max=100;
--- request eval
["GET /index.html", "GET /index.html"]
--- response_headers eval
["X-Fraud: 50 [bot=50]", "X-Fraud: 57 [bot=50,reputation.address=7]"]
--- error_code eval
[200, 200]



=== TEST 26: a reputation is switched off by the name it has in reasons
--- http_config
    fraud observe;
    fraud_reputation address half_life=30d;
--- config
    fraud_signal reputation.address off;
    location = /index.html {
        fraud_signal bot points=50;
        add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    }
--- request eval
["GET /index.html", "GET /index.html"]
--- response_headers eval
["X-Fraud: 50 [bot=50]", "X-Fraud: 50 [bot=50]"]
--- error_code eval
[200, 200]
