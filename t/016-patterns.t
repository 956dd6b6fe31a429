use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use Directives;

repeat_each(1);

plan tests => repeat_each() * (blocks() * 2 + 3);

no_long_string();

Directives::put("long.txt", "short\n" . "x" x 4097 . "\n");
Directives::put("many.txt", "^x\n" x 10001);

run_tests();

__DATA__

=== TEST 1: every form of a pattern is accepted
--- http_config
    fraud observe;
    fraud_match a $http_user_agent sqlmap points=0;
    fraud_match b $http_user_agent "^(sqlmap|nikto) ?" nocase points=100;
    fraud_match c "$uri?$args" file=../html/patterns.txt points=1 shadow nocase;
    fraud_match d $uri file=$TEST_NGINX_SERVER_ROOT/html/patterns.txt points=1;
    fraud_match e $uri \.php$ points=1;
--- user_files
>>> patterns.txt
# comment

^sqlmap/
\.\./
(?i)nikto
--- error_code: 200



=== TEST 2: a match has a pattern
--- http_config
    fraud_match scan $http_user_agent;
--- must_die
--- error_log
"fraud_match": signal "scan" has no pattern, add one or "file=PATH"



=== TEST 3: a pattern is not empty
--- http_config
    fraud_match scan $http_user_agent "" points=50;
--- must_die
--- error_log
"fraud_match": invalid "", use a pattern or "file=PATH"



=== TEST 4: a pattern file has a name
--- http_config
    fraud_match scan $http_user_agent file= points=50;
--- must_die
--- error_log
"fraud_match": invalid "file=", use a pattern or "file=PATH"



=== TEST 5: a match has points
--- http_config
    fraud_match scan $http_user_agent sqlmap nocase;
--- must_die
--- error_log
"fraud_match": signal "scan" has no points, add "points=" 0 to 100



=== TEST 6: a match's points are at most 100
--- http_config
    fraud_match scan $http_user_agent sqlmap points=101;
--- must_die
--- error_log
"fraud_match": invalid "points=101", use 0 to 100



=== TEST 7: unknown parameter of a match
--- http_config
    fraud_match scan $http_user_agent sqlmap points=1 trust;
--- must_die
--- error_log
"fraud_match": unknown parameter "trust", see the table of directives in README.md



=== TEST 8: a match's name has letters, digits and "_" only
--- http_config
    fraud_match "" $http_user_agent sqlmap points=1;
--- must_die
--- error_log
"fraud_match": invalid name "", use a name of 1 to 32 letters, digits and "_"



=== TEST 9: a pattern that does not compile is refused
--- http_config
    fraud_match scan $http_user_agent "sql(map" points=50;
--- must_die
--- error_log
"fraud_match": pattern "sql(map" does not compile: missing closing parenthesis at offset 8, correct it



=== TEST 10: a pattern's first offset is 1
--- http_config
    fraud_match scan $http_user_agent "*map" points=50;
--- must_die
--- error_log
"fraud_match": pattern "*map" does not compile: quantifier does not follow a repeatable item at offset 1, correct it



=== TEST 11: a pattern file that is not there is refused
--- http_config
    fraud_match scan $http_user_agent file=$TEST_NGINX_SERVER_ROOT/html/none.txt points=50;
--- must_die
--- error_log
"fraud_match": file "$TEST_NGINX_SERVER_ROOT/html/none.txt": cannot be opened: no such file, correct it or the path



=== TEST 12: an empty pattern file is refused
--- http_config
    fraud_match scan $http_user_agent file=$TEST_NGINX_SERVER_ROOT/html/p.txt points=50;
--- user_files
>>> p.txt
--- must_die
--- error_log
"fraud_match": file "$TEST_NGINX_SERVER_ROOT/html/p.txt": no pattern, correct it or the path



=== TEST 13: a pattern file of comments only is refused
--- http_config
    fraud_match scan $http_user_agent file=$TEST_NGINX_SERVER_ROOT/html/p.txt points=50;
--- user_files
>>> p.txt
# nothing
--- must_die
--- error_log
"fraud_match": file "$TEST_NGINX_SERVER_ROOT/html/p.txt": no pattern, correct it or the path



=== TEST 14: a file's pattern that does not compile is refused
--- http_config
    fraud_match scan $http_user_agent file=$TEST_NGINX_SERVER_ROOT/html/p.txt points=50;
--- user_files
>>> p.txt
# patterns

sqlmap
  a[b
--- must_die
--- error_log
"fraud_match": file "$TEST_NGINX_SERVER_ROOT/html/p.txt" line 4 offset 4: missing terminating ] for character class, correct it



=== TEST 15: a pattern of more than 4096 bytes is refused
--- http_config
    fraud_match scan $uri file=$TEST_NGINX_FILES/long.txt points=1;
--- must_die
--- error_log
"fraud_match": file "$TEST_NGINX_FILES/long.txt" line 2: pattern is too long, correct it



=== TEST 16: a file of more than 10000 patterns is refused
--- http_config
    fraud_match scan $uri file=$TEST_NGINX_FILES/many.txt points=1;
--- must_die
--- error_log
"fraud_match": file "$TEST_NGINX_FILES/many.txt" line 10001: too many patterns, correct it
