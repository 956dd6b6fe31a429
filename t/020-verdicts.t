use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;

repeat_each(1);

plan tests => repeat_each() * 444;

our $Show = <<'_EOC_';
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Forwarded-For;
    fraud_action 90 deny;
    add_header X-Fraud "$fraud_score $fraud_action [$fraud_reasons]" always;
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

=== TEST 1: a pattern adds its points
--- config
    location /gif {
        fraud enforce;
        fraud_match scanner $http_user_agent "sqlmap|nikto" nocase points=60;
        fraud_match exact $http_user_agent "SQLmap" points=5;
        fraud_match anonymous $http_user_agent "^$" points=10;
        empty_gif;
    }
--- pipelined_requests eval
["GET /gif", "GET /gif", "GET /gif", "GET /gif"]
--- more_headers eval
["User-Agent: Mozilla/5.0", "User-Agent: SQLMap/1.7", "User-Agent: SQLmap",
 "X-None: 1"]
--- response_headers eval
main::fraud("0 allow []", "60 allow [scanner=60]",
            "65 allow [scanner=60,exact=5]", "10 allow [anonymous=10]")



=== TEST 2: a file of patterns
--- config
    location /gif {
        fraud enforce;
        fraud_match paths $request_uri
                    file=$TEST_NGINX_SERVER_ROOT/html/paths.txt nocase points=30;
        empty_gif;
    }
--- user_files
>>> paths.txt
# sensitive
/\.git/

\.env(\?|$)
--- pipelined_requests eval
["GET /gif", "GET /gif/.GIT/config", "GET /gif/x.env?a", "GET /gif/x.envy",
 "GET /gif#sensitive"]
--- response_headers eval
main::fraud("0 allow []", "30 allow [paths=30]", "30 allow [paths=30]",
            "0 allow []", "0 allow []")



=== TEST 3: a rate fires when its bucket is over, for that subject only
--- config
    location /gif {
        fraud enforce;
        fraud_rate flood address rate=1r/h burst=2 points=40;
        empty_gif;
    }
--- pipelined_requests eval
[("GET /gif") x 6]
--- more_headers eval
main::from(("192.0.2.1") x 5, "192.0.2.2")
--- response_headers eval
main::fraud(("0 allow []") x 3, ("40 allow [flood=40]") x 2, "0 allow []")



=== TEST 4: a bucket belongs to the identity and the signal, not to a location
--- http_config
    fraud_identity session $cookie_sid kind=session;
    fraud_rate flood session rate=1r/h points=40;
--- config
    location /one { fraud enforce; empty_gif; }
    location /two { fraud enforce; empty_gif; }
--- pipelined_requests eval
["GET /one", "GET /two", "GET /two", "GET /one", "GET /one"]
--- more_headers eval
["Cookie: sid=a", "Cookie: sid=a", "Cookie: sid=b", "X-None: 1", "X-None: 1"]
--- response_headers eval
main::fraud("0 allow []", "40 allow [flood=40]", "0 allow []",
            "0 allow []", "0 allow []")



=== TEST 5: a rate counts what if= says, at the cost that cost= says
--- config
    location /gif {
        fraud enforce;
        fraud_rate flood address rate=1r/h burst=9 cost=$arg_cost
                   if=$arg_count points=40;
        empty_gif;
    }
--- pipelined_requests eval
["GET /gif?count=1&cost=8", "GET /gif?cost=8", "GET /gif?count=0&cost=8",
 "GET /gif?count=1&cost=3", "GET /gif?count=1&cost=no", "GET /gif?count=1",
 "GET /gif?count=1"]
--- response_headers eval
main::fraud(("0 allow []") x 3, "40 allow [flood=40]", ("0 allow []") x 2,
            "40 allow [flood=40]")



=== TEST 6: a list of networks
--- config
    location /gif {
        fraud enforce;
        fraud_list bad $remote_addr
                   file=$TEST_NGINX_SERVER_ROOT/html/bad.txt points=90;
        fraud_list header $http_x_peer
                   file=$TEST_NGINX_SERVER_ROOT/html/bad.txt points=20;
        empty_gif;
    }
