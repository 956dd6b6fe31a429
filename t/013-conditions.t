use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use Directives;

repeat_each(1);

plan tests => repeat_each() * (blocks() * 2 + 7);

no_long_string();

run_tests();

__DATA__

=== TEST 1: every form of a condition and a reputation is accepted
--- http_config
    fraud observe;
    fraud_identity session $cookie_sid kind=session;
    fraud_reputation address half_life=1s weight=0.001 max=0;
    fraud_reputation session half_life=365d weight=100 max=100;
    fraud_signal a points=100;
    fraud_signal b if=$arg_b points=0 on=request shadow;
    fraud_signal c on=response points=5 if=$status;
--- config
    fraud_signal a off;
    fraud_signal reputation_a if=1 points=1;
--- error_code: 200



=== TEST 2: a condition has points
--- http_config
    fraud_signal trap if=$arg_x;
--- must_die
--- error_log
"fraud_signal": signal "trap" has no points, add "points=" 0 to 100



=== TEST 3: a condition's points are at most 100
--- http_config
    fraud_signal trap points=1000;
--- must_die
--- error_log
"fraud_signal": invalid "points=1000", use 0 to 100



=== TEST 4: a condition is on request or on response
--- http_config
    fraud_signal trap points=1 on=;
--- must_die
--- error_log
"fraud_signal": invalid "on=", use "request" or "response"



=== TEST 5: unknown parameter of a condition
--- http_config
    fraud_signal trap points=1 rate=1r/s;
--- must_die
--- error_log
"fraud_signal": unknown parameter "rate=1r/s", see the table of directives in README.md



=== TEST 6: a condition's name has letters, digits and "_" only
--- http_config
    fraud_signal my-trap points=1;
--- must_die
--- error_log
"fraud_signal": invalid name "my-trap", use a name of 1 to 32 letters, digits and "_"



=== TEST 7: off takes nothing more
--- http_config
    fraud_signal trap points=1;
    server {
        fraud_signal trap off points=0;
    }
--- must_die
--- error_log
"fraud_signal": invalid "points=0", remove it, "off" stands alone



=== TEST 8: a reputation has a half-life
--- http_config
    fraud_reputation address max=60;
--- must_die
--- error_log
"fraud_reputation": signal "address" has no half-life, add e.g. "half_life=4h"



=== TEST 9: a half-life is not 0
--- http_config
    fraud_reputation address half_life=0;
--- must_die
--- error_log
"fraud_reputation": invalid "half_life=0", use a time from 1s to 365d



=== TEST 10: a half-life is at most a year
--- http_config
    fraud_reputation address half_life=366d;
--- must_die
--- error_log
"fraud_reputation": invalid "half_life=366d", use a time from 1s to 365d



=== TEST 11: a weight is at most 100
--- http_config
    fraud_reputation address half_life=4h weight=100.001;
--- must_die
--- error_log
"fraud_reputation": invalid "weight=100.001", use 0 to 100 with up to 3 decimals



=== TEST 12: a weight has at most 3 decimals
--- http_config
    fraud_reputation address half_life=4h weight=0.0001;
--- must_die
--- error_log
"fraud_reputation": invalid "weight=0.0001", use 0 to 100 with up to 3 decimals



=== TEST 13: a reputation counts at most 100
--- http_config
    fraud_reputation address half_life=4h max=101;
--- must_die
--- error_log
"fraud_reputation": invalid "max=101", use 0 to 100



=== TEST 14: unknown parameter of a reputation
--- http_config
    fraud_reputation address half_life=4h points=5;
--- must_die
--- error_log
"fraud_reputation": unknown parameter "points=5", see the table of directives in README.md



=== TEST 15: a reputation's name is an identity's
--- http_config
    fraud_reputation $addr half_life=4h;
--- must_die
--- error_log
"fraud_reputation": invalid name "$addr", use a name of 1 to 32 letters, digits and "_"



=== TEST 16: a reputation is declared in http
--- config
    fraud_reputation address half_life=4h;
--- must_die
--- error_log
"fraud_reputation" directive is not allowed here



=== TEST 17: a reputation names an identity that exists
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- user_files
>>> rules.conf
fraud_reputation login half_life=4h;
--- must_die
--- error_log
"fraud_reputation": unknown identity "login", declare it with "fraud_identity" in the same block or an outer one in $TEST_NGINX_SERVER_ROOT/html/rules.conf:1



=== TEST 18: a signal that is nowhere declared cannot be switched off
--- config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- user_files
>>> rules.conf
# rules

fraud_signal trap off;
--- must_die
--- error_log
"fraud_signal": unknown signal "trap" cannot be switched off, remove the line or correct the name in $TEST_NGINX_SERVER_ROOT/html/rules.conf:3



=== TEST 19: a signal of an inner block cannot be switched off outside
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- config
    fraud_signal trap points=5;
--- user_files
>>> rules.conf
fraud_signal trap off;
--- must_die
--- error_log
"fraud_signal": unknown signal "trap" cannot be switched off, remove the line or correct the name in $TEST_NGINX_SERVER_ROOT/html/rules.conf:1



=== TEST 20: 512 signals in one block and 256 rates are accepted
--- http_config
    fraud observe;
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- config
    location = /index.html {
        add_header X-Score "$fraud_score" always;
    }
--- user_files eval
[["rules.conf", CORE::join "", map {
    "fraud_signal a$_ points=1;\n"
    . "fraud_rate b$_ address rate=1000r/s points=1;\n" } 1 .. 256]]
--- request
GET /index.html
--- response_headers
X-Score: 100
--- error_code: 200



=== TEST 21: more than 512 signals in one block are refused
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- user_files eval
[["rules.conf", CORE::join "", map { "fraud_signal s$_ points=1;\n" } 1 .. 513]]
--- must_die
--- error_log
"fraud_signal": 513 signals of all kinds in force in one block, at most 512 are possible, use pattern files



=== TEST 22: more than 256 rates are refused
--- http_config
    fraud observe;
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- user_files eval
[["rules.conf",
  CORE::join "", map { "fraud_rate s$_ address rate=1r/s points=1;\n" } 1 .. 257]]
--- must_die
--- error_log
"fraud_identity": "address" has one stateful signal too many, at most 256 are possible in all, use fewer
