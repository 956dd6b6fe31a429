use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use Directives;

Directives::put("secret", "a secret of the application\n", 0600);
Directives::put("short", "fifteen letters\nand more behind that\n", 0600);
Directives::put("open", "a secret of the application\n");
Directives::put("objections", "nobody\n");
Directives::put("empty", "");

repeat_each(1);

plan tests => repeat_each() * (blocks() * 2 + 6);

no_long_string();

run_tests();

__DATA__

=== TEST 1: every form is accepted
--- http_config
    fraud_objections $TEST_NGINX_FILES/objections;
--- config
    fraud observe;
    location /a { fraud_control; }
    location /b { fraud_control secret=$TEST_NGINX_FILES/secret remote; }
    location /c { fraud_control tombstones=/tmp; }
--- error_code: 200
--- request
GET /index.html



=== TEST 2: unknown parameter
--- config
    location /a { fraud_control local; }
--- must_die
--- error_log
"fraud_control": invalid parameter "local", use "secret=FILE", "tombstones=DIR" or "remote"



=== TEST 3: a parameter without its value
--- config
    location /a { fraud_control secret=; }
--- must_die
--- error_log
"fraud_control": invalid parameter "secret=", use "secret=FILE", "tombstones=DIR" or "remote"



=== TEST 4: a secret that anybody guesses
--- config
    location /a { fraud_control secret=$TEST_NGINX_FILES/short; }
--- must_die
--- error_log
"fraud_control": the secret in "$TEST_NGINX_FILES/short" has less than 16 characters



=== TEST 5: a secret that is not there
--- config
    location /a { fraud_control secret=$TEST_NGINX_FILES/none; }
--- must_die
--- error_log
open() "$TEST_NGINX_FILES/none" failed (2: No such file or directory)



=== TEST 6: a secret that anybody reads
--- config
    location /a { fraud_control secret=$TEST_NGINX_FILES/open; }
--- must_die
--- error_log
"fraud_control": the secret in "$TEST_NGINX_FILES/open" can be read by everybody, change the file's mode



=== TEST 7: tombstones that cannot be left
--- config
    location /a { fraud_control tombstones=/var/lib/nothing; }
--- must_die
--- error_log
"fraud_control": directory "/var/lib/nothing" cannot be written to by the user of the workers, who leave tombstones there, make it, or change its owner, or that of the directory above



=== TEST 8: once a location
--- config
    location /a { fraud_control; fraud_control; }
--- must_die
--- error_log
"fraud_control" directive is duplicate



=== TEST 9: one list of objections
--- http_config
    fraud_objections $TEST_NGINX_FILES/objections;
    fraud_objections $TEST_NGINX_FILES/objections;
--- must_die
--- error_log
"fraud_objections" directive is duplicate



=== TEST 10: a list that is empty may be one that was cut
--- http_config
    fraud_objections $TEST_NGINX_FILES/empty;
--- must_die
--- error_log
"fraud_objections": file "$TEST_NGINX_FILES/empty": no string at all, correct it or the path



=== TEST 11: orders are signed where there is a secret
--- config
    fraud observe;
    location /a { fraud off; fraud_control secret=$TEST_NGINX_FILES/secret; }
--- request
POST /a
--- more_headers
Fraud-Operation: show
Fraud-Identity: address
Fraud-Value: 192.0.2.1
--- error_code: 403



=== TEST 12: orders from anywhere are signed
--- config
    location /a { fraud_control remote; }
--- must_die
--- error_log
"fraud_control": with "remote" anybody may give orders, add "secret=FILE" or remove it
