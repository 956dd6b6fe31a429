#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# mmdb.pl DIRECTORY: write small databases with made-up content for
# documentation networks. Needs libmaxmind-db-writer-perl.
#
#   city.mmdb, country.mmdb, asn.mmdb, anonymous.mmdb  MaxMind's layouts
#   ipv4-only.mmdb   another vendor's flat layout, IPv4 only
#   unused.mmdb      no field that the module reads
#   bad-place.mmdb   a latitude of 91 degrees; 700 records without a place first

use strict;
use warnings;

use MaxMind::DB::Writer::Tree;

my %type_of = (
    (map { $_ => 'utf8_string' }
        qw(code connection_type country_code en iso_code time_zone),
        qw(autonomous_system_organization)),
    (map { $_ => 'map' }
        qw(city continent country location names registered_country)),
    (map { $_ => 'uint32' } qw(autonomous_system_number geoname_id)),
    (map { $_ => 'double' } qw(latitude longitude)),
    accuracy_radius => 'uint16',
);

sub type_of {
    my ($key) = @_;
    return $key =~ /^is_/ ? 'boolean' : $type_of{$key};
}

sub write_database {
    my ($path, $type, $size, $networks, %more) = @_;
    my $tree = MaxMind::DB::Writer::Tree->new(
        ip_version               => 6,
        record_size              => $size,
        database_type            => $type,
        languages                => ['en'],
        description              => { en => "made up for tests" },
        remove_reserved_networks => 0,
        alias_ipv6_to_ipv4       => $more{ip_version} ? 0 : 1,
        map_key_type_callback    => \&type_of,
        %more,
    );
    for my $network (sort keys %$networks) {
        $tree->insert_network($network, $networks->{$network});
    }
    open my $out, '>:raw', $path or die "$path: $!\n";
    $tree->write_tree($out);
    close $out or die "$path: $!\n";
}

sub country {
    my ($code) = @_;
    my $country = { iso_code => $code, names => { en => "Country $code" } };
    return (
        continent          => { code => 'XX', names => { en => 'Continent' } },
        country            => $country,
        registered_country => $country,
    );
}

sub city {
    my ($code, $name, $latitude, $longitude, $radius) = @_;
    return {
        country($code),
        city     => { names => { en => $name } },
        location => {
            latitude        => $latitude,
            longitude       => $longitude,
            accuracy_radius => $radius,
            time_zone       => 'Etc/UTC',
        },
    };
}

sub asn {
    my ($number) = @_;
    return {
        autonomous_system_number       => $number,
        autonomous_system_organization => "Network $number",
    };
}

sub flat {
    my ($code, $number, $latitude, $longitude) = @_;
    return {
        country_code             => $code,
        autonomous_system_number => $number,
        latitude                 => $latitude,
        longitude                => $longitude,
    };
}

my $dir = shift or die "usage: mmdb.pl DIRECTORY\n";

my %cities = (
    '81.2.69.0/24'      => city('GB', 'London',      51.5142,  -0.0931, 10),
    '89.160.20.0/24'    => city('SE', 'Linkoping',   58.4167,  15.6167, 76),
    '192.0.2.0/24'      => city('US', 'New York',    40.7128, -74.006,  20),
    '198.51.100.0/25'   => city('DE', 'Berlin',      52.52,    13.405,  50),
    '198.51.100.128/25' => { country('JP') },
    '203.0.113.0/24'    => city('AU', 'Sydney',     -33.8688, 151.2093, 1000),
    '2001:db8:1::/48'   => city('FR', 'Paris',       48.8566,   2.3522, 5),
    '2001:db8:2::/48'   => city('FJ', 'Antimeridian', -90,    -180,     1),
);
write_database("$dir/city.mmdb", 'GeoLite2-City', 28, \%cities);

my %countries = map { $_ => { country($cities{$_}{country}{iso_code}) } }
    keys %cities;
$countries{'203.0.113.128/25'} = { country('-') };
write_database("$dir/country.mmdb", 'GeoLite2-Country', 24, \%countries);

write_database("$dir/asn.mmdb", 'GeoLite2-ASN', 32, {
    '81.2.69.0/24'      => asn(20712),
    '89.160.20.0/24'    => asn(29518),
    '192.0.2.0/24'      => asn(64496),
    '198.51.100.0/24'   => asn(64497),
    '203.0.113.0/24'    => asn(64498),
    '203.0.113.255/32'  => asn(4294967294),
    '2001:db8:1::/48'   => asn(65536),
    '2001:db8:2::/48'   => asn(65551),
});

my %anonymous = (
    '203.0.113.0/28'      => ['is_tor_exit_node'],
    '203.0.113.16/28'     => ['is_anonymous_vpn'],
    '203.0.113.32/28'     => ['is_hosting_provider'],
    '203.0.113.48/28'     => ['is_public_proxy'],
    '203.0.113.64/28'     => ['is_residential_proxy'],
    '203.0.113.80/28'     => [],
    '203.0.113.96/28'     => ['is_anonymous_vpn', 'is_hosting_provider'],
    '2001:db8:bad::/48'   => ['is_hosting_provider'],
);
write_database("$dir/anonymous.mmdb", 'GeoIP2-Anonymous-IP', 28, {
    map { my $n = $_; $n => { map { $_ => 1 } 'is_anonymous',
                              @{ $anonymous{$n} } } } keys %anonymous
});

write_database("$dir/ipv4-only.mmdb", 'everything ipv4', 24, {
    '81.2.69.0/24'    => flat('GB', 20712,  51.5142,  -0.0931),
    '192.0.2.0/24'    => flat('US', 64496,  40.7128, -74.006),
    '198.51.100.0/24' => flat('',   64497,  52.52,    13.405),
    '203.0.113.0/24'  => flat('AU', 64498, -33.8688, 151.2093),
}, ip_version => 4,
   map_key_type_callback => sub {
       return $_[0] =~ /itude$/ ? 'float' : type_of($_[0]);
   });

write_database("$dir/unused.mmdb", 'GeoIP2-Connection-Type', 24, {
    '192.0.2.0/24' => { connection_type => 'Cable/DSL' },
});

write_database("$dir/bad-place.mmdb", 'GeoLite2-City', 24, {
    (map { my $n = $_; sprintf('10.%d.%d.0/24', $n >> 8, $n & 255)
               => { country('US'), city => { names => { en => "C$n" } } } }
        0 .. 699),
    '192.0.0.0/24' => city('US', 'Somewhere', 8, 0, 1),
    '192.0.2.0/24' => city('US', 'Nowhere', 91, 0, 1),
});
