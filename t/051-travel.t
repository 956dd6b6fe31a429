use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp;
use Test::Nginx::Socket;

use Fraud;

repeat_each(1);

plan tests => repeat_each() * 231;

our $Dir = File::Temp->newdir('fraud-travel-XXXXXX', TMPDIR => 1);

system($^X, "$Fraud::TOP/tests/mmdb.pl", "$Dir") == 0
    or die "tests/mmdb.pl failed\n";

$ENV{TEST_NGINX_MMDB} = "$Dir";

our $Show = <<'_EOC_';
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Forwarded-For;
    fraud_action 99 deny;
    fraud_identity session $cookie_sid kind=session;
    add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
_EOC_

# what the databases know: 1257 km from London to Linkoping, 929 to Berlin, 343
# to Paris

our %Place = (
    london   => '81.2.69.1',       # within 10 km
    suburb   => '81.2.69.200',
    sweden   => '89.160.20.1',     # 76
    new_york => '192.0.2.1',       # 20
    berlin   => '198.51.100.1',    # 50
    japan    => '198.51.100.129',  # no place known
    sydney   => '203.0.113.1',     # 1000
    paris    => '2001:db8:1::1',   # 5
    nowhere  => '10.0.0.1',
);

sub fraud { return [map { "X-Fraud: $_" } @_] }

# as one session

sub from {
    return [map { "X-Forwarded-For: $Place{$_}\nCookie: sid=a" } @_];
}

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

=== TEST 1: two places too far apart fire at the second, once
--- http_config
    fraud_geo $TEST_NGINX_MMDB/city.mmdb;
--- config
    location /gif {
        fraud enforce;
        fraud_travel travel session speed=1000 points=40;
        empty_gif;
    }
--- pipelined_requests eval
[("GET /gif") x 7]
--- more_headers eval
main::from("london", "suburb", "new_york", "new_york", "london", "london",
           "paris")
--- response_headers eval
main::fraud("0 []", "0 []", "40 [travel=40]", "0 []", "40 [travel=40]", "0 []",
            "40 [travel=40]")



=== TEST 2: each subject travels alone, and nobody without one
--- http_config
    fraud_geo $TEST_NGINX_MMDB/city.mmdb;
--- config
    location /gif {
        fraud enforce;
        fraud_travel travel session speed=1000 points=40;
        empty_gif;
    }
--- pipelined_requests eval
[("GET /gif") x 6]
--- more_headers eval
["X-Forwarded-For: 81.2.69.1\nCookie: sid=a",
 "X-Forwarded-For: 192.0.2.1\nCookie: sid=b",
 "X-Forwarded-For: 81.2.69.1", "X-Forwarded-For: 192.0.2.1",
 "X-Forwarded-For: 81.2.69.1\nCookie: sid=b",
 "X-Forwarded-For: 81.2.69.1\nCookie: sid=a"]
--- response_headers eval
main::fraud(("0 []") x 4, "40 [travel=40]", "0 []")



=== TEST 3: a distance that is allowed at any speed
--- http_config
    fraud_geo $TEST_NGINX_MMDB/city.mmdb;
--- config
    location /gif {
        fraud enforce;
        fraud_travel near session speed=1 distance=320 points=1;
        fraud_travel far session speed=1 distance=340 points=2;
        empty_gif;
    }
--- pipelined_requests eval
[("GET /gif") x 3]
--- more_headers eval
main::from("london", "paris", "berlin")
--- response_headers eval
main::fraud("0 []", "1 [near=1]", "3 [far=2,near=1]")



=== TEST 4: the database's radius is taken off the distance
--- http_config
    fraud_geo $TEST_NGINX_MMDB/city.mmdb;
--- config
    location /gif {
        fraud enforce;
        fraud_travel sure session speed=1 distance=1160 points=1;
        fraud_travel unsure session speed=1 distance=1180 points=2;
        empty_gif;
    }
--- pipelined_requests eval
[("GET /gif") x 2]
--- more_headers eval
main::from("london", "sweden")
--- response_headers eval
main::fraud("0 []", "1 [sure=1]")



