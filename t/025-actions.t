use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use Time::HiRes qw(sleep time);

use Fraud;

repeat_each(1);

plan tests => 254 + 1;

our $Show = <<'_EOC_';
    add_header X-Fraud "$fraud_score $fraud_action [$fraud_reasons]" always;
_EOC_

sub fraud { return [map { "X-Fraud: $_" } @_] }

add_block_preprocessor(sub {
    my $block = shift;

    $block->set_value(http_config => $Show . ($block->http_config // ''));

    if (!defined $block->no_error_log) {
        $block->set_value(no_error_log => "[error]\n[alert]\n[emerg]\n[crit]");
    }
});

no_long_string();

# time, several connections and closed ones

{
    my $nginx = Fraud->new(http => $Show, server => <<'END');
        fraud enforce;
        fraud_signal slow if=$arg_slow points=50;
        fraud_signal forever if=$arg_forever points=60;
        fraud_signal drop if=$arg_drop points=100;
        fraud_action 50 delay=1500ms;
        fraud_action 60 delay=60s;
        fraud_action 100 drop;
        location / { empty_gif; }
        location /status { fraud off; fraud_status json; }
        location /proxy { proxy_pass http://127.0.0.1:$server_port/generation; }
END

    # a worker that slept could not answer before the delayed one

    my $begin = time;
    my $delayed = $nginx->send('/?slow=1');

    my @quick = map { $nginx->get('/')->{status} } 1 .. 5;
    my $quick = time - $begin;

    is("@quick", '200 200 200 200 200', 'others are served meanwhile');
    ok(!IO::Select->new($delayed)->can_read(0)
       || time - $begin >= 1.4, 'and the delayed one is not, yet');

    my $response = $nginx->receive($delayed);
    my $took = time - $begin;

    is($response->{status}, 200, 'the delayed one is served then');
    cmp_ok($took, '>=', 1.4, 'after its delay');
    cmp_ok($took, '<', 10, 'and not much later');
    cmp_ok($quick, '<', $took, 'the others were quicker');
    is($response->{headers}{'x-fraud'}, '50 delay [slow=50]', 'and it says so');

    my $post = $nginx->get('/proxy?slow=1', method => 'POST',
                           body => 'x' x 200000);
    is($post->{status}, 200, 'a request with a body is delayed and served');

    # a client that leaves while delayed leaves nothing behind

    my @gone = map { $nginx->send('/?forever=1') } 1 .. 20;
    is($nginx->get('/')->{status}, 200, 'a few are delayed for long');
    close $_ for @gone;
    is($nginx->get('/')->{status}, 200, 'and leave without harm');

    my $dropped = $nginx->get('/?drop=1');
    is($dropped->{raw}, '', 'a dropped request gets no byte');
    my $before = $nginx->send_raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        . "GET /?drop=1 HTTP/1.1\r\nHost: a\r\n\r\n"
        . "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    my $raw = $nginx->receive($before)->{raw};
    is(() = $raw =~ m{HTTP/1\.1 200}g, 1, 'and its connection is closed');

    # 1,000 at most are delayed, then the answer is limit

    my @held = map { $nginx->send('/?forever=1') } 1 .. 900;
    is($nginx->get('/?slow=1')->{status}, 200, '900 may be delayed');

    push @held, map { $nginx->send('/?forever=1') } 1 .. 100;
    my $over = $nginx->get('/?forever=1');
    is($over->{status}, 429, '1,000 are delayed, not one more');
    is($over->{headers}{'x-fraud'}, '60 limit [forever=60]', 'but limited');
    is($nginx->get('/')->{status}, 200, 'others are still served');
    is($nginx->status->{requests}{overdelayed}, 1, 'it is counted');

    close $_ for splice @held, 0, 500;
    ok(Fraud::wait_for(sub {
        my $one = $nginx->send('/?slow=1');
        return $nginx->receive($one)->{status} == 200;
    }), 'requests of clients that left are not counted on');

    close $_ for @held;
    $nginx->ends;
}

run_tests();

__DATA__

=== TEST 1: limit says when to come back
--- config
    location /gif {
        fraud enforce;
        fraud_rate flood address rate=5r/m burst=1 points=75;
        fraud_action 70 limit;
        empty_gif;
    }
--- pipelined_requests eval
[("GET /gif") x 3]
--- error_code eval
[200, 200, 429]
--- raw_response_headers_like eval
["X-Fraud: 0 allow", "X-Fraud: 0 allow",
 "RateLimit: \"flood\";r=0;t=12\r\n"
 . "RateLimit-Policy: \"flood\";q=5;w=60\r\n"
 . "Retry-After: 12\r\n"]
--- raw_response_headers_unlike eval
["Retry-After", "RateLimit", "Retry-After.*Retry-After"]



=== TEST 2: the units of the policy are those of the rate
--- config
    fraud enforce;
    fraud_action 70 limit;
    location /h { fraud_rate h address rate=4r/h points=75; empty_gif; }
    location /d { fraud_rate d address rate=1r/d points=75; empty_gif; }
    location /cost { fraud_rate cost address rate=1r/m burst=9 cost=8 points=75; empty_gif; }
--- pipelined_requests eval
["GET /h", "GET /h", "GET /d", "GET /d", "GET /cost", "GET /cost"]
--- error_code eval
[200, 429, 200, 429, 200, 429]
--- response_headers eval
["!Retry-After", "RateLimit: \"h\";r=0;t=900
RateLimit-Policy: \"h\";q=4;w=3600
Retry-After: 900",
"!Retry-After", "RateLimit: \"d\";r=0;t=86400
RateLimit-Policy: \"d\";q=1;w=86400
Retry-After: 86400",
"!Retry-After", "RateLimit: \"cost\";r=0;t=360
RateLimit-Policy: \"cost\";q=1;w=60
Retry-After: 360"]



=== TEST 3: limit without a rate has nothing to say
--- config
    location /gif {
        fraud enforce;
        fraud_signal shady points=75;
        fraud_rate ghost address rate=1r/d points=5 shadow;
        fraud_action 70 limit;
        empty_gif;
    }
--- pipelined_requests eval
["GET /gif", "GET /gif"]
--- error_code eval
[429, 429]
--- response_headers eval
[("!Retry-After
!RateLimit
!RateLimit-Policy
X-Fraud: 75 limit [shady=75]") x 2]



=== TEST 4: more than one rate over: each is told, the longest wait counts
--- http_config
    fraud_identity session $cookie_sid kind=session;
--- config
    location /gif {
        fraud enforce;
        fraud_rate slow session rate=2r/h points=30;
        fraud_rate fast address rate=6r/m points=40;
        fraud_rate wide address rate=1r/d burst=9 points=50;
        fraud_rate ghost address rate=1r/d points=50 shadow;
        fraud_action 70 limit;
        empty_gif;
    }
--- pipelined_requests eval
["GET /gif", "GET /gif"]
--- more_headers
Cookie: sid=1
--- error_code eval
[200, 429]
--- response_headers eval
["X-Fraud: 0 allow []", "X-Fraud: 70 limit [fast=40,slow=30]
RateLimit: \"slow\";r=0;t=1800, \"fast\";r=0;t=10
RateLimit-Policy: \"slow\";q=2;w=3600, \"fast\";q=6;w=60
Retry-After: 1800"]



=== TEST 5: the highest threshold that was reached acts, with its status
--- config
    location /gif {
        fraud enforce;
        fraud_signal a if=$arg_a points=40;
        fraud_signal b if=$arg_b points=30;
        fraud_signal c if=$arg_c points=29;
        fraud_action 100 deny;
        fraud_action 99 deny status=404;
        fraud_action 70 limit status=503;
        fraud_action 40 delay=1ms;
        empty_gif;
    }
--- pipelined_requests eval
["GET /gif?b=1", "GET /gif?a=1", "GET /gif?a=1&c=1", "GET /gif?a=1&b=1",
 "GET /gif?a=1&b=1&c=1"]
--- error_code eval
[200, 200, 200, 503, 404]
--- response_headers eval
main::fraud("30 allow [b=30]", "40 delay [a=40]", "69 delay [a=40,c=29]",
            "70 limit [a=40,b=30]", "99 deny [a=40,b=30,c=29]")



=== TEST 6: deny is 403 where nothing else is said
--- config
    location /gif {
        fraud enforce;
        fraud_signal a points=100;
        fraud_action 90 deny;
        empty_gif;
    }
--- request
GET /gif
--- error_code: 403
--- response_headers
X-Fraud: 100 deny [a=100]
!Retry-After



=== TEST 7: observe says what enforce would do, and does nothing
--- config
    fraud_signal a if=$arg_a points=40;
    fraud_signal b if=$arg_b points=40;
    fraud_signal c if=$arg_c points=20;
    fraud_rate flood address rate=1r/d points=0;
    fraud_action 40 delay=60s;
    fraud_action 80 limit;
    fraud_action 100 drop;
    location /observe { fraud observe; empty_gif; }
--- pipelined_requests eval
["GET /observe", "GET /observe?a=1", "GET /observe?a=1&b=1",
 "GET /observe?a=1&b=1&c=1"]
--- response_headers eval
["X-Fraud: 0 allow []", "X-Fraud: 40 delay [a=40,flood=0]",
 "X-Fraud: 80 limit [a=40,b=40,flood=0]\n!Retry-After\n!RateLimit",
 "X-Fraud: 100 drop [a=40,b=40,c=20,flood=0]"]



=== TEST 8: without an action enforce acts on nothing
--- config
    location /gif {
        fraud enforce;
        fraud_signal a points=100;
        empty_gif;
    }
--- suppress_stderr
--- request
GET /gif
--- response_headers
X-Fraud: 100 allow [a=100]



=== TEST 9: error_page for a limited request keeps headers and variables
--- config
    fraud enforce;
    fraud_rate flood address rate=5r/m points=75;
    fraud_action 70 limit;
    location /gif {
        error_page 429 /slow.html;
        empty_gif;
    }
    location /named {
        error_page 429 @slow;
        empty_gif;
    }
    location /changed {
        error_page 429 =503 /slow.html;
        empty_gif;
    }
    location = /slow.html { root html; }
    location @slow { return 429 "$fraud_score $fraud_action\n"; }
--- user_files
>>> slow.html
come back
--- pipelined_requests eval
["GET /gif", "GET /gif", "GET /named", "GET /changed"]
--- error_code eval
[200, 429, 429, 503]
--- response_body_like eval
["GIF", "^come back\n\$", "^75 limit\n\$", "^come back\n\$"]
--- response_headers eval
["X-Fraud: 0 allow []", ("RateLimit: \"flood\";r=0;t=12
RateLimit-Policy: \"flood\";q=5;w=60
Retry-After: 12
X-Fraud: 75 limit [flood=75]") x 3]



=== TEST 10: a delayed request goes on where it was
--- config
    location /gif {
        fraud enforce;
        fraud_signal a points=50;
        fraud_action 50 delay=20ms;
        try_files $uri @next;
    }
    location @next { return 200 "$uri $fraud_action\n"; }
--- pipelined_requests eval
["GET /gif/1", "POST /gif/2
hello", "GET /gif/3"]
--- response_body eval
["/gif/1 delay\n", "/gif/2 delay\n", "/gif/3 delay\n"]
--- response_headers eval
main::fraud(("50 delay [a=50]") x 3)



=== TEST 11: the header has room for eight rates
--- config
    location /gif {
        fraud enforce;
        fraud_rate r1 address rate=1r/d points=10;
        fraud_rate r2 address rate=1r/d points=10;
        fraud_rate r3 address rate=1r/d points=10;
        fraud_rate r4 address rate=1r/d points=10;
        fraud_rate r5 address rate=1r/d points=10;
        fraud_rate r6 address rate=1r/d points=10;
        fraud_rate r7 address rate=1r/d points=10;
        fraud_rate r8 address rate=1r/d points=10;
        fraud_rate an_especially_long_name_of_32_ch address rate=1r/d points=1;
        fraud_action 70 limit;
        empty_gif;
    }
--- pipelined_requests eval
["GET /gif", "GET /gif"]
--- error_code eval
[200, 429]
--- raw_response_headers_like eval
["X-Fraud: 0 ", "RateLimit: (\"r[1-8]\";r=0;t=86400, ){7}\"r8\";r=0;t=86400\r\n"
 . "RateLimit-Policy: (\"r[1-8]\";q=1;w=86400, ){7}\"r8\";q=1;w=86400\r\n"]