--- user_files
>>> bad.txt
# two networks and a host
192.0.2.0/25
2001:db8:bad::/48   ; why
198.51.100.7
--- pipelined_requests eval
[("GET /gif") x 7]
--- more_headers eval
["X-Forwarded-For: 192.0.2.127", "X-Forwarded-For: 192.0.2.128",
 "X-Forwarded-For: 2001:db8:bad:1::1", "X-Forwarded-For: 2001:db8:bae::1",
 "X-Forwarded-For: 198.51.100.7", "X-Forwarded-For: ::ffff:198.51.100.7",
 "X-Peer: 192.0.2.1"]
--- error_code eval
[403, 200, 403, 200, 403, 403, 200]
--- response_headers eval
main::fraud("90 deny [bad=90]", "0 allow []", "90 deny [bad=90]",
            "0 allow []", "90 deny [bad=90]", "90 deny [bad=90]",
            "20 allow [header=20]")



=== TEST 7: a list of strings
--- config
    location /gif {
        fraud enforce;
        fraud_list stolen $arg_card type=string
                   file=$TEST_NGINX_SERVER_ROOT/html/stolen.txt points=70;
        empty_gif;
    }
--- user_files
>>> stolen.txt
card-1
card-22
--- pipelined_requests eval
["GET /gif?card=card-1", "GET /gif?card=card-2", "GET /gif?card=card-22",
 "GET /gif?card=CARD-1", "GET /gif"]
--- response_headers eval
main::fraud("70 allow [stolen=70]", "0 allow []", "70 allow [stolen=70]",
            "0 allow []", "0 allow []")



=== TEST 8: trust ends scoring at 0, wherever it is declared
--- config
    location /gif {
        fraud enforce;
        fraud_signal always points=95;
        fraud_rate flood address rate=1r/h points=40;
        fraud_list office $remote_addr
                   file=$TEST_NGINX_SERVER_ROOT/html/office.txt trust;
        empty_gif;
    }
--- user_files
>>> office.txt
192.0.2.0/24
--- pipelined_requests eval
[("GET /gif") x 4]
--- more_headers eval
main::from("192.0.2.1", "192.0.2.1", "192.0.2.1", "198.51.100.1")
--- error_code eval
[200, 200, 200, 403]
--- response_headers_like eval
[("X-Fraud: 0 allow \\[(?:trust\\.)?office=0\\]") x 3,
 "X-Fraud: 95 deny \\[always=95\\]"]



=== TEST 9: a condition is true when it is neither empty nor 0
--- config
    location /gif {
        fraud enforce;
        fraud_signal shady if=$arg_x points=10;
        fraud_signal both if=$arg_x$arg_y points=3;
        fraud_signal always points=1;
        empty_gif;
    }
--- pipelined_requests eval
["GET /gif?x=yes", "GET /gif", "GET /gif?x=", "GET /gif?x=0", "GET /gif?x=00",
 "GET /gif?x=0&y=0"]
--- response_headers eval
main::fraud("14 allow [shady=10,both=3,always=1]", "1 allow [always=1]",
            "1 allow [always=1]", "1 allow [always=1]",
            "14 allow [shady=10,both=3,always=1]",
            "4 allow [both=3,always=1]")



=== TEST 10: a shadow adds no points and no reason, and teaches nothing
--- http_config
    fraud_reputation address half_life=1h;
--- config
    location /gif {
        fraud enforce;
        fraud_signal shady if=$arg_x points=100 shadow;
        fraud_rate flood address rate=1r/h points=100 shadow;
        fraud_signal counted if=$arg_x points=10;
        empty_gif;
    }
--- pipelined_requests eval
["GET /gif", "GET /gif", "GET /gif?x=1", "GET /gif"]
--- response_headers_like eval
["X-Fraud: 0 allow \\[\\]", "X-Fraud: 0 allow \\[\\]",
 "X-Fraud: 10 allow \\[counted=10\\]",
 "X-Fraud: (9|10) allow \\[reputation.address=(9|10)\\]"]



=== TEST 11: reputation is what was earned before, by weight and at most max
--- http_config
    fraud_identity session $cookie_sid kind=session;
    fraud_reputation address half_life=30d max=60;
    fraud_reputation session half_life=30d weight=0.5;
--- config
    location /gif {
        fraud enforce;
        fraud_signal shady if=$arg_x points=40;
        empty_gif;
    }
--- pipelined_requests eval
["GET /gif?x=1", "GET /gif", "GET /gif", "GET /gif?x=1", "GET /gif",
 "GET /gif"]
--- more_headers eval
["X-Forwarded-For: 192.0.2.1\nCookie: sid=a",
 "X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2\nCookie: sid=a",
 "X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.1",
 "X-Forwarded-For: 192.0.2.2"]
