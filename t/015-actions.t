use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use Directives;

repeat_each(1);

plan tests => repeat_each() * (blocks() * 2 + 3);

no_long_string();

run_tests();

__DATA__

=== TEST 1: every form of an action is accepted
--- http_config
    fraud_action 1 delay=1ms;
    fraud_action 20 delay=60s;
    fraud_action 30 limit;
    fraud_action 40 limit status=503;
    fraud_action 50 deny;
    fraud_action 60 deny status=400;
    fraud_action 70 deny status=599;
    fraud_action 100 drop;
--- config
    fraud enforce;
    fraud_action 50 deny status=418;
--- request
GET /index.html
--- error_code: 200



=== TEST 2: an action's score is not 0
--- http_config
    fraud_action 0 deny;
--- must_die
--- error_log
"fraud_action": invalid score "0", use 1 to 100



=== TEST 3: an action's score is at most 100
--- http_config
    fraud_action 101 deny;
--- must_die
--- error_log
"fraud_action": invalid score "101", use 1 to 100



=== TEST 4: an action's score is a number
--- http_config
    fraud_action high deny;
--- must_die
--- error_log
"fraud_action": invalid score "high", use 1 to 100



=== TEST 5: a score has one action in a block
--- http_config
    fraud_action 50 deny;
    fraud_action 50 drop;
--- must_die
--- error_log
"fraud_action": score "50" has an action in this block already, remove one



=== TEST 6: unknown action
--- http_config
    fraud_action 50 block;
--- must_die
--- error_log
"fraud_action": unknown action "block", use "delay=TIME", "limit", "deny" or "drop"



=== TEST 7: a delay takes some time
--- http_config
    fraud_action 50 delay=0;
--- must_die
--- error_log
"fraud_action": invalid delay "0", use a time from 1ms to 60s



=== TEST 8: a delay takes at most 60 seconds
--- http_config
    fraud_action 50 delay=61s;
--- must_die
--- error_log
"fraud_action": invalid delay "61s", use a time from 1ms to 60s



=== TEST 9: a delay is a time
--- http_config
    fraud_action 50 delay=slow;
--- must_die
--- error_log
"fraud_action": invalid delay "slow", use a time from 1ms to 60s



=== TEST 10: a delay takes no status
--- http_config
    fraud_action 50 delay=1s status=403;
--- must_die
--- error_log
"fraud_action": unknown parameter "status=403", only "limit" and "deny" take "status="



=== TEST 11: dropping takes no status
--- http_config
    fraud_action 50 drop status=403;
--- must_die
--- error_log
"fraud_action": unknown parameter "status=403", only "limit" and "deny" take "status="



=== TEST 12: unknown parameter of an action
--- http_config
    fraud_action 50 deny code=403;
--- must_die
--- error_log
"fraud_action": unknown parameter "code=403", only "limit" and "deny" take "status="



=== TEST 13: a status is an error
--- http_config
    fraud_action 50 deny status=399;
--- must_die
--- error_log
"fraud_action": invalid status "399", use 400 to 599 but not 444 or 499



=== TEST 14: a status is at most 599
--- http_config
    fraud_action 50 deny status=600;
--- must_die
--- error_log
"fraud_action": invalid status "600", use 400 to 599 but not 444 or 499



=== TEST 15: a status is not 444
--- http_config
    fraud_action 50 deny status=444;
--- must_die
--- error_log
"fraud_action": invalid status "444", use 400 to 599 but not 444 or 499



=== TEST 16: an action has a score and a word
--- http_config
    fraud_action 50;
--- must_die
--- error_log
invalid number of arguments in "fraud_action" directive
