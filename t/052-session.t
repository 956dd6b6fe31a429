use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More tests => 73;

use Fraud;

my $nginx_v = `@{[ $ENV{TEST_NGINX_BINARY} || 'nginx' ]} -V 2>&1`;

$nginx_v =~ /--with-http_$_\_module/ or die "nginx has no $_\n" for qw(ssl v2);
`openssl version 2>/dev/null` ne ''
    or die "no openssl, install it with ./build.sh deps\n";
`curl --version 2>/dev/null` =~ /^Features:.*\bHTTP2\b/m
    or die "no curl with HTTP/2, install it with ./build.sh deps\n";

my $id = qr/[a-z2-7]{26}/;

my $nginx = Fraud->new(server => <<'SERVER');
    fraud observe;
    fraud_session sid;
    fraud_rate flood session rate=1r/h points=40;
    fraud_rate fresh address rate=1r/h if=$fraud_session_new points=7;
    fraud_log logs/fraud.log;
    add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    add_header X-New "<$fraud_session_new>" always;
    add_header X-Pid "<$fraud_session_pid>" always;
    location / { empty_gif; }
    location = /gone { return 410; }
    location = /deny { fraud enforce; fraud_action 1 deny;
                       fraud_signal always points=1; empty_gif; }
    location = /twice { rewrite ^ /; }
    location = /off { fraud off; empty_gif; }
    location = /lasting { fraud_session sid persistent; empty_gif; }
    location = /named { fraud_session Visitor_1 session path=/a/b
                        domain=.example.com samesite=strict; empty_gif; }
    location = /none { fraud_session n persistent samesite=none; empty_gif; }
    location = /status { fraud off; fraud_status json; }
SERVER

# set_cookie(uri, ...): the whole header of the only one, or how many there were

sub set_cookie {
    my ($uri, %more) = @_;
    my @set = $nginx->get($uri, %more)->{raw} =~ /^Set-Cookie: (.*?)\r$/mg;
    return @set == 1 ? $set[0] : scalar @set;
}

# what a header of its own says: the last Set-Cookie is all that Fraud keeps

my $first = $nginx->get('/', from => '192.0.2.1');
like($first->{headers}{'set-cookie'},
     qr{^sid=$id; Path=/; HttpOnly; SameSite=lax$}, 'a cookie is issued');
is($first->{headers}{'x-fraud'}, '0 []', 'and counts for nothing');
is($first->{headers}{'x-new'}, '<1>', '$fraud_session_new');
is($first->{headers}{'x-pid'}, '<>', 'nobody came with it yet');

my ($sid) = $first->{headers}{'set-cookie'} =~ /^sid=($id);/;

# attributes

like(set_cookie('/lasting'),
     qr{^sid=$id; Path=/; HttpOnly; SameSite=lax; Max-Age=31536000$},
     'one that lasts');
like(set_cookie('/named'),
     qr{^Visitor_1=$id; Path=/a/b; Domain=\.example\.com; HttpOnly; SameSite=strict$},
     'path, domain, samesite');
like(set_cookie('/none'),
     qr{^n=$id; Path=/; HttpOnly; SameSite=none; Max-Age=31536000$},
     'for other sites too');

# one to a response, whatever that is

like(set_cookie('/gone'), qr/^sid=$id; /, 'with a "return"');
like(set_cookie('/deny'), qr/^sid=$id; /, 'with a denial');
like(set_cookie('/missing/'), qr/^sid=$id; /, 'with any');
like(set_cookie('/twice'), qr/^sid=$id; /, 'once after a rewrite');
like(set_cookie('/', method => 'HEAD'), qr/^sid=$id; /, 'HEAD');
is(set_cookie('/off'), 0, 'none where fraud is off');
is(set_cookie('/status'), 0, 'and none with the status');

my %seen;
$seen{ set_cookie('/') } = 1 for 1 .. 20;
is(keys %seen, 20, 'no two are equal');

# a valid one is left alone

my $second = $nginx->get('/', from => '192.0.2.1', Cookie => "sid=$sid");
is($second->{headers}{'set-cookie'}, undef, 'no other for one that came back');
is($second->{headers}{'x-new'}, '<>', '$fraud_session_new is empty');
is($second->{headers}{'x-fraud'}, '0 []', 'its first request');
like($second->{headers}{'x-pid'}, qr/^<$id>$/, 'it is somebody');
unlike($second->{headers}{'x-pid'}, qr/$sid/, 'who is not named by it');

my $third = $nginx->get('/', from => '192.0.2.2',
                        Cookie => "a=b; sid=$sid; c=d");
is($third->{headers}{'x-fraud'}, '40 [flood=40]', 'its second request');
is($third->{headers}{'x-pid'}, $second->{headers}{'x-pid'}, 'of the same one');

ok(Fraud::wait_for(sub { $nginx->slurp('logs/fraud.log') =~ /"flood":40/ }),
   'logged');
my ($line) = $nginx->slurp('logs/fraud.log') =~ /^(.*"flood":40.*)$/m;
like($line, qr/"session":"$id"/, 'as a session');
unlike($nginx->slurp('logs/fraud.log'), qr/$sid/, 'by a pseudonym');

# a cookie of another name is another

like($nginx->get('/named', Cookie => "sid=$sid")->{headers}{'set-cookie'},
     qr/^Visitor_1=/, 'a block may issue another cookie');

# what has not the form of ours

my $before = $nginx->status->{zone}{entries};

