use FindBin;
use lib "$FindBin::Bin/lib";

use Test::Nginx::Socket;
use Directives;

repeat_each(1);

plan tests => repeat_each() * (blocks() * 2 + 3 + ($> == 0 ? 0 : 3));

no_long_string();

system($^X, "$FindBin::Bin/../tests/mmdb.pl", $Directives::Dir) == 0
    or die "tests/mmdb.pl failed";

open my $in, "<:raw", "$Directives::Dir/asn.mmdb" or die "asn.mmdb: $!";
my $asn = do { local $/; <$in> };
close $in;

Directives::put("empty.mmdb", "");
Directives::put("text.mmdb", "192.0.2.0/24 AS64496\n");
Directives::put("head.mmdb", substr $asn, 0, length($asn) / 2);
Directives::put("tail.mmdb", substr $asn, length($asn) / 2);
Directives::put("private.mmdb", $asn, 0600);

run_tests();

__DATA__

=== TEST 1: databases of every layout are accepted
--- http_config
    fraud observe;
    fraud_geo $TEST_NGINX_FILES/city.mmdb;
    fraud_geo $TEST_NGINX_FILES/country.mmdb;
    fraud_geo $TEST_NGINX_FILES/asn.mmdb;
    fraud_geo $TEST_NGINX_FILES/anonymous.mmdb;
    fraud_geo $TEST_NGINX_FILES/ipv4-only.mmdb;
--- error_code: 200



=== TEST 2: a database that is not there is refused
--- http_config
    fraud_geo $TEST_NGINX_FILES/none.mmdb;
--- must_die
--- error_log
"fraud_geo": file "$TEST_NGINX_FILES/none.mmdb": cannot open: No such file or directory, correct it or the path



=== TEST 3: a directory is no database
--- http_config
    fraud_geo $TEST_NGINX_FILES/.;
--- must_die
--- error_log
"fraud_geo": file "$TEST_NGINX_FILES/.": cannot read: not a regular file, correct it or the path



=== TEST 4: an empty database is refused
--- http_config
    fraud_geo $TEST_NGINX_FILES/empty.mmdb;
--- must_die
--- error_log
"fraud_geo": file "$TEST_NGINX_FILES/empty.mmdb": corrupt: The MaxMind DB file contains invalid metadata, correct it or the path



=== TEST 5: a file that is not MaxMind's is refused
--- http_config
    fraud_geo $TEST_NGINX_FILES/text.mmdb;
--- must_die
--- error_log
"fraud_geo": file "$TEST_NGINX_FILES/text.mmdb": corrupt: The MaxMind DB file contains invalid metadata, correct it or the path



=== TEST 6: a database without its end is refused
--- http_config
    fraud_geo $TEST_NGINX_FILES/head.mmdb;
--- must_die
--- error_log
"fraud_geo": file "$TEST_NGINX_FILES/head.mmdb": corrupt: The MaxMind DB file contains invalid metadata, correct it or the path



=== TEST 7: a database without its beginning is refused
--- http_config
    fraud_geo $TEST_NGINX_FILES/tail.mmdb;
--- must_die
--- error_log
"fraud_geo": file "$TEST_NGINX_FILES/tail.mmdb": corrupt: The MaxMind DB file contains invalid metadata, correct it or the path



=== TEST 8: a database without anything to use is refused
--- http_config
    fraud_geo $TEST_NGINX_FILES/unused.mmdb;
--- must_die
--- error_log
"fraud_geo": file "$TEST_NGINX_FILES/unused.mmdb": of no use: no country, location, system number or anonymity, correct it or the path



=== TEST 9: a database that workers could not read again is refused
--- worker_user
--- http_config
    fraud observe;
    fraud_geo $TEST_NGINX_FILES/private.mmdb;
--- must_die
--- error_log
"fraud_geo": file "$TEST_NGINX_FILES/private.mmdb" cannot be read by user "nobody" of the workers, who read it again when it is replaced, change its mode or owner, or that of its directory



=== TEST 10: a database twice is refused
--- http_config
    fraud_geo $TEST_NGINX_FILES/asn.mmdb;
    fraud_geo $TEST_NGINX_FILES/asn.mmdb;
--- must_die
--- error_log
"fraud_geo" directive is duplicate



=== TEST 11: a database is declared in http
--- config
    fraud_geo $TEST_NGINX_FILES/asn.mmdb;
--- must_die
--- error_log
"fraud_geo" directive is not allowed here
