use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;

repeat_each(1);

plan tests => repeat_each() * 181;

our $Realip = <<'_EOC_';
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Forwarded-For;
    fraud_action 99 deny;
_EOC_

add_block_preprocessor(sub {
    my $block = shift;

    $block->set_value(http_config => $Realip . ($block->http_config // ''));

    if (!defined $block->no_error_log) {
        $block->set_value(no_error_log => "[error]\n[alert]\n[emerg]\n[crit]");
    }
});

# hops(variables, headers of the second hop, ...): a request visits /1, /2, ...
# as the clients that these headers make it, and shows the variables of all

sub hops {
    my ($vars, @headers) = @_;
    my ($config, $n) = ('', 0);

    for my $headers (@headers, undef) {
        $n++;
        my $all = ($n > 1 ? '$http_x_before ' : '') . $vars;
        my $set = join '', map { "proxy_set_header $_;" } @{ $headers || [] };

        $config .= "location /$n { fraud observe; "
            . ($headers ? "$set proxy_set_header X-Before '$all';"
                  . " proxy_pass http://127.0.0.1:\$server_port/" . ($n + 1) . ';'
                : "add_header X-All '$all'; empty_gif;")
            . " }\n";
    }

    return $config;
}

no_long_string();
run_tests();

__DATA__

=== TEST 1: all of them in the access log
--- http_config
    log_format fraud '<$uri $fraud_score $fraud_action $fraud_reasons '
                     '$fraud_mode $fraud_state>';
    access_log $TEST_NGINX_SERVER_ROOT/logs/access.log fraud;
    fraud_signal a if=$arg_a points=50;
    fraud_signal b if=$arg_a points=30;
    fraud_action 80 deny;
--- config
    fraud off;
    location /observe { fraud observe; empty_gif; }
    location /enforce { fraud enforce; empty_gif; }
    location /late { fraud enforce; return 410; }
    location /off { fraud off; empty_gif; }
--- pipelined_requests eval
["GET /observe?a=1", "GET /enforce?a=1", "GET /off?a=1", "GET /enforce",
 "GET /observe", "GET /late?a=1"]
--- error_code eval
[200, 403, 200, 200, 200, 410]
--- access_log
</observe 80 deny a=50,b=30 observe ok>
</enforce 80 deny a=50,b=30 enforce ok>
</late 80 allow a=50,b=30 enforce ok>
</off - - - off ->
</enforce 0 allow  enforce ok>
</observe 0 allow  observe ok>



=== TEST 2: in headers, also those of errors
--- config
    fraud enforce;
    fraud_signal a if=$arg_a points=50;
    fraud_signal b if=$arg_a points=30;
    fraud_action 80 deny;
    add_header X-Fraud "$fraud_score,$fraud_action,$fraud_reasons,$fraud_mode,$fraud_state" always;
    location /gif { empty_gif; }
    location /missing { root html; log_not_found off; }
--- pipelined_requests eval
["GET /gif", "GET /gif?a=1", "GET /missing"]
--- error_code eval
[200, 403, 404]
--- response_headers eval
["X-Fraud: 0,allow,,enforce,ok", "X-Fraud: 80,deny,a=50,b=30,enforce,ok",
 "X-Fraud: 0,allow,,enforce,ok"]



=== TEST 3: to an upstream, and in a map
--- http_config
    map $fraud_score $risk {
        volatile;
        ~^[0-9]$ low;
        ~        high;
        default  none;
    }
--- config
    location /app {
        fraud observe;
        fraud_signal a if=$arg_a points=50;
        fraud_action 50 limit;
        proxy_set_header X-Score $fraud_score;
        proxy_set_header X-Action $fraud_action;
        proxy_set_header X-Reasons $fraud_reasons;
        proxy_set_header X-Risk $risk;
        proxy_set_header X-Pid $fraud_address_pid;
        proxy_pass http://127.0.0.1:$server_port/upstream;
    }
    location /upstream {
        return 200 "$http_x_score $http_x_action $http_x_reasons $http_x_risk $http_x_pid\n";
    }
--- pipelined_requests eval
["GET /app?a=1", "GET /app"]
--- response_body_like eval
["^50 limit a=50 high [a-z2-7]{26}\n\$", "^0 allow  low [a-z2-7]{26}\n\$"]



=== TEST 4: empty before the decision, so not in "if" and "set"
--- config
    location /gif {
        fraud enforce;
        fraud_signal a points=50;
        set $early "$fraud_score$fraud_action$fraud_reasons$fraud_state$fraud_address_pid";
        if ($fraud_score) { return 410; }
        add_header X-Early "<$early>";
        add_header X-Late "<$fraud_score>";
        empty_gif;
    }
--- request
GET /gif
--- response_headers
X-Early: <>
X-Late: <50>



=== TEST 5: empty where fraud is off, but the mode
--- http_config
    fraud_zone fraud 1m;
--- config
    fraud_signal a points=50;
    add_header X-Fraud "<$fraud_score$fraud_action$fraud_reasons$fraud_state$fraud_address_pid$fraud_country$fraud_asn>$fraud_mode" always;
    location /gif { empty_gif; }
    location /off { fraud off; return 410; }
    location /on { fraud observe; empty_gif; }
--- pipelined_requests eval
["GET /gif", "GET /off", "GET /on"]
--- error_code eval
[200, 410, 200]
--- response_headers_like eval
["X-Fraud: <>off", "X-Fraud: <>off",
 "X-Fraud: <50allowa=50ok[a-z2-7]{26}>observe"]



=== TEST 6: empty without any configuration of ours
--- config
    location /gif {
        add_header X-Fraud "<$fraud_score$fraud_action$fraud_reasons$fraud_state$fraud_address_pid$fraud_country$fraud_asn>$fraud_mode" always;
        empty_gif;
    }
--- request
GET /gif
--- response_headers
X-Fraud: <>off



=== TEST 7: a pid is equal for one subject, different for others
--- config eval
main::hops('$fraud_address_pid', map { ["X-Forwarded-For $_"] }
           '192.0.2.2', '192.0.2.1', '::ffff:192.0.2.1', '64:ff9b::192.0.2.2')
--- request
GET /1
--- more_headers
X-Forwarded-For: 192.0.2.1
--- raw_response_headers_like eval
"X-All: (\\S{26}) (?!\\1)(\\S{26}) \\1 \\1 \\2\r\n"



=== TEST 8: the addresses of an IPv6 /64 are one subject
--- config eval
main::hops('$fraud_address_pid', map { ["X-Forwarded-For $_"] }
           '2001:db8:1:1:ffff::2', '2001:db8:1:2::1')
--- request
GET /1
--- more_headers
X-Forwarded-For: 2001:db8:1:1::1
--- raw_response_headers_like eval
"X-All: (\\S{26}) \\1 (?!\\1)\\S{26}\r\n"



=== TEST 9: prefixes as configured, and another address than the client's
--- http_config
    fraud_identity wide $remote_addr kind=address ipv4=24 ipv6=48;
    fraud_identity peer $http_x_peer kind=address;
--- config eval
main::hops('$fraud_wide_pid $fraud_peer_pid',
           ["X-Forwarded-For 192.0.2.99", "X-Peer 198.51.100.1"],
           ["X-Forwarded-For 192.0.3.1", "X-Peer 198.51.100.2"])
--- request
GET /1
--- more_headers
X-Forwarded-For: 192.0.2.1
X-Peer: 198.51.100.1
--- raw_response_headers_like eval
"X-All: (\\S{26}) (?!\\1)(\\S{26}) \\1 \\2 (?!\\1)(\\S{26}) (?!\\2)(\\S{26})\r\n"



=== TEST 10: the same value is another pid under another identity
--- http_config
    fraud_identity one $arg_v;
    fraud_identity two $arg_v kind=session;
    fraud_identity both "$arg_v$arg_w" kind=device;
--- config
    location /gif {
        fraud observe;
        add_header X-One "$fraud_one_pid";
        add_header X-All "$fraud_one_pid $fraud_two_pid $fraud_both_pid";
        empty_gif;
    }
--- request
GET /gif?v=x
--- raw_response_headers_like eval
"X-One: (\\S{26})\r\nX-All: \\1 (?!\\1)(\\S{26}) (?!\\1|\\2)(\\S{26})\r\n"



=== TEST 11: an empty value has no pid
--- http_config
    fraud_identity session $cookie_sid kind=session;
    fraud_identity peer $http_x_peer kind=address;
--- config
    location /gif {
        fraud observe;
        add_header X-Pids "<$fraud_session_pid><$fraud_peer_pid>";
        empty_gif;
    }
--- pipelined_requests eval
["GET /gif", "GET /gif", "GET /gif"]
--- more_headers eval
["X-None: 1", "Cookie: sid=", "X-Peer: not an address"]
--- response_headers eval
[("X-Pids: <><>") x 3]



=== TEST 12: an identity of a block has no pid elsewhere
--- config
    location /in {
        fraud observe;
        fraud_identity login $arg_user;
        add_header X-Pid "<$fraud_login_pid>";
        empty_gif;
    }
    location /out {
        fraud observe;
        add_header X-Pid "<$fraud_login_pid>";
        empty_gif;
    }
--- pipelined_requests eval
["GET /in?user=a", "GET /out?user=a"]
--- response_headers_like eval
["X-Pid: <[a-z2-7]{26}>", "X-Pid: <>"]
