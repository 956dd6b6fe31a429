use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use Directives;

Directives::put("password", "secret\n");
Directives::put("empty", "\n");

repeat_each(1);

plan tests => repeat_each() * (blocks() * 2 + 2 * 3);

no_long_string();

run_tests();

__DATA__

=== TEST 1: every form of a server is accepted
--- http_config
    fraud_redis redis://127.0.0.1:1/3 redis://fraud@127.0.0.1:2 unix:/nowhere;
    fraud_redis_password_file $TEST_NGINX_FILES/password;
    fraud_redis_timeout 20ms;
    fraud_redis_connect_timeout 1s;
    fraud_redis_on_failure open;
    fraud_redis_mode relaxed interval=100ms;
    fraud_redis_cache off;
    fraud_redis_budget 10r/m;
--- config
    fraud observe;
--- error_code: 200
--- request
GET /index.html



=== TEST 2: a server that resolves to nothing is a warning
--- http_config
    fraud_redis redis://nobody.invalid;
--- config
    fraud observe;
--- error_code: 200
--- request
GET /index.html



=== TEST 3: servers are declared once
--- http_config
    fraud_redis redis://127.0.0.1:1;
    fraud_redis redis://127.0.0.1:2;
--- must_die
--- error_log
"fraud_redis" directive is duplicate



=== TEST 4: a server is an URL
--- http_config
    fraud_redis 127.0.0.1:6379;
--- must_die
--- error_log
"fraud_redis": invalid URL, use "redis://host:6379/0", "rediss://host:6380" or "unix:/path"



=== TEST 5: a password is in no configuration
--- http_config
    fraud_redis redis://fraud:secret@127.0.0.1:6379;
--- must_die
--- error_log
"fraud_redis": the URL has a password, put it into a file and name that in "fraud_redis_password_file"



=== TEST 6: a port is a number
--- http_config
    fraud_redis redis://127.0.0.1:many;
--- must_die
--- error_log
"fraud_redis": invalid port in "127.0.0.1:many", use "host:port"



=== TEST 7: a database is a number
--- http_config
    fraud_redis redis://127.0.0.1/main;
--- must_die
--- error_log
"fraud_redis": invalid database "main", use a number from 0 to 65535



=== TEST 8: all servers have one database
--- http_config
    fraud_redis redis://127.0.0.1:1/1 redis://127.0.0.1:2/2;
--- must_die
--- error_log
"fraud_redis": different databases 1 and 2, use one for all servers



=== TEST 9: all servers have one user
--- http_config
    fraud_redis redis://a@127.0.0.1:1 redis://b@127.0.0.1:2;
--- must_die
--- error_log
"fraud_redis": different users "a" and "b", use one for all servers



=== TEST 10: parameters belong to servers
--- http_config
    fraud_redis_timeout 20ms;
--- config
    fraud observe;
--- must_die
--- error_log
"fraud_redis_..." without "fraud_redis", add e.g. "fraud_redis redis://127.0.0.1:6379;"



=== TEST 11: a timeout is no rate
--- http_config
    fraud_redis_timeout 0;
--- must_die
--- error_log
"fraud_redis_timeout": invalid value "0", use a time from 1ms to 60s



=== TEST 12: a timeout is set once
--- http_config
    fraud_redis_timeout 1s;
    fraud_redis_timeout 1s;
--- must_die
--- error_log
"fraud_redis_timeout" directive is duplicate



=== TEST 13: what failure means is one of three words
--- http_config
    fraud_redis_on_failure panic;
--- must_die
--- error_log
"fraud_redis_on_failure": invalid value "panic", use "local", "open" or "closed"



=== TEST 14: the mode is one of two words
--- http_config
    fraud_redis_mode loose;
--- must_die
--- error_log
"fraud_redis_mode": invalid value "loose", use "strict" or "relaxed"



=== TEST 15: an interval is of relaxed mode
--- http_config
    fraud_redis_mode strict interval=50ms;
--- must_die
--- error_log
"fraud_redis_mode": invalid "interval=50ms", use "relaxed interval=TIME" with a time from 5ms to 10s



=== TEST 16: an interval is not too short
--- http_config
    fraud_redis_mode relaxed interval=1ms;
--- must_die
--- error_log
"fraud_redis_mode": invalid "interval=1ms", use "relaxed interval=TIME" with a time from 5ms to 10s



=== TEST 17: the cache is on or off
--- http_config
    fraud_redis_cache yes;
--- must_die
--- error_log
"fraud_redis_cache": invalid value "yes", use "on" or "off"



=== TEST 18: a budget is a rate
--- http_config
    fraud_redis_budget 50;
--- must_die
--- error_log
"fraud_redis_budget": invalid value "50", use a rate such as 50r/s or "off"



=== TEST 19: a user has a password
--- http_config
    fraud_redis redis://fraud@127.0.0.1:1;
--- config
    fraud observe;
--- must_die
--- error_log
"fraud_redis": user "fraud" without a password, add "fraud_redis_password_file"



=== TEST 20: a file of a password has one
--- http_config
    fraud_redis redis://127.0.0.1:1;
    fraud_redis_password_file $TEST_NGINX_FILES/empty;
--- config
    fraud observe;
--- must_die
--- error_log
"fraud_redis_password_file": "$TEST_NGINX_FILES/empty" has no password of 1 to 512 bytes, write it on one line



=== TEST 21: a cluster has one database
--- http_config
    fraud_redis redis://127.0.0.1:1/1;
    fraud_redis_cluster on;
--- config
    fraud observe;
--- must_die
--- error_log
"fraud_redis": a cluster has only database 0, remove the database 1



=== TEST 22: sentinels know no cluster
--- http_config
    fraud_redis redis://127.0.0.1:1;
    fraud_redis_cluster on;
    fraud_redis_sentinel mymaster;
--- config
    fraud observe;
--- must_die
--- error_log
"fraud_redis_cluster" and "fraud_redis_sentinel" exclude each other, remove one



=== TEST 23: who is verified is named by an authority
--- http_config
    fraud_redis rediss://127.0.0.1:1;
--- config
    fraud observe;
--- must_die
--- error_log
"fraud_redis": rediss:// verifies the server, add "fraud_redis_ssl_ca FILE"



=== TEST 24: certificates are of TLS
--- http_config
    fraud_redis redis://127.0.0.1:1;
    fraud_redis_ssl_ca $TEST_NGINX_FILES/password;
--- config
    fraud observe;
--- must_die
--- error_log
"fraud_redis_ssl_..." without TLS, use "rediss://" in "fraud_redis"



=== TEST 25: a certificate has a key
--- http_config
    fraud_redis rediss://127.0.0.1:1;
    fraud_redis_ssl_verify off;
    fraud_redis_ssl_certificate $TEST_NGINX_FILES/password;
--- config
    fraud observe;
--- must_die
--- error_log
"fraud_redis_ssl_certificate" and "fraud_redis_ssl_certificate_key" belong together, set both or none
