use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use Directives;

repeat_each(2);

plan tests => repeat_each() * (blocks() * 9 + 5);

no_long_string();

run_tests();

__DATA__

=== TEST 1: without any directive the module does nothing
--- config
    location = /index.html {
        add_header X-Fraud "[$fraud_score$fraud_action$fraud_reasons]" always;
        add_header X-State "[$fraud_mode$fraud_state$fraud_address_pid]" always;
        add_header X-Geo "[$fraud_country$fraud_asn]" always;
    }
--- request
GET /index.html
--- response_body_like: It works!
--- response_headers
X-Fraud: []
X-State: [off]
X-Geo: []



=== TEST 2: without any directive there is no zone and nothing is counted
--- config
    location = /status {
        fraud_status json;
    }
--- request
GET /status
--- response_headers
Content-Type: application/json
--- response_body_like: ^\{"version":"\d+\.\d+\.\d+"\}\n$



=== TEST 3: rules alone switch nothing on
--- http_config
    fraud_rate flood address rate=1r/d points=100;
    fraud_action 1 deny;
--- config
    location = /index.html {
        fraud_signal trap points=100;
        add_header X-Score "[$fraud_score]" always;
    }
--- request eval
["GET /index.html", "GET /index.html"]
--- error_code eval
[200, 200]
--- response_headers eval
["X-Score: []", "X-Score: []"]



=== TEST 4: a location can switch off what its server enforces
--- http_config
    fraud_action 1 deny;
--- config
    fraud enforce;
    fraud_signal trap points=100;

    location = /on.html {
    }

    location = /index.html {
        fraud off;
        add_header X-Score "[$fraud_score]" always;
    }
--- request eval
["GET /on.html", "GET /index.html"]
--- error_code eval
[403, 200]
--- response_headers eval
["X-Score: ", "X-Score: []"]



=== TEST 5: switched on without a rule every request scores 0
--- config
    fraud observe;

    location = /index.html {
        add_header X-Fraud "$fraud_score $fraud_action [$fraud_reasons]" always;
        add_header X-State "$fraud_mode $fraud_state" always;
    }
--- request
GET /index.html
--- response_headers
X-Fraud: 0 allow []
X-State: observe ok
--- error_code: 200



=== TEST 6: a zone alone is created and counts nothing
--- http_config
    fraud_zone state 1m;
--- config
    location = /status {
        fraud_status json;
    }
--- request eval
["GET /index.html", "GET /status"]
--- error_code eval
[200, 200]
--- response_body_like eval
[qr/It works!/,
 qr/"zone":\{"name":"state","bytes":1048576,.*"requests":\{"total":0,/]
