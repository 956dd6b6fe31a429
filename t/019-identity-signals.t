use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use Directives;

repeat_each(1);

plan tests => repeat_each() * (blocks() * 2 + 3);

no_long_string();

run_tests();

__DATA__

=== TEST 1: every form of these signals and identities is accepted
--- http_config
    fraud observe;
    fraud_session sid session path=/ domain=example.com samesite=none;
    fraud_identity account $upstream_http_x_account verified kind=account;
    fraud_identity login $arg_user;
    fraud_distinct a address of=$arg_a max=1 window=1s points=0;
    fraud_distinct b login of=$remote_addr max=1000 window=30d points=100
                   if=$arg_b on=response shadow;
    fraud_distinct c account "of=$arg_a $arg_b" max=10 window=1h30m points=1
                   on=request;
    fraud_travel d session speed=1 distance=1 points=0;
    fraud_travel e account speed=1000000 distance=20000 points=100 shadow;
    fraud_rate f address rate=1r/s per=session factor=1 points=1;
    fraud_rate g address rate=1r/s burst=5 factor=1000 per=account points=1;
--- config
    fraud_session other persistent;
    location = /index.html { fraud_session _1 samesite=strict path=/; }
    location /control { fraud_control; }



=== TEST 2: a distinct counts something
--- http_config
    fraud_distinct d address max=10 window=10m points=5;
--- must_die
--- error_log
"fraud_distinct": signal "d" counts nothing, add e.g. "of=$remote_addr"



=== TEST 3: what it counts is not empty
--- http_config
    fraud_distinct d address of= max=10 window=10m points=5;
--- must_die
--- error_log
"fraud_distinct": invalid "of=", use a value, e.g. $remote_addr



=== TEST 4: a distinct has a maximum
--- http_config
    fraud_distinct d address of=$arg_a window=10m points=5;
--- must_die
--- error_log
"fraud_distinct": signal "d" has no maximum, add e.g. "max=10"



=== TEST 5: a maximum is not 0
--- http_config
    fraud_distinct d address of=$arg_a max=0 window=10m points=5;
--- must_die
--- error_log
"fraud_distinct": invalid "max=0", use 1 to 1000



=== TEST 6: a maximum is at most 1000
--- http_config
    fraud_distinct d address of=$arg_a max=1001 window=10m points=5;
--- must_die
--- error_log
"fraud_distinct": invalid "max=1001", use 1 to 1000



=== TEST 7: a distinct has a window
--- http_config
    fraud_distinct d address of=$arg_a max=10 points=5;
--- must_die
--- error_log
"fraud_distinct": signal "d" has no window, add e.g. "window=10m"



=== TEST 8: a window is not shorter than a second
--- http_config
    fraud_distinct d address of=$arg_a max=10 window=999ms points=5;
--- must_die
--- error_log
"fraud_distinct": invalid "window=999ms", use a time from 1s to 30d



=== TEST 9: a window is not longer than 30 days
--- http_config
    fraud_distinct d address of=$arg_a max=10 window=721h points=5;
--- must_die
--- error_log
"fraud_distinct": invalid "window=721h", use a time from 1s to 30d



=== TEST 10: a window is a time
--- http_config
    fraud_distinct d address of=$arg_a max=10 window=day points=5;
--- must_die
--- error_log
"fraud_distinct": invalid "window=day", use a time from 1s to 30d



=== TEST 11: a distinct has points
--- http_config
    fraud_distinct d address of=$arg_a max=10 window=1h;
--- must_die
--- error_log
"fraud_distinct": signal "d" has no points, add "points=" 0 to 100



=== TEST 12: a condition of a distinct is not empty
--- http_config
    fraud_distinct d address of=$arg_a max=10 window=1h points=5 if=;
--- must_die
--- error_log
"fraud_distinct": invalid "if=", use a value



=== TEST 13: a distinct is counted on request or on response
--- http_config
    fraud_distinct d address of=$arg_a max=10 window=1h points=5 on=log;
--- must_die
--- error_log
"fraud_distinct": invalid "on=log", use "request" or "response"



=== TEST 14: unknown parameter of a distinct
--- http_config
    fraud_distinct d address of=$arg_a max=10 window=1h points=5 burst=1;
--- must_die
--- error_log
"fraud_distinct": unknown parameter "burst=1", see the table of directives in README.md



=== TEST 15: a parameter twice
--- http_config
    fraud_distinct d address of=$arg_a max=10 max=20 window=1h points=5;
--- must_die
--- error_log
"fraud_distinct": invalid "max=20", remove it, it is there twice



