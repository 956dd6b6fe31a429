use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;

repeat_each(1);

plan tests => repeat_each() * 929;

our $Show = <<'_EOC_';
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Forwarded-For;
    fraud_action 99 deny;
    add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
_EOC_

sub fraud { return [map { "X-Fraud: $_" } @_] }

sub from { return [map { "X-Forwarded-For: $_" } @_] }

add_block_preprocessor(sub {
    my $block = shift;

    $block->set_value(http_config => $Show . ($block->http_config // ''));

    if (!defined $block->no_error_log) {
        $block->set_value(no_error_log => "[error]\n[alert]\n[emerg]\n[crit]");
    }
});

no_long_string();
run_tests();

__DATA__

=== TEST 1: fires at the value after the last one allowed, and goes on
--- config
    location /gif {
        fraud enforce;
        fraud_distinct stuffing address of=$arg_user max=3 window=1h points=50;
        empty_gif;
    }
--- pipelined_requests eval
[map { "GET /gif?user=$_" } qw(a b c c a d a e)]
--- response_headers eval
main::fraud(("0 []") x 5, ("50 [stuffing=50]") x 3)



=== TEST 2: each subject has values of its own
--- http_config
    fraud_identity session $cookie_sid kind=session;
--- config
    location /gif {
        fraud enforce;
        fraud_distinct one address of=$arg_user max=1 window=1h points=50;
        fraud_distinct two session of=$arg_user max=1 window=1h points=7;
        empty_gif;
    }
--- pipelined_requests eval
[map { "GET /gif?user=$_" } qw(a b c d e)]
--- more_headers eval
["X-Forwarded-For: 192.0.2.1\nCookie: sid=a",
 "X-Forwarded-For: 192.0.2.2\nCookie: sid=a",
 "X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.3",
 "X-Forwarded-For: 192.0.2.4\nCookie: sid=b"]
--- response_headers eval
main::fraud("0 []", "7 [two=7]", "50 [one=50]", "0 []", "0 []")



=== TEST 3: an empty value is none, and does not fire
--- config
    location /gif {
        fraud enforce;
        fraud_distinct stuffing address of=$arg_user max=1 window=1h points=50;
        empty_gif;
    }
--- pipelined_requests eval
["GET /gif", "GET /gif?user=", "GET /gif?user=a", "GET /gif", "GET /gif?user=b",
 "GET /gif"]
--- response_headers eval
main::fraud(("0 []") x 4, "50 [stuffing=50]", "0 []")



=== TEST 4: values are what if= says, and of= may be of several variables
--- config
    location /gif {
        fraud enforce;
        fraud_distinct pairs address of=$arg_a-$arg_b max=2 window=1h points=50
                       if=$arg_count;
        empty_gif;
    }
--- pipelined_requests eval
["GET /gif?a=1&b=1&count=1", "GET /gif?a=2&b=1", "GET /gif?a=3&b=1&count=0",
 "GET /gif?a=1&b=2&count=1", "GET /gif?a=1&b=1&count=yes",
 "GET /gif?a=2&b=2&count=1", "GET /gif?a=9&b=9"]
--- response_headers eval
main::fraud(("0 []") x 5, "50 [pairs=50]", "0 []")



=== TEST 5: an address counts once however it is written, and a /64 as one
--- config
    location /gif {
        fraud enforce;
        fraud_identity session $cookie_sid kind=session;
        fraud_distinct hosts session of=$http_x_peer max=2 window=1h points=50;
        empty_gif;
    }
--- pipelined_requests eval
[("GET /gif") x 10]
--- more_headers eval
[map { "Cookie: sid=a\nX-Peer: $_" }
 "192.0.2.1", "::ffff:192.0.2.1", "::FFFF:c000:201", "64:ff9b::192.0.2.1",
 "2001:db8:1:1::1", "2001:db8:1:1:ffff::", "2001:0DB8:1:1:0:0:0:2",
 "192.0.2.1", "2001:db8:1:2::1", "192.0.2.2"]
--- response_headers eval
main::fraud(("0 []") x 8, ("50 [hosts=50]") x 2)



=== TEST 6: addresses of one session, as realip sees them
--- config
    location /gif {
        fraud enforce;
        fraud_identity session $cookie_sid kind=session;
        fraud_distinct text session of=$remote_addr max=2 window=1h points=50;
        fraud_distinct bytes session of=$binary_remote_addr max=2 window=1h
                       points=7;
        empty_gif;
    }
--- pipelined_requests eval
[("GET /gif") x 7]
--- more_headers eval
[map { "Cookie: sid=a\nX-Forwarded-For: $_" }
 "192.0.2.1", "::ffff:192.0.2.1", "2001:db8:1:1::1", "2001:db8:1:1::2",
 "192.0.2.1", "2001:db8:1:2::1", "192.0.2.1"]
--- response_headers eval
main::fraud(("0 []") x 5, ("57 [text=50,bytes=7]") x 2)



=== TEST 7: on=response sees the response, and is looked at by the next request
--- http_config
    map $status $missing { volatile; 404 1; default ""; }
--- config
    location /gif { fraud enforce; empty_gif; }
    location /none { fraud enforce; try_files /none =404; }
    fraud_distinct probing address of=$request_uri max=2 window=1h
                   if=$missing on=response points=50;
--- pipelined_requests eval
["GET /gif?1", "GET /gif?2", "GET /gif?3", "GET /none?1", "GET /none?1",
 "GET /none?2", "GET /gif", "GET /none?3", "GET /gif", "GET /gif"]
--- more_headers eval
main::from(("192.0.2.1") x 9, "192.0.2.2")
--- error_code eval
[200, 200, 200, 404, 404, 404, 200, 404, 200, 200]
--- response_headers eval
main::fraud(("0 []") x 8, "50 [probing=50]", "0 []")
--- no_error_log
[alert]
[emerg]
[crit]



=== TEST 8: nearly exact to 24 values, then an estimate
--- config
    location /gif {
        fraud enforce;
        fraud_distinct exact address of=$arg_user max=20 window=1d points=1;
        fraud_distinct about address of=$arg_user max=40 window=1d points=2;
        fraud_distinct never address of=$arg_user max=120 window=1d points=4;
        empty_gif;
    }
--- pipelined_requests eval
[map { "GET /gif?user=$_" } 1 .. 30, 1 .. 30, 31 .. 60]
--- response_headers_like eval
[("X-Fraud: 0 \\[\\]") x 20, ("X-Fraud: [01] \\[(?:exact=1)?\\]") x 5,
 ("X-Fraud: 1 \\[exact=1\\]") x 35,
 ("X-Fraud: [13] \\[(?:about=2,)?exact=1\\]") x 29,
 "X-Fraud: 3 \\[about=2,exact=1\\]"]



=== TEST 9: a value counts for at least one window
--- config
    location /gif {
        fraud enforce;
        fraud_distinct users address of=$arg_user max=1 window=20s points=50;
        empty_gif;
    }
--- request eval
["GET /gif?user=a", "GET /gif?user=b"]
--- wait: 1.1
--- response_headers eval
main::fraud("0 []", "50 [users=50]")



=== TEST 10: and for at most two
--- config
    location /gif {
        fraud enforce;
        fraud_distinct users address of=$arg_user max=1 window=1s points=50;
        empty_gif;
    }
--- request eval
["GET /gif?user=a", "GET /gif?user=b"]
--- wait: 2.2
--- response_headers eval
main::fraud("0 []", "0 []")



=== TEST 11: a shadow adds no points
--- config
    location /gif {
        fraud enforce;
        fraud_distinct users address of=$arg_user max=1 window=1h points=50
                       shadow;
        empty_gif;
    }
    location /status {
        fraud off;
        add_header X-Fraud off;
        fraud_status json;
    }
--- pipelined_requests eval
["GET /gif?user=a", "GET /gif?user=b", "GET /status"]
--- response_headers eval
main::fraud("0 []", "0 []", "off")
--- response_body_like eval
["", "", "\"signals\":\\{\"users\":1}"]



=== TEST 12: an inner block switches it off or replaces it, keeping its values
--- http_config
    fraud_distinct users address of=$arg_user max=2 window=1h points=50;
--- config
    location /gif { fraud enforce; empty_gif; }
    location /off { fraud enforce; fraud_signal users off; empty_gif; }
    location /other {
        fraud enforce;
        fraud_distinct users address of=$arg_user max=3 window=1h points=9;
        empty_gif;
    }
--- pipelined_requests eval
["GET /gif?user=a", "GET /off?user=b", "GET /other?user=c", "GET /gif?user=d",
 "GET /other?user=d", "GET /other?user=e"]
--- response_headers eval
main::fraud(("0 []") x 3, "50 [users=50]", "0 []", "9 [users=9]")
