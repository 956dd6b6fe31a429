use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use Directives;

repeat_each(1);

plan tests => repeat_each() * (blocks() * 2 + 6);

no_long_string();

run_tests();

__DATA__

=== TEST 1: an application's session will do for a verified account
--- http_config
    fraud observe;
    fraud_identity account $upstream_http_x_account verified;
    fraud_identity any $cookie_sid kind=session;



=== TEST 2: a session that is declared in an inner block as well
--- http_config
    fraud observe;
    fraud_session sid;
    fraud_reputation session half_life=1h;
--- config
    fraud_session sid persistent;
    location = /index.html { fraud_identity session $http_x kind=session; }



=== TEST 3: who is verified is an account
--- http_config
    fraud_identity s $upstream_http_x kind=session verified;
--- must_die
--- error_log
"fraud_identity": "s" is verified but no account, use "kind=account"



=== TEST 4: a verified account needs a session
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- user_files
>>> rules.conf
fraud_identity account $upstream_http_x verified;
--- must_die
--- error_log
"fraud_identity": verified "account" has no session to be bound to, declare "fraud_session" or an identity with "kind=session" in $TEST_NGINX_SERVER_ROOT/html/rules.conf:1



=== TEST 5: a cookie has a name of letters, digits and "_"
--- http_config
    fraud_session my-sid;
--- must_die
--- error_log
"fraud_session": invalid cookie name "my-sid", use 1 to 32 letters, digits and "_"



=== TEST 6: a path begins with "/"
--- http_config
    fraud_session sid path=app;
--- must_die
--- error_log
"fraud_session": invalid parameter "path=app", use "session" or "persistent" first, then "path=/...", "domain=" or "samesite=" strict, lax or none



=== TEST 7: no attribute ends another
--- http_config
    fraud_session sid "path=/;Secure";
--- must_die
--- error_log
"fraud_session": invalid parameter "path=/;Secure", use "session" or "persistent" first, then "path=/...", "domain=" or "samesite=" strict, lax or none



=== TEST 8: a domain is not empty
--- http_config
    fraud_session sid domain=;
--- must_die
--- error_log
"fraud_session": invalid parameter "domain=", use "session" or "persistent" first, then "path=/...", "domain=" or "samesite=" strict, lax or none



=== TEST 9: unknown samesite
--- http_config
    fraud_session sid samesite=Lax;
--- must_die
--- error_log
"fraud_session": invalid parameter "samesite=Lax", use "session" or "persistent" first, then "path=/...", "domain=" or "samesite=" strict, lax or none



=== TEST 10: how long it lasts is said first
--- http_config
    fraud_session sid path=/ persistent;
--- must_die
--- error_log
"fraud_session": invalid parameter "persistent", use "session" or "persistent" first, then "path=/...", "domain=" or "samesite=" strict, lax or none



=== TEST 11: unknown parameter of a session
--- http_config
    fraud_session sid secure;
--- must_die
--- error_log
"fraud_session": invalid parameter "secure", use "session" or "persistent" first, then "path=/...", "domain=" or "samesite=" strict, lax or none



=== TEST 12: one cookie in a block
--- http_config
    fraud_session sid;
    fraud_session other;
--- must_die
--- error_log
"fraud_session" directive is duplicate



=== TEST 13: a session is an identity, declared once in a file
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
--- user_files
>>> rules.conf
fraud_identity session $cookie_sid kind=session;
fraud_session sid;
--- must_die
--- error_log
"fraud_session": "session" is declared twice in one file, first in line 1, remove one or rename it in $TEST_NGINX_SERVER_ROOT/html/rules.conf:2



=== TEST 14: control is a location's
--- config
    fraud_control;
--- must_die
--- error_log
"fraud_control" directive is not allowed here



=== TEST 15: control takes no such word
--- config
    location /c { fraud_control reset; }
--- must_die
--- error_log
"fraud_control": invalid parameter "reset", use "secret=FILE", "tombstones=DIR" or "remote"



=== TEST 16: control twice in one location
--- config
    location /c {
        fraud_control;
        fraud_control;
    }
--- must_die
--- error_log
"fraud_control" directive is duplicate