=== TEST 16: a name with a "-"
--- http_config
    fraud_distinct a-b address of=$arg_a max=10 window=1h points=5;
--- must_die
--- error_log
"fraud_distinct": invalid name "a-b", use a name of 1 to 32 letters, digits and "_"



=== TEST 17: a distinct without anything
--- http_config
    fraud_distinct d;
--- must_die
--- error_log
invalid number of arguments in "fraud_distinct" directive



=== TEST 18: a distinct of an identity that is not there
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- user_files
>>> rules.conf
fraud_distinct d login of=$arg_a max=10 window=1h points=5;
--- must_die
--- error_log
"fraud_distinct": unknown identity "login", declare it with "fraud_identity" in the same block or an outer one in $TEST_NGINX_SERVER_ROOT/html/rules.conf:1



=== TEST 19: a variable that is not there
--- http_config
    fraud_distinct d address of=$nothing max=10 window=1h points=5;
--- must_die
--- error_log
unknown "nothing" variable



=== TEST 20: a travel has a speed
--- http_config
    fraud_travel t address points=5;
--- must_die
--- error_log
"fraud_travel": signal "t" has no speed, add e.g. "speed=1000"



=== TEST 21: a speed is not 0
--- http_config
    fraud_travel t address speed=0 points=5;
--- must_die
--- error_log
"fraud_travel": invalid "speed=0", use 1 to 1000000 km/h



=== TEST 22: a speed has no unit
--- http_config
    fraud_travel t address speed=900km points=5;
--- must_die
--- error_log
"fraud_travel": invalid "speed=900km", use 1 to 1000000 km/h



=== TEST 23: a distance is not 0
--- http_config
    fraud_travel t address speed=900 distance=0 points=5;
--- must_die
--- error_log
"fraud_travel": invalid "distance=0", use 1 to 20000 km



=== TEST 24: a distance is on the globe
--- http_config
    fraud_travel t address speed=900 distance=20001 points=5;
--- must_die
--- error_log
"fraud_travel": invalid "distance=20001", use 1 to 20000 km



=== TEST 25: a travel has points
--- http_config
    fraud_travel t address speed=900;
--- must_die
--- error_log
"fraud_travel": signal "t" has no points, add "points=" 0 to 100



=== TEST 26: a travel has no condition
--- http_config
    fraud_travel t address speed=900 points=5 if=$arg_a;
--- must_die
--- error_log
"fraud_travel": unknown parameter "if=$arg_a", see the table of directives in README.md



=== TEST 27: a travel of an identity that is not there
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- user_files
>>> rules.conf
fraud_travel t session speed=900 points=5;
--- must_die
--- error_log
"fraud_travel": unknown identity "session", declare it with "fraud_identity" in the same block or an outer one in $TEST_NGINX_SERVER_ROOT/html/rules.conf:1



=== TEST 28: per= needs a factor
--- http_config
    fraud_session sid;
    fraud_rate r address rate=1r/s per=session points=5;
--- must_die
--- error_log
"fraud_rate": signal "r" needs both "per=" and "factor=", or neither



=== TEST 29: a factor needs per=
--- http_config
    fraud_rate r address rate=1r/s factor=10 points=5;
--- must_die
--- error_log
"fraud_rate": signal "r" needs both "per=" and "factor=", or neither



=== TEST 30: a factor is not 0
--- http_config
    fraud_rate r address rate=1r/s per=address factor=0 points=5;
--- must_die
--- error_log
"fraud_rate": invalid "factor=0", use 1 to 1000



=== TEST 31: a factor is at most 1000
--- http_config
    fraud_rate r address rate=1r/s per=address factor=1001 points=5;
--- must_die
--- error_log
"fraud_rate": invalid "factor=1001", use 1 to 1000



=== TEST 32: per= has a name
--- http_config
    fraud_rate r address rate=1r/s per= factor=10 points=5;
--- must_die
--- error_log
"fraud_rate": invalid "per=", use the name of an identity



=== TEST 33: a rate that is out of range when widened
--- http_config
    fraud_rate r address rate=200000r/s per=address factor=10 points=5;
--- must_die
--- error_log
"fraud_rate": signal "r" is over range when widened, use a smaller rate, burst or factor



=== TEST 34: per= names an identity that is not there
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- user_files
>>> rules.conf
fraud_rate r address rate=1r/s per=session factor=10 points=5;
--- must_die
--- error_log
"fraud_rate": unknown identity "session", declare it with "fraud_identity" in the same block or an outer one in $TEST_NGINX_SERVER_ROOT/html/rules.conf:1
