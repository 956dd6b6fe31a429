use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;

use Fraud;

repeat_each(1);

plan tests => 322;

our $Show = <<'_EOC_';
    fraud_action 99 deny;
    add_header X-Fraud "$fraud_score $fraud_action [$fraud_reasons]" always;
    log_format fraud '<$request_uri $status $fraud_score $fraud_action '
                     '[$fraud_reasons]>';
    access_log $TEST_NGINX_SERVER_ROOT/logs/access.log fraud;
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

# requests that are none do no harm; where headers were parsed they are scored

{
    my $nginx = Fraud->new(workers => 1, http => <<'HTTP', server => <<'END');
        fraud enforce;
        fraud_identity session $cookie_sid kind=session;
        fraud_identity host "$host$http_host" kind=device;
        fraud_signal a if=$http_x_a points=50;
        fraud_signal b if=$request_method points=1;
        fraud_rate flood session rate=1r/h points=50;
        fraud_match agent $http_user_agent "curl" points=1;
        fraud_match line $request "x" points=1;
        fraud_reputation address half_life=1h max=10;
        fraud_action 90 deny;
        fraud_log %DIR%/logs/fraud.log;
        large_client_header_buffers 2 1k;
HTTP
        location / { empty_gif; }
        location /status { fraud off; fraud_status json; }
END

    my @bad = (
        "\r\n\r\n", "GET\r\n\r\n", "GET  HTTP/1.1\r\n\r\n", "\0\0\0\0\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" . "x" x 400,
        "GET / HTTP/9.9\r\n\r\n", "get / http/1.1\r\n\r\n",
        "GET /" . 'x' x 5000 . " HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /../../x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nbroken\0: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nCookie: sid=" . 'x' x 3000 . "\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET /\r\n", "GET / HTTP/1.0\r\n\r\n",
    );

    for my $bytes (@bad) {
        my $socket = $nginx->send_raw($bytes);
        shutdown $socket, 1;
        my $response = $nginx->receive($socket);
        (my $shown = substr $bytes, 0, 40) =~ s/[^ -~]/./g;
        unlike($response->{raw}, qr{^HTTP/1.1 500}, "no harm in \"$shown\"");
    }

    # cut at every byte
    my $request = "POST /x HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nCookie: sid=1\r\n"
        . "Content-Length: 3\r\n\r\nabc";
    for my $len (0 .. length $request) {
        close $nginx->send_raw(substr $request, 0, $len);
    }

    is($nginx->get('/')->{status}, 200, 'nginx is well after that');
    is(scalar(() = $nginx->error_log =~ /exited on signal/g), 0,
       'and no worker left');

    my $status = $nginx->status;
    cmp_ok($status->{requests}{late}, '>', 3, 'some were evaluated late');
    is($status->{requests}{total},
       (() = $nginx->slurp('logs/fraud.log') =~ /^\{.*\}$/mg),
       'each that was evaluated has a line in the log');
    $nginx->ends(qr/client sent|client intended|invalid/);
}

# one warning, though 2 workers meet it, and a reload does not repeat it

{
    my $nginx = Fraud->new(workers => 2, realip => 0, server => <<'END');
        fraud observe;
        location / { empty_gif; }
END
    my $warned = sub {
        return scalar(() = $nginx->error_log =~
                      /\[warn\].*X-Forwarded-For has a private address/g);
    };

    $nginx->get('/') for 1 .. 5;
    is($warned->(), 0, 'no warning without X-Forwarded-For');
    $nginx->get('/', from => '192.0.2.1') for 1 .. 20;
    is($warned->(), 1, 'one warning about X-Forwarded-For without realip');
    ok($nginx->reload, 'reloaded');
    $nginx->get('/', from => '192.0.2.1') for 1 .. 20;
    is($warned->(), 1, 'none after a reload');
    unlike($nginx->error_log, qr/192\.0\.2\.1/, 'the address is not in it');
    $nginx->ends;

    $nginx = Fraud->new(server => <<'END');
        fraud observe;
        location / { empty_gif; }
END
    $nginx->get('/', from => $_) for qw(192.0.2.1 10.0.0.1);
    unlike($nginx->error_log, qr/X-Forwarded-For/, 'no warning with realip');
    $nginx->ends;
}