for my $bad ('', 'x', substr($sid, 1), $sid . 'a', uc $sid,
             substr($sid, 0, 25) . '1', substr($sid, 0, 25) . 'b',
             substr($sid, 0, 24) . '%61', "\"$sid\"", 'a' x 4000)
{
    my $answer = $nginx->get('/', from => '192.0.2.3', Cookie => "sid=$bad");
    my $name = length $bad > 40 ? 'a long one' : "\"$bad\"";

    like($answer->{headers}{'set-cookie'}, qr/^sid=$id;/, "$name is replaced");
    is($answer->{headers}{'x-pid'}, '<>', 'and is nobody');
}

is($nginx->status->{zone}{entries}, $before + 1,
   'of all these the zone knows the address only');

# minting costs nothing

$before = $nginx->status->{zone}{entries};
my @minted = map {
    $nginx->get('/', from => '192.0.2.4')->{headers}{'set-cookie'}
        =~ /^sid=($id);/ ? $1 : ()
} 1 .. 30;
is(@minted, 30, 'thirty were issued');
is($nginx->status->{zone}{entries}, $before + 1, 'for one entry, the address');
is($nginx->fraud('/', from => '192.0.2.4'), '7 [fresh=7]',
   'that returns none, which can be counted');
is($nginx->fraud('/', from => '192.0.2.4', Cookie => "sid=$minted[0]"), '0 []',
   'but not of who returns it');
is($nginx->status->{zone}{entries}, $before + 2, 'which makes a subject');
$nginx->fraud('/', from => '192.0.2.4', Cookie => "sid=$minted[0]");
is($nginx->status->{zone}{entries}, $before + 2, 'one');

$nginx->ends;

# two cookies in one place, and one beside the application's own

my $app = Fraud->new(http => <<'HTTP', server => <<'SERVER');
    server {
        listen unix:%DIR%/app.sock;
        add_header Set-Cookie "app=1" always;
        location / { return 200 app; }
    }
HTTP
    fraud observe;
    fraud_session sid;
    location / { proxy_pass http://unix:%DIR%/app.sock:/; }
    location /ssi { ssi on; default_type text/html; alias %DIR%/; }
SERVER

my @set = sort $app->get('/')->{raw} =~ /^Set-Cookie: (.*?)\r$/mg;
is(@set, 2, 'two cookies');
is($set[0], 'app=1', 'the application\'s');
like($set[1], qr/^sid=$id; Path/, 'and ours');

$app->put('page.html', '<!--#include virtual="/a" --><!--#include virtual="/b" -->');
my $page = $app->get('/ssi/page.html');
@set = $page->{raw} =~ /^Set-Cookie: (.*?)\r$/mg;
like($page->{body}, qr/app.*app/s, 'subrequests');
is(@set, 1, 'issue none');
$app->ends;

{
    my $port = Fraud::free_port();
    my $dir = File::Temp->newdir('fraud-tls-XXXXXX', TMPDIR => 1);
    system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
           . " -keyout $dir/key.pem -out $dir/cert.pem 2>/dev/null") == 0
        or die "openssl\n";

    my $tls = Fraud->new(server => <<"SERVER");
    listen 127.0.0.1:$port ssl;
    ssl_certificate $dir/cert.pem;
    ssl_certificate_key $dir/key.pem;
    fraud observe;
    fraud_session sid;
    fraud_rate flood session rate=1r/h points=40;
    add_header X-Fraud "\$fraud_score" always;
    location / { empty_gif; }
    location /lasting { fraud_session sid persistent domain=localhost; empty_gif; }
SERVER
    my $curl = sub {
        return scalar `curl -sk --max-time 20 -D - -o /dev/null @_`;
    };

    my $out = $curl->("https://127.0.0.1:$port/");
    like($out, qr{^Set-Cookie: sid=$id; Path=/; HttpOnly; SameSite=lax; Secure\r$}mi,
         'Secure on TLS');
    my ($mine) = $out =~ /sid=($id)/;
    like($curl->("https://127.0.0.1:$port/lasting"),
         qr{^Set-Cookie: sid=$id; Path=/; Domain=localhost; HttpOnly; SameSite=lax; Max-Age=31536000; Secure\r$}mi,
         'also one that lasts');
    unlike($curl->("http://127.0.0.1:$tls->{port}/"), qr/Secure/,
           'not without TLS');
    unlike($curl->("-H 'Cookie: sid=$mine' https://127.0.0.1:$port/"),
           qr/Set-Cookie/i, 'one that came back');
    like($curl->("-H 'Cookie: sid=$mine' http://127.0.0.1:$tls->{port}/"),
         qr/^X-Fraud: 40\r$/mi, 'is one subject in both');
    $tls->ends;
}

{
    my $two = Fraud->new(http2 => 1, server => <<'SERVER');
    fraud observe;
    fraud_session sid;
    location / { empty_gif; }
SERVER
    my $out = `curl -s --http2-prior-knowledge -D - -o /dev/null http://127.0.0.1:$two->{port}/`;
    like($out, qr{^set-cookie: sid=$id; Path=/; HttpOnly; SameSite=lax\r$}m,
         'HTTP/2');
    my ($mine) = $out =~ /sid=($id)/;
    $out = `curl -s --http2-prior-knowledge -D - -o /dev/null -H 'cookie: a=b' -H 'cookie: sid=$mine' http://127.0.0.1:$two->{port}/`;
    unlike($out, qr/^set-cookie:/m, 'and back in crumbs');
    $two->ends;
}
