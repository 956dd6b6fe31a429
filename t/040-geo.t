use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp;
use Test::Nginx::Socket;

use Fraud;

repeat_each(1);

plan tests => repeat_each() * 187;

our $Dir = File::Temp->newdir('fraud-geo-XXXXXX', TMPDIR => 1);

system($^X, "$Fraud::TOP/tests/mmdb.pl", "$Dir") == 0
    or die "tests/mmdb.pl failed\n";

$ENV{TEST_NGINX_MMDB} = "$Dir";

our $Show = <<'_EOC_';
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Forwarded-For;
    fraud_action 99 deny;
    add_header X-Geo "$fraud_country-$fraud_asn" always;
    add_header X-Fraud "$fraud_score $fraud_action [$fraud_reasons]" always;
_EOC_

sub geo { return [map { "X-Geo: $_" } @_] }

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

=== TEST 1: country and network of the client, from two databases
--- http_config
    fraud_geo $TEST_NGINX_MMDB/country.mmdb;
    fraud_geo $TEST_NGINX_MMDB/asn.mmdb;
--- config
    location /gif { fraud observe; empty_gif; }
--- pipelined_requests eval
[("GET /gif") x 9]
--- more_headers eval
main::from("81.2.69.1", "89.160.20.255", "198.51.100.200", "203.0.113.200",
           "203.0.113.255", "2001:db8:1::1", "::ffff:81.2.69.1", "10.0.0.1",
           "2001:db8:9::1")
--- response_headers eval
main::geo("GB-20712", "SE-29518", "JP-64497", "-64498", "-4294967294",
          "FR-65536", "GB-20712", "-", "-")



=== TEST 2: one database has only what it has
--- http_config
    fraud_geo $TEST_NGINX_MMDB/city.mmdb;
--- config
    location /gif { fraud observe; empty_gif; }
--- pipelined_requests eval
[("GET /gif") x 2]
--- more_headers eval
main::from("81.2.69.1", "10.0.0.1")
--- response_headers eval
main::geo("GB-", "-")



=== TEST 3: a flat database of IPv4 only
--- http_config
    fraud_geo $TEST_NGINX_MMDB/ipv4-only.mmdb;
--- config
    location /gif { fraud observe; empty_gif; }
--- pipelined_requests eval
[("GET /gif") x 4]
--- more_headers eval
main::from("81.2.69.1", "198.51.100.1", "2001:db8:1::1", "::ffff:192.0.2.1")
--- response_headers eval
main::geo("GB-20712", "-64497", "-", "US-64496")



=== TEST 4: signals on countries and networks
--- http_config
    fraud_geo $TEST_NGINX_MMDB/country.mmdb;
    fraud_geo $TEST_NGINX_MMDB/asn.mmdb;
    map $fraud_country $unusual { GB ""; DE 0; "" ""; default 1; }
    map $fraud_asn $hosting { 64496 1; 64498 1; default 0; }
--- config
    location /gif {
        fraud enforce;
        fraud_signal country if=$unusual points=20;
        fraud_signal network if=$hosting points=70;
        fraud_match nordic $fraud_country "^(SE|NO)$" points=5;
        fraud_action 90 deny;
        empty_gif;
    }
--- pipelined_requests eval
[("GET /gif") x 7]
--- more_headers eval
main::from("81.2.69.1", "192.0.2.1", "198.51.100.1", "198.51.100.129",
           "203.0.113.1", "89.160.20.1", "10.0.0.1")
--- error_code eval
[200, 403, 200, 200, 403, 200, 200]
--- response_headers eval
main::fraud("0 allow []", "90 deny [network=70,country=20]", "0 allow []",
            "20 allow [country=20]", "90 deny [network=70,country=20]",
            "25 allow [country=20,nordic=5]", "0 allow []")



=== TEST 5: an identity and a rate by network
--- http_config
    fraud_geo $TEST_NGINX_MMDB/asn.mmdb;
    fraud_identity network $fraud_asn kind=device;
--- config
    location /gif {
        fraud enforce;
        fraud_rate crowd network rate=1r/h burst=1 points=30;
        empty_gif;
    }
--- pipelined_requests eval
[("GET /gif") x 6]
--- more_headers eval
main::from("192.0.2.1", "192.0.2.2", "192.0.2.3", "81.2.69.1", "10.0.0.1",
           "10.0.0.1")
--- response_headers eval
main::fraud("0 allow []", "0 allow []", "30 allow [crowd=30]",
            ("0 allow []") x 3)



=== TEST 6: realip of a location decides which client is looked up
--- http_config
    fraud_geo $TEST_NGINX_MMDB/country.mmdb;
--- config
    location /gif {
        fraud enforce;
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Client;
        fraud_match britain $fraud_country "^GB$" points=9;
        empty_gif;
    }
--- request
GET /gif
--- more_headers
X-Client: 81.2.69.1
--- response_headers
X-Geo: GB-
X-Fraud: 9 allow [britain=9]



=== TEST 7: a response that never met the preaccess phase has them as well
--- http_config
    fraud_geo $TEST_NGINX_MMDB/country.mmdb;
    log_format geo '<$uri $fraud_country $fraud_score>';
    access_log $TEST_NGINX_SERVER_ROOT/logs/access.log geo;
--- config
    location /trap {
        fraud enforce;
        fraud_match britain $fraud_country "^GB$" points=9;
        return 404;
    }
--- request
GET /trap
--- more_headers
X-Forwarded-For: 81.2.69.1
--- error_code: 404
--- access_log
</trap GB 9>



=== TEST 8: without a database they are empty
--- config
    location /gif { fraud observe; empty_gif; }
--- request
GET /gif
--- more_headers
X-Forwarded-For: 81.2.69.1
--- response_headers
X-Geo: -