run_tests();

__DATA__

=== TEST 1: a trap that returns at once is evaluated in the log phase
--- http_config
    fraud_reputation address half_life=30d;
--- config
    fraud enforce;
    fraud_action 10 deny;
    location /trap { fraud_signal trap points=80; return 404; }
    location /gif { fraud_action 70 deny status=410; empty_gif; }
--- pipelined_requests eval
["GET /gif", "GET /trap", "GET /gif"]
--- error_code eval
[200, 404, 410]
--- response_headers_like eval
["X-Fraud: 0 allow \\[\\]", "X-Fraud:  ? ?\\[?\\]?",
 "X-Fraud: (79|80) deny \\[reputation.address=(79|80)\\]"]
--- access_log eval
[qr/<\/gif 200 0 allow \[\]>/, qr/<\/trap 404 80 allow \[trap=80\]>/,
 qr/<\/gif 410 (79|80) deny \[reputation.address=(79|80)\]>/]



=== TEST 2: realip of a location counts
--- config
    fraud enforce;
    fraud_list bad $remote_addr file=$TEST_NGINX_SERVER_ROOT/html/bad.txt points=90;
    fraud_action 90 deny;
    location /with {
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Client;
        empty_gif;
    }
    location /without { empty_gif; }
--- user_files
>>> bad.txt
192.0.2.1
--- pipelined_requests eval
["GET /without", "GET /with"]
--- more_headers
X-Client: 192.0.2.1
--- error_code eval
[200, 403]
--- response_headers eval
main::fraud("0 allow []", "90 deny [bad=90]")



