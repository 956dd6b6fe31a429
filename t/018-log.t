use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use Directives;

repeat_each(1);

plan tests => repeat_each() * (blocks() * 2 + 3);

no_long_string();

run_tests();

__DATA__

=== TEST 1: every form of a log is accepted
--- http_config
    fraud_log logs/a.log;
--- config
    fraud observe;
    fraud_log logs/b.log min_score=100 buffer=4k flush=1ms;

    location = /index.html {
        fraud_log off;
    }

    location /c {
        fraud_log logs/c.log min_score=0 buffer=64m;
    }

    location /e {
        fraud_log logs/e.log hourly buffer=64k;
    }

    location /d {
        fraud_log logs/b.log buffer=4k flush=1ms;
    }
--- request
GET /index.html
--- error_code: 200



=== TEST 2: a log is declared once in a block
--- http_config
    fraud_log logs/a.log;
    fraud_log logs/b.log;
--- must_die
--- error_log
"fraud_log" directive is duplicate



=== TEST 3: a log that is off takes nothing more
--- http_config
    fraud_log off min_score=5;
--- must_die
--- error_log
"fraud_log" directive takes no parameter after "off"



=== TEST 4: a log's lowest score is at most 100
--- http_config
    fraud_log logs/a.log min_score=101;
--- must_die
--- error_log
"fraud_log": invalid parameter "min_score=101", use "min_score=" 0 to 100, "buffer=" 4k to 64m, "flush=TIME" or "hourly"



=== TEST 5: a log's buffer has at least 4k
--- http_config
    fraud_log logs/a.log buffer=4095;
--- must_die
--- error_log
"fraud_log": invalid parameter "buffer=4095", use "min_score=" 0 to 100, "buffer=" 4k to 64m, "flush=TIME" or "hourly"



=== TEST 6: a log's buffer has at most 64m
--- http_config
    fraud_log logs/a.log buffer=65m;
--- must_die
--- error_log
"fraud_log": invalid parameter "buffer=65m", use "min_score=" 0 to 100, "buffer=" 4k to 64m, "flush=TIME" or "hourly"



=== TEST 7: a log is flushed after some time
--- http_config
    fraud_log logs/a.log buffer=4k flush=0;
--- must_die
--- error_log
"fraud_log": invalid parameter "flush=0", use "min_score=" 0 to 100, "buffer=" 4k to 64m, "flush=TIME" or "hourly"



=== TEST 8: unknown parameter of a log
--- http_config
    fraud_log logs/a.log gzip;
--- must_die
--- error_log
"fraud_log": invalid parameter "gzip", use "min_score=" 0 to 100, "buffer=" 4k to 64m, "flush=TIME" or "hourly"



=== TEST 9: a log without a buffer is not flushed
--- http_config
    fraud_log logs/a.log flush=1s;
--- must_die
--- error_log
"fraud_log": "flush=" without a buffer, add "buffer=" or remove it



=== TEST 10: a log has one buffer wherever it is named
--- http_config
    fraud_log logs/a.log buffer=4k;
--- config
    fraud_log logs/a.log buffer=8k;
--- must_die
--- error_log
"fraud_log": "$TEST_NGINX_SERVER_ROOT/logs/a.log" is written with another buffer elsewhere, use equal parameters or another file



=== TEST 11: a log is not access_log's file with a buffer
--- http_config
    access_log logs/a.log combined buffer=4k;
    fraud_log logs/a.log buffer=4k;
--- must_die
--- error_log
"fraud_log": "$TEST_NGINX_SERVER_ROOT/logs/a.log" is written with another buffer elsewhere, use equal parameters or another file



=== TEST 12: a log that cannot be opened is refused
--- http_config
    fraud_log $TEST_NGINX_SERVER_ROOT/none/a.log;
--- must_die
--- error_log
open() "$TEST_NGINX_SERVER_ROOT/none/a.log" failed (2: No such file or directory)
