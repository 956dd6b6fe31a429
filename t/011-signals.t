use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use Directives;

repeat_each(1);

plan tests => repeat_each() * (blocks() * 2 + 3);

no_long_string();

run_tests();

__DATA__

=== TEST 1: every form of a rate is accepted
--- http_config
    fraud observe;
    fraud_identity login $arg_user;
    fraud_rate a address rate=1r/d points=0;
    fraud_rate b address rate=1000000r/s burst=1000000000 points=100;
    fraud_rate c login rate=100r/m burst=0 cost=0 points=1 shadow;
    fraud_rate d login rate=100r/h cost=$arg_cost points=1 on=request;
    fraud_rate E_5 login points=1 on=response if=$arg_x$arg_y rate=1r/d;
    fraud_rate a23456789_123456789_123456789_12 address rate=1r/s points=1;
--- error_code: 200



=== TEST 2: a rate has a rate
--- http_config
    fraud_rate flood address burst=5 points=50;
--- must_die
--- error_log
"fraud_rate": signal "flood" has no rate, add e.g. "rate=10r/s"



=== TEST 3: a rate of 0 is refused
--- http_config
    fraud_rate flood address rate=0r/s points=50;
--- must_die
--- error_log
"fraud_rate": invalid "rate=0r/s", use Nr/s, Nr/m, Nr/h or Nr/d, from 1r/d to 1000000r/s



=== TEST 4: a rate has a unit
--- http_config
    fraud_rate flood address rate=10 points=50;
--- must_die
--- error_log
"fraud_rate": invalid "rate=10", use Nr/s, Nr/m, Nr/h or Nr/d, from 1r/d to 1000000r/s



=== TEST 5: a rate is a whole number
--- http_config
    fraud_rate flood address rate=0.5r/s points=50;
--- must_die
--- error_log
"fraud_rate": invalid "rate=0.5r/s", use Nr/s, Nr/m, Nr/h or Nr/d, from 1r/d to 1000000r/s



=== TEST 6: a rate of more than one a microsecond is refused
--- http_config
    fraud_rate flood address rate=1000001r/s points=50;
--- must_die
--- error_log
"fraud_rate": signal "flood" has a rate or burst over range, use at most 1000000r/s and a burst that fills within 140 years



=== TEST 7: a burst that takes too long to drain is refused
--- http_config
    fraud_rate flood address rate=1r/d burst=53000 points=50;
--- must_die
--- error_log
"fraud_rate": signal "flood" has a rate or burst over range, use at most 1000000r/s and a burst that fills within 140 years



=== TEST 8: a burst is a number
--- http_config
    fraud_rate flood address rate=1r/s burst=-1 points=50;
--- must_die
--- error_log
"fraud_rate": invalid "burst=-1", use a number of requests



=== TEST 9: a burst over 32 bits is refused
--- http_config
    fraud_rate flood address rate=1r/s burst=4294967295 points=50;
--- must_die
--- error_log
"fraud_rate": invalid "burst=4294967295", use a number of requests



=== TEST 10: a cost is a number or a variable
--- http_config
    fraud_rate flood address rate=1r/s cost=two points=50;
--- must_die
--- error_log
"fraud_rate": invalid "cost=two", use a number or a variable



=== TEST 11: a signal has points
--- http_config
    fraud_rate flood address rate=1r/s;
--- must_die
--- error_log
"fraud_rate": signal "flood" has no points, add "points=" 0 to 100



=== TEST 12: points are at most 100
--- http_config
    fraud_rate flood address rate=1r/s points=101;
--- must_die
--- error_log
"fraud_rate": invalid "points=101", use 0 to 100



=== TEST 13: points are not negative
--- http_config
    fraud_rate flood address rate=1r/s points=-1;
--- must_die
--- error_log
"fraud_rate": invalid "points=-1", use 0 to 100



=== TEST 14: points are a whole number
--- http_config
    fraud_rate flood address rate=1r/s points=1.5;
--- must_die
--- error_log
"fraud_rate": invalid "points=1.5", use 0 to 100



=== TEST 15: points are not empty
--- http_config
    fraud_rate flood address rate=1r/s points=;
--- must_die
--- error_log
"fraud_rate": invalid "points=", use 0 to 100



=== TEST 16: a signal is charged on request or on response
--- http_config
    fraud_rate flood address rate=1r/s on=log points=50;
--- must_die
--- error_log
"fraud_rate": invalid "on=log", use "request" or "response"



=== TEST 17: unknown parameter of a rate
--- http_config
    fraud_rate flood address rate=1r/s points=50 nocase;
--- must_die
--- error_log
"fraud_rate": unknown parameter "nocase", see the table of directives in README.md



=== TEST 18: a signal's name has letters, digits and "_" only
--- http_config
    fraud_rate flood.1 address rate=1r/s points=50;
--- must_die
--- error_log
"fraud_rate": invalid name "flood.1", use a name of 1 to 32 letters, digits and "_"



=== TEST 19: a signal's name has at most 32 characters
--- http_config
    fraud_rate a23456789_123456789_123456789_123 address rate=1r/s points=50;
--- must_die
--- error_log
"fraud_rate": invalid name "a23456789_123456789_123456789_123", use a name of 1 to 32 letters, digits and "_"



=== TEST 20: a rate names an identity that exists
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- user_files
>>> rules.conf
# rules
fraud_rate flood login rate=1r/s points=50;
--- must_die
--- error_log
"fraud_rate": unknown identity "login", declare it with "fraud_identity" in the same block or an outer one in $TEST_NGINX_SERVER_ROOT/html/rules.conf:2



=== TEST 21: an identity of an inner block is unknown outside
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- config
    fraud_identity login $arg_user;
--- user_files
>>> rules.conf
fraud_rate flood login rate=1r/s points=50;
--- must_die
--- error_log
"fraud_rate": unknown identity "login", declare it with "fraud_identity" in the same block or an outer one in $TEST_NGINX_SERVER_ROOT/html/rules.conf:1