=== TEST 3: scored once, where it came in, whatever happens inside
--- config
    fraud enforce;
    fraud_rate flood address rate=1r/d burst=5 points=100;
    fraud_action 100 deny;
    location /dir/ { fraud_signal first points=10; root html; index x.html; }
    location /dir/x.html { fraud_signal second points=20; root html; }
    location /try { fraud_signal first points=10; try_files /none /dir/x.html; }
    location /named { fraud_signal first points=10; try_files /none @named; }
    location @named {
        fraud_signal second points=20;
        rewrite ^ /dir/x.html break;
        root html;
    }
    location /error { fraud_signal first points=10; error_page 405 =200 /dir/x.html; empty_gif; }
    location /accel { fraud_signal first points=10; proxy_pass http://127.0.0.1:$server_port/app; }
    location /app { fraud off; add_header X-Accel-Redirect /dir/x.html; return 204; }
    location /rewrite { fraud_signal first points=10; rewrite ^ /dir/x.html last; }
--- user_files
>>> dir/x.html
x
--- pipelined_requests eval
["GET /dir/", "GET /try", "GET /named", "POST /error
x", "GET /accel", "GET /rewrite", "GET /dir/"]
--- error_code eval
[200, 200, 200, 200, 200, 200, 403]
--- response_headers eval
main::fraud(("10 allow [first=10]") x 5, "20 allow [second=20]",
            "100 deny [flood=100,first=10]")



=== TEST 4: what was off where it came in is scored where it goes
--- config
    location /off { fraud off; error_page 405 =200 /gif; empty_gif; }
    location /gif {
        fraud enforce;
        fraud_signal a points=20;
        root html;
        try_files /x.html =404;
    }
--- user_files
>>> x.html
x
--- request
POST /off
--- response_headers
X-Fraud: 20 allow [a=20]



=== TEST 5: subrequests are not scored, and see the score of their request
--- config
    fraud enforce;
    fraud_rate flood address rate=1r/d burst=1 points=100;
    fraud_action 100 deny;
    location /gif {
        fraud_signal a points=10;
        auth_request /auth;
        auth_request_set $seen $upstream_http_x_seen;
        add_header X-Fraud "$fraud_score $fraud_action, seen <$seen>" always;
        mirror /mirror;
        empty_gif;
    }
    location /auth {
        fraud_signal b points=99;
        proxy_pass http://127.0.0.1:$server_port/app;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
        proxy_set_header X-Score $fraud_score;
    }
    location /mirror { fraud_signal c points=99; return 204; }
    location /off {
        fraud off;
        auth_request /auth;
        add_header X-Fraud "none$fraud_score$fraud_action";
        empty_gif;
    }
    location /app { fraud off; add_header X-Seen $http_x_score; return 204; }
--- pipelined_requests eval
[("GET /off?") x 3, "GET /gif", "GET /gif", "GET /gif"]
--- error_code eval
[200, 200, 200, 200, 200, 403]
--- response_headers eval
main::fraud(("none") x 3, "10 allow, seen <10>", "10 allow, seen <10>",
            "100 deny, seen <>")



=== TEST 6: satisfy any does not let pass what is denied
--- config
    fraud enforce;
    fraud_signal a if=$arg_a points=100;
    fraud_action 100 deny status=410;
    location /gif {
        satisfy any;
        allow 127.0.0.1;
        deny all;
        auth_basic x;
        auth_basic_user_file $TEST_NGINX_SERVER_ROOT/html/none;
        empty_gif;
    }
--- user_files
>>> none
--- pipelined_requests eval
["GET /gif", "GET /gif?a=1"]
--- error_code eval
[200, 410]



=== TEST 7: a rate on responses: the limit passes, then requests score
--- http_config
    map $status $failed { volatile; 401 1; default ""; }
--- config
    fraud enforce;
    fraud_rate failures address rate=5r/m burst=5 if=$failed on=response points=60;
    location /login {
        auth_basic x;
        auth_basic_user_file $TEST_NGINX_SERVER_ROOT/html/none;
        set $early $failed;
    }
    location /gif { empty_gif; }
--- user_files
>>> none
--- pipelined_requests eval
["GET /gif", ("GET /login") x 6, "GET /gif", "GET /login", "GET /gif"]
--- error_code eval
[200, (401) x 6, 200, 401, 200]
--- response_headers eval
main::fraud(("0 allow []") x 7, ("60 allow [failures=60]") x 3)



=== TEST 8: what returns at once is charged on its response as well
--- http_config
    map $status $failed { volatile; 403 1; default ""; }
--- config
    fraud enforce;
    fraud_rate failures address rate=1r/h burst=1 if=$failed on=response points=60;
    fraud_action 50 limit;
    location /login { return 403; }
    location /gif { empty_gif; }
--- pipelined_requests eval
["GET /login", "GET /gif", "GET /login", "GET /gif", "GET /login"]
--- error_code eval
[403, 200, 403, 429, 403]
--- access_log
</login 403 0 allow []>
</login 403 60 allow [failures=60]>
</gif 429 60 limit [failures=60]>



=== TEST 9: HEAD, and POST with a body
--- config
    fraud enforce;
    fraud_signal a if=$arg_a points=100;
    fraud_action 90 deny;
    location /up { proxy_pass http://127.0.0.1:$server_port/app; }
    location /app { fraud off; add_header X-App 1; return 200 "ok\n"; }
--- request eval
["HEAD /up", "HEAD /up?a=1", "POST /up
" . "x" x 100000, "POST /up?a=1
" . "x" x 100000, "POST /up?a=1
" . "x" x 10]
--- error_code eval
[200, 403, 200, 403, 403]
--- response_headers eval
main::fraud("0 allow []", "100 deny [a=100]", "0 allow []", "100 deny [a=100]",
            "100 deny [a=100]")



=== TEST 10: a body that is too large is evaluated late
--- config
    location /up {
        client_max_body_size 10;
        fraud enforce;
        fraud_signal a points=100;
        fraud_action 90 deny;
        empty_gif;
    }
--- request
POST /up
01234567890
--- error_code: 413
--- access_log
</up 413 100 allow [a=100]>
--- no_error_log
[alert]
[emerg]
[crit]



=== TEST 11: limit_req comes first, what it refuses is evaluated late
--- http_config
    limit_req_zone $arg_key zone=one:1m rate=1r/m;
    limit_req_log_level info;
--- config
    location /gif {
        limit_req zone=one;
        fraud enforce;
        fraud_signal a points=100;
        fraud_action 90 deny;
        empty_gif;
    }
--- pipelined_requests eval
["GET /gif?key=1", "GET /gif?key=1"]
--- error_code eval
[403, 503]
--- access_log
</gif?key=1 403 100 deny [a=100]>
</gif?key=1 503 100 allow [a=100]>
