use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use Directives;

repeat_each(1);

plan tests => repeat_each() * (blocks() * 2 + 25);

no_long_string();

run_tests();

__DATA__

=== TEST 1: every form of these directives is accepted
--- http_config
    fraud_zone Zone_1 256k;
    fraud_keys memory epoch=30d;
    fraud off;

    server {
        listen unix:$TEST_NGINX_SERVER_ROOT/html/other.sock;
        fraud observe;
        fraud_action 50 drop;

        location / {
            fraud enforce;
        }
    }
--- config
    fraud enforce;
    fraud_action 90 deny;

    location = /status {
        fraud off;
        fraud_status json;
    }
--- request
GET /status
--- error_code: 200



=== TEST 2: the shortest epoch and a zone in megabytes are accepted
--- http_config
    fraud_zone z 2m;
    fraud_keys memory epoch=1s;
    fraud observe;
--- error_code: 200



=== TEST 3: keys need no epoch
--- http_config
    fraud_keys memory;
    fraud observe;
--- error_code: 200



=== TEST 4: fraud takes no other word
--- http_config
    fraud on;
--- must_die
--- error_log
"fraud": invalid mode "on", use "off", "observe" or "enforce"



=== TEST 5: fraud twice in one block
--- http_config
    fraud observe;
    fraud enforce;
--- must_die
--- error_log
"fraud" directive is duplicate



=== TEST 6: the zone's name has letters, digits and "_" only
--- http_config
    fraud_zone a-b 64m;
--- must_die
--- error_log
"fraud_zone": invalid name "a-b", use 1 to 32 letters, digits and "_"



=== TEST 7: the zone's name has at most 32 characters
--- http_config
    fraud_zone a23456789_123456789_123456789_123 1m;
--- must_die
--- error_log
"fraud_zone": invalid name "a23456789_123456789_123456789_123", use 1 to 32 letters, digits and "_"



=== TEST 8: the zone's size is a size
--- http_config
    fraud_zone fraud 64x;
--- must_die
--- error_log
"fraud_zone": invalid size "64x", use a size such as 64m



=== TEST 9: the zone's size is not negative
--- http_config
    fraud_zone fraud -1m;
--- must_die
--- error_log
"fraud_zone": invalid size "-1m", use a size such as 64m



=== TEST 10: a zone of less than 256k is too small
--- http_config
    fraud_zone fraud 255k;
--- must_die
--- error_log
"fraud_zone": size "255k" is too small, use at least 256k; 1m holds about 7,000 subjects



=== TEST 11: a zone has a size
--- http_config
    fraud_zone fraud;
--- must_die
--- error_log
invalid number of arguments in "fraud_zone" directive



=== TEST 12: there is one zone
--- http_config
    fraud_zone fraud 1m;
    fraud_zone other 1m;
--- must_die
--- error_log
"fraud_zone" directive is duplicate



=== TEST 13: the zone's name is not another module's
--- http_config
    limit_req_zone $remote_addr zone=fraud:1m rate=1r/s;
    fraud_zone fraud 1m;
--- must_die
--- error_log
the shared memory zone "fraud" is already declared for a different use



=== TEST 14: keys are somewhere
--- http_config
    fraud_keys "";
--- must_die
--- error_log
"fraud_keys": invalid value "", use "memory" or a directory



=== TEST 15: unknown parameter of keys
--- http_config
    fraud_keys memory epochs=1d;
--- must_die
--- error_log
"fraud_keys": unknown parameter "epochs=1d", use "epoch=TIME"



=== TEST 16: an epoch lasts some time
--- http_config
    fraud_keys memory epoch=0;
--- must_die
--- error_log
"fraud_keys": invalid epoch "0", use a time from 1s to 30d



=== TEST 17: an epoch lasts at most 30 days
--- http_config
    fraud_keys memory epoch=31d;
--- must_die
--- error_log
"fraud_keys": invalid epoch "31d", use a time from 1s to 30d



=== TEST 18: keys are declared once
--- http_config
    fraud_keys memory;
    fraud_keys memory;
--- must_die
--- error_log
"fraud_keys" directive is duplicate



=== TEST 19: status has one format
--- config
    location /status {
        fraud_status html;
    }
--- must_die
--- error_log
"fraud_status": invalid value "html", use "json"



=== TEST 20: status twice in one location
--- config
    location /status {
        fraud_status json;
        fraud_status json;
    }
--- must_die
--- error_log
"fraud_status" directive is duplicate



=== TEST 21: status is a location's
--- config
    fraud_status json;
--- must_die
--- error_log
"fraud_status" directive is not allowed here



=== TEST 22: enforce without any action is warned about
--- config
    fraud enforce;
--- error_log eval
qr/\[warn\] .*: "fraud enforce" without any "fraud_action" acts on nothing, add e\.g\. "fraud_action 90 deny;" in \S+:\d+$/



=== TEST 23: enforce with an action of an outer block is not warned about
--- http_config
    fraud_action 90 deny;
--- config
    location = /index.html {
        fraud enforce;
    }
--- no_error_log
[warn]



=== TEST 24: enforce without any action is warned about in http too, once
--- http_config
    fraud enforce;

    server {
        listen unix:$TEST_NGINX_SERVER_ROOT/html/other.sock;
        location / { fraud enforce; }
    }
--- grep_error_log eval
qr/"fraud enforce" without any/
--- grep_error_log_out
"fraud enforce" without any



=== TEST 25: enforce in http is not warned about where all servers have actions
--- http_config
    fraud enforce;
--- config
    fraud_action 90 deny;
--- no_error_log
[warn]