=== TEST 5: of a database without radius, 100 km for each place
--- http_config
    fraud_geo $TEST_NGINX_MMDB/ipv4-only.mmdb;
--- config
    location /gif {
        fraud enforce;
        fraud_travel sure session speed=1 distance=720 points=1;
        fraud_travel unsure session speed=1 distance=740 points=2;
        empty_gif;
    }
--- pipelined_requests eval
[("GET /gif") x 2]
--- more_headers eval
main::from("london", "berlin")
--- response_headers eval
main::fraud("0 []", "1 [sure=1]")



=== TEST 6: a country alone is no place, and does not make the last one forgotten
--- http_config
    fraud_geo $TEST_NGINX_MMDB/city.mmdb;
--- config
    location /gif {
        fraud enforce;
        fraud_travel travel session speed=1000 points=40;
        empty_gif;
    }
--- pipelined_requests eval
[("GET /gif") x 6]
--- more_headers eval
main::from("london", "japan", "london", "nowhere", "japan", "new_york")
--- response_headers eval
main::fraud(("0 []") x 5, "40 [travel=40]")



=== TEST 7: a database of countries only gives no signal
--- http_config
    fraud_geo $TEST_NGINX_MMDB/country.mmdb;
    fraud_geo $TEST_NGINX_MMDB/asn.mmdb;
--- config
    location /gif {
        fraud enforce;
        fraud_travel travel session speed=1 distance=1 points=40;
        empty_gif;
    }
--- pipelined_requests eval
[("GET /gif") x 3]
--- more_headers eval
main::from("london", "sydney", "new_york")
--- response_headers eval
main::fraud(("0 []") x 3)



=== TEST 8: no database, no signal
--- config
    location /gif {
        fraud enforce;
        fraud_travel travel session speed=1 distance=1 points=40;
        empty_gif;
    }
--- pipelined_requests eval
[("GET /gif") x 2]
--- more_headers eval
main::from("london", "sydney")
--- response_headers eval
main::fraud(("0 []") x 2)



=== TEST 9: what time allows is no signal: 329 km at a million km/h take 1.2 s
--- http_config
    fraud_geo $TEST_NGINX_MMDB/city.mmdb;
--- config
    location /gif {
        fraud enforce;
        fraud_travel travel session speed=1000000 points=40;
        fraud_travel slow session speed=10000 points=2;
        empty_gif;
    }
--- request eval
["GET /gif", "GET /gif"]
--- more_headers eval
main::from("london", "paris")
--- wait: 2.5
--- response_headers eval
main::fraud("0 []", "2 [slow=2]")



=== TEST 10: and at once it is one
--- http_config
    fraud_geo $TEST_NGINX_MMDB/city.mmdb;
--- config
    location /gif {
        fraud enforce;
        fraud_travel travel session speed=100000 points=40;
        empty_gif;
    }
--- pipelined_requests eval
["GET /gif", "GET /gif"]
--- more_headers eval
main::from("london", "paris")
--- response_headers eval
main::fraud("0 []", "40 [travel=40]")



=== TEST 11: of any identity, and as a shadow
--- http_config
    fraud_geo $TEST_NGINX_MMDB/city.mmdb;
    fraud_identity device $http_x_device kind=device;
--- config
    location /gif {
        fraud enforce;
        fraud_travel moved device speed=1000 points=40;
        fraud_travel hidden session speed=1000 points=100 shadow;
        empty_gif;
    }
    location /status {
        fraud off;
        fraud_status json;
        add_header X-Fraud off;
    }
--- pipelined_requests eval
["GET /gif", "GET /gif", "GET /status"]
--- more_headers eval
["X-Forwarded-For: 81.2.69.1\nCookie: sid=a\nX-Device: d",
 "X-Forwarded-For: 192.0.2.1\nCookie: sid=a\nX-Device: d", "X-None: 1"]
--- response_headers eval
main::fraud("0 []", "40 [moved=40]", "off")
--- response_body_like eval
["", "", "\"signals\":\\{\"moved\":1,\"hidden\":1}"]
