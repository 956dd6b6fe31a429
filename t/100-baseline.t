# The table of tests/README.md: each rule of conf/rules/ fires on the one
# request and not on the other.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Fraud;
use JSON::PP ();
use MIME::Base64 ();
use Test::More;

binmode $_, ':utf8' for Test::More->builder->output,
                        Test::More->builder->failure_output;

my $TOP = "$FindBin::Bin/..";
my $PLAIN = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101'
          . ' Firefox/128.0';

# in one connection, so that neither side ever waits to write
my $PIPELINED = 50;

sub slurp {
    my ($path) = @_;
    open my $in, '<:utf8', $path or die "$path: $!\n";
    local $/;
    return <$in>;
}

my @rows;

my ($table) = slurp("$TOP/tests/README.md") =~ /^## The baseline rules\n(.*)/ms;

for (split /\n/, $table) {
    /^\| ([\w.]+) \| `(.*?)` \| `(.*?)` \|$/ or next;
    push @rows, { rule => $1, fires => $2, misses => $3 };
}

# all rules that there are, by what declares them

my %files;
my %declared;

for my $name (qw(baseline crawlers sessions)) {
    my $text = slurp("$TOP/conf/rules/$name.conf");

    while ($text =~ /^fraud_(\w+)\s+(\w+)(.*)/mg) {
        my ($kind, $rule, $rest) = ($1, $2, $3);
        next if $kind eq 'identity';
        $rule = "reputation.$rule" if $kind eq 'reputation';
        $rule = "trust.$rule" if $rest =~ /\btrust\b/;
        $declared{$rule} = 1;
    }

    $text =~ s{file=fraud/rules/}{file=$TOP/conf/rules/}g;
    $files{"$name.conf"} = $text;
}

my %shown = map { $_->{rule} => 1 } @rows;
my @hidden = grep { !$shown{$_} } sort keys %declared;

is("@hidden", 'session_countries session_travel',
   'every rule is in the table but those that need a database');
is(join(' ', grep { !$declared{$_} } sort keys %shown), '',
   'every rule of the table exists');

my $nginx = Fraud->new(
    files => \%files,
    http => <<'END',
fraud_log %DIR%/logs/fraud.log;
fraud_session session;
include crawlers.conf;
include baseline.conf;
upstream application { server unix:%DIR%/application; keepalive 4; }
keepalive_requests 100000;
server {
    listen unix:%DIR%/application;
    default_type text/html;
    location / {
        if ($http_x_status = 201) { return 201; }
        if ($http_x_status = 207) { return 207; }
        if ($http_x_status = 302) { return 302 /account; }
        if ($http_x_status = 401) { return 401; }
        if ($http_x_status = 403) { return 403; }
        if ($http_x_status = 404) { return 404; }
        if ($http_x_status = 405) { return 405; }
        return 200 ok;
    }
}
END
    server => <<'END',
fraud observe;
location / {
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_pass http://application;
}
location /s/ {
    include sessions.conf;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_pass http://application;
}
location = /a.css { empty_gif; }
END
);

my $addresses = 0;
my $logged = 0;

# "N × METHOD URI → STATUS ; name=value ...", as raw requests

sub requests {
    my ($text) = @_;

    my $n = $text =~ s/^(\d+) × // ? $1 : 1;
    my ($line, @options) = split / ; /, $text;
    my $status = $line =~ s/ → (\d+)$// ? $1 : 200;
    $line =~ /^[A-Z]+ \S+$/ or die "not understood: $text\n";

    my %option = (agent => $PLAIN, by => sprintf('10.9.%d.%d',
        $addresses / 250, 1 + $addresses++ % 250));

    for (@options) {
        my ($name, $value) = /^(agent|referer|user|session|by)=(.*)$/
            or die "not understood: $_ in $text\n";
        $option{$name} = $value;
    }

    return map {
        my ($i, $to, %now) = ($_, $line, %option);
        s/\{n\}/$i/g for $to, values %now;

        "$to HTTP/1.1\r\nHost: localhost\r\nX-Status: $status\r\n"
        . "X-Forwarded-For: $now{by}\r\nContent-Length: 0\r\n"
        . (length $now{agent} ? "User-Agent: $now{agent}\r\n" : '')
        . (defined $now{referer} ? "Referer: $now{referer}\r\n" : '')
        . (defined $now{user} ? 'Authorization: Basic '
            . MIME::Base64::encode_base64("$now{user}:x", '') . "\r\n" : '')
        . (defined $now{session} ? 'Cookie: session='
            . $now{session} x 25 . "a\r\n" : '')
    } 1 .. $n;
}

# reasons(text): of its last request, name => points

sub reasons {
    my ($text) = @_;
    my @requests = requests($text);
    my @lines;

    $logged += @requests;

    while (my @some = splice @requests, 0, $PIPELINED) {
        my $last = pop @some;
        $nginx->receive($nginx->send_raw(join '', map({ "$_\r\n" } @some),
                                         "${last}Connection: close\r\n\r\n"));
    }

    Fraud::wait_for(sub {
        @lines = split /\n/, $nginx->slurp('logs/fraud.log');
        return @lines == $logged;
    }) or return { lost => scalar @lines };

    return JSON::PP::decode_json($lines[-1])->{reasons} || {};
}

sub told {
    my ($reasons) = @_;
    return join ',', map { "$_=$reasons->{$_}" } sort keys %$reasons;
}

for my $row (@rows) {
    my $fired = reasons($row->{fires});
    ok(exists $fired->{$row->{rule}}, "$row->{rule}: $row->{fires}")
        or diag('reasons: ' . told($fired));

    my $missed = reasons($row->{misses});
    ok(!exists $missed->{$row->{rule}} && !exists $missed->{lost},
       "not $row->{rule}: $row->{misses}")
        or diag('reasons: ' . told($missed));
}

$nginx->ends;
done_testing();
