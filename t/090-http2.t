use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);

use Fraud;

my $curl = `curl --version 2>/dev/null` // '';

die "no curl with HTTP/2\n" if $curl !~ /^Features:.*\bHTTP2\b/m;
die "no HTTP/2 in this nginx\n"
    if `@{[ $ENV{TEST_NGINX_BINARY} || 'nginx' ]} -V 2>&1` !~ /http_v2_module/;

plan tests => 26;

my $nginx = Fraud->new(http2 => 1, server => <<'SERVER');
    fraud enforce;
    fraud_log logs/fraud.log;
    add_header X-Fraud "$fraud_score $fraud_action [$fraud_reasons]" always;
    fraud_signal slow if=$arg_slow points=50;
    fraud_signal bad if=$arg_bad points=80;
    fraud_signal drop if=$arg_drop points=100;
    fraud_rate flood address rate=5r/m points=60 if=$arg_rate;
    fraud_match line $request "^GET /line HTTP/2.0$" points=1;
    fraud_match agent $http_user_agent "sqlmap" points=2;
    fraud_action 50 delay=1500ms;
    fraud_action 60 limit;
    fraud_action 80 deny;
    fraud_action 100 drop;
    location / { empty_gif; }
    location /late { return 404; }
    location /post { error_page 405 =200 /; empty_gif; }
    location /status { fraud off; fraud_status json; }
SERVER

# curl 7.88 may not send a second request on such a connection: one each

sub curl {
    my ($uri, $options) = @_;
    $options //= '';

    return scalar `curl -sS --http2-prior-knowledge --max-time 20 $options \\
                   -D - -o /dev/null 'http://127.0.0.1:$nginx->{port}$uri' 2>&1`;
}

# all streams of one connection, as [ seconds, status, id ] as they are answered

sub at_once {
    my (@uris) = @_;
    my $urls = join ' ', map { "'http://127.0.0.1:$nginx->{port}$_'" } @uris;
    my $text = `nghttp -v --no-dep -H':authority: a' $urls 2>&1`;
    my @streams;

    $text =~ s/\e\[[\d;]*m//g;

    push @streams, [ $1, $3, $2 ]
        while $text =~ /^\[ *([\d.]+)\] recv \(stream_id=(\d+)\) :status: (\d+)/mg;
    return @streams;
}

sub is_fraud {
    my ($response, $status, $fraud, $name) = @_;
    like($response // '', qr{^HTTP/2 $status\b.*^x-fraud: \Q$fraud\E\r?$}ms,
         $name);
}

is_fraud(curl('/'), 200, '0 allow []', 'one passes');
is_fraud(curl('/?bad=1'), 403, '80 deny [bad=80]', 'one is denied');
is_fraud(curl('/?rate=1'), 200, '0 allow []', 'below the rate');

my $over = curl('/?rate=1');
is_fraud($over, 429, '60 limit [flood=60]', 'over the rate');
like($over, qr/^ratelimit: "flood";r=0;t=12\r?$/m, 'RateLimit');
like($over, qr/^ratelimit-policy: "flood";q=5;w=60\r?$/m, 'RateLimit-Policy');
like($over, qr/^retry-after: 12\r?$/m, 'Retry-After');

is_fraud(curl('/line'), 200, '1 allow [line=1]', 'the request line');
is_fraud(curl('/', '-A sqlmap'), 200, '2 allow [agent=2]', 'a header');

# a delayed stream delays no other

my $begin = time;
my $slow = curl('/?slow=1');
my $took = time - $begin;
is_fraud($slow, 200, '50 delay [slow=50]', 'a delayed request');
cmp_ok($took, '>=', 1.4, 'after its delay');
cmp_ok($took, '<', 10, 'and not much later');

{
    $begin = time;
    my @streams = at_once('/?slow=1', '/1', '/?bad=1', '/2', '/3?slow=1',
                          '/4?slow=1', '/5');
    $took = time - $begin;

    is(join(' ', map { $_->[1] } @streams), '200 403 200 200 200 200 200',
       'seven streams at once');

    # the first, the fifth and the sixth are delayed
    my @ids = sort { $a <=> $b } map { $_->[2] } @streams;
    my %order = map { $ids[$_] => $_ + 1 } 0 .. $#ids;
    my @order = map { $order{$_->[2]} } @streams;

    is(join(' ', sort @order[0 .. 3]), '2 3 4 7',
       'a delayed stream delays no other');
    is(join(' ', sort @order[4 .. 6]), '1 5 6', 'they are served then');

    # which would take two delays more
    cmp_ok($streams[6][0] - $streams[4][0], '<', 2.8, 'delays do not add up');
}

# dropped: the stream is reset, without a response

my $raw = curl('/?drop=1');
unlike($raw, qr{^HTTP/2}m, 'a dropped request has no response');
like($raw, qr/curl: \(\d+\)/, 'but an error');
is_fraud(curl('/'), 200, '0 allow []', 'nginx is well');

# bodies and what ends before it begins

is_fraud(curl('/post?slow=1', "--data-binary '\@$INC{'Fraud.pm'}'"), 200,
         '50 delay [slow=50]', 'a delayed request with a body');
is_fraud(curl('/?bad=1', '-I'), 403, '80 deny [bad=80]', 'HEAD');
like(curl('/late?bad=1'), qr{^HTTP/2 404}, 'a late one is not acted on');
ok(Fraud::wait_for(sub {
    return $nginx->slurp('logs/fraud.log') =~
        /"score":80,"action":"allow","mode":"enforce".*"status":404/;
}), 'but logged');

# a client that leaves

system("curl -s --http2-prior-knowledge --max-time 0.3 "
       . "'http://127.0.0.1:$nginx->{port}/?slow=1' > /dev/null");
is_fraud(curl('/'), 200, '0 allow []', 'a client that left is no harm');

$nginx->ends;