--- response_headers_like eval
["X-Fraud: 40 allow \\[shady=40\\]",
 "X-Fraud: (39|40) allow \\[reputation.address=(39|40)\\]",
 "X-Fraud: (19|20) allow \\[reputation.session=(19|20)\\]",
 "X-Fraud: (79|80) allow \\[.*\\]",
 "X-Fraud: 60 allow \\[reputation.address=60\\]",
 "X-Fraud: 0 allow \\[\\]"]



=== TEST 12: reputation halves
--- http_config
    fraud_reputation address half_life=3s;
--- config
    location /gif {
        fraud enforce;
        fraud_signal shady if=$arg_x points=80;
        empty_gif;
    }
--- request eval
["GET /gif?x=1", "GET /gif"]
--- wait: 3.1
--- response_headers_like eval
["X-Fraud: 80 allow \\[shady=80\\]",
 "X-Fraud: (\\d|[123]\\d) allow \\[reputation.address=(\\d|[123]\\d)\\]"]



=== TEST 13: signals and actions accumulate from block to block
--- http_config
    fraud enforce;
    fraud_signal outer if=$arg_x points=10;
    fraud_action 30 deny status=410;
--- config
    fraud_signal middle if=$arg_x points=10;
    fraud_action 20 deny status=409;
    location /in {
        fraud_signal inner if=$arg_x points=10;
        empty_gif;
    }
    location /changed {
        fraud_signal inner if=$arg_x points=10;
        fraud_action 30 deny status=411;
        empty_gif;
    }
    location /out { empty_gif; }
--- pipelined_requests eval
["GET /in?x=1", "GET /out?x=1", "GET /changed?x=1", "GET /in"]
--- error_code eval
[410, 409, 411, 200]
--- response_headers eval
main::fraud("30 deny [outer=10,middle=10,inner=10]",
            "20 deny [outer=10,middle=10]",
            "30 deny [outer=10,middle=10,inner=10]", "0 allow []")



=== TEST 14: an inner block switches off and replaces, in the place of the outer
--- http_config
    fraud enforce;
    fraud_signal one points=10;
    fraud_match two $uri "." points=10;
    fraud_rate three address rate=1r/d points=10;
    fraud_signal four points=10;
--- config
    location /gif { empty_gif; }
    location /off {
        fraud_signal two off;
        fraud_signal three off;
        empty_gif;
    }
    location /other {
        fraud_signal two points=10;
        fraud_match one $uri "x" points=10;
        empty_gif;
    }
    location /none {
        fraud off;
        add_header X-Fraud "off$fraud_score$fraud_action$fraud_reasons";
        empty_gif;
    }
--- pipelined_requests eval
["GET /gif", "GET /gif", "GET /off", "GET /other", "GET /none"]
--- response_headers eval
main::fraud("30 allow [one=10,two=10,four=10]",
            "40 allow [one=10,two=10,three=10,four=10]",
            "20 allow [one=10,four=10]",
            "30 allow [two=10,three=10,four=10]", "off")



=== TEST 15: what an included file declares is replaced from outside
--- http_config
    include $TEST_NGINX_SERVER_ROOT/html/rules.conf;
    fraud_signal one points=7;
    fraud_signal two off;
    fraud_identity session $http_x_session kind=session;
--- config
    location /gif { fraud enforce; empty_gif; }
--- user_files
>>> rules.conf
fraud_identity session $cookie_sid kind=session;
fraud_signal one points=50;
fraud_signal two points=50;
fraud_signal three points=1;
fraud_rate four session rate=1r/h points=2;
--- pipelined_requests eval
["GET /gif", "GET /gif", "GET /gif"]
--- more_headers eval
["X-Session: a", "X-Session: a", "Cookie: sid=a"]
--- response_headers eval
main::fraud("8 allow [one=7,three=1]", "10 allow [one=7,four=2,three=1]",
            "8 allow [one=7,three=1]")



=== TEST 16: at most 100, the most first, ties as configured
--- config
    location /gif {
        fraud observe;
        fraud_signal c points=30;
        fraud_signal a points=60;
        fraud_signal b points=30;
        fraud_match d $uri "gif" points=0;
        fraud_signal e points=100;
        empty_gif;
    }
--- request
GET /gif
--- response_headers
X-Fraud: 100 deny [e=100,a=60,c=30,b=30,d=0]
