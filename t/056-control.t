use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More tests => 92;

use Fraud;

# what an operator orders of a running nginx

my $nginx = Fraud->new(http => <<'HTTP', server => <<'SERVER', main => <<'MAIN');
    server {
        listen unix:%DIR%/app.sock;
        add_header X-Account $arg_as always;
        location / { return 200 app; }
    }
    fraud_identity session $cookie_app kind=session;
    fraud_identity account $upstream_http_x_account verified;
    fraud_identity login $arg_user kind=device;
    fraud_identity net $remote_addr kind=address ipv4=24;
    fraud_reputation address half_life=30d;
    fraud_reputation session half_life=30d;
    fraud_reputation account half_life=30d;
HTTP
    fraud observe;
    fraud_signal bad if=$arg_bad points=5;
    fraud_rate a_rate address rate=1r/h points=10 if=$arg_rate;
    fraud_rate s_rate session rate=1r/h points=20 if=$arg_rate;
    fraud_rate c_rate account rate=1r/h points=30 if=$arg_rate;
    fraud_rate l_rate login rate=1r/h points=2;
    fraud_rate n_rate net rate=1r/h points=3 if=$arg_net;
    fraud_distinct a_agents address of=$http_user_agent max=1 window=1h points=1;
    fraud_log logs/fraud.log;
    add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    location / { proxy_pass http://unix:%DIR%/app.sock:; }
    location = /wide { fraud_identity address $remote_addr kind=address ipv4=16;
                       fraud_rate a_rate address rate=1r/h points=10;
                       empty_gif; }
    location = /control { fraud off; fraud_control; }
    location = /status { fraud off; fraud_status json; }
SERVER
    error_log logs/debug.log debug;
MAIN

sub control {
    my ($operation, $identity, $value, %more) = @_;
    my $uri = delete $more{uri} // '/control';

    $more{'Fraud-Operation'} = $operation if defined $operation;
    $more{'Fraud-Identity'} = $identity if defined $identity;
    $more{'Fraud-Value'} = $value if defined $value;
    return $nginx->get($uri, method => 'POST', %more);
}

# reset_of(identity, value): "gone" or "none" as records went, or the status

sub reset_of {
    my ($identity, $value) = @_;
    my $response = control('reset', $identity, $value);

    return $response->{status} if $response->{status} != 200;
    like($response->{body}, qr/^\{"identity":"$identity","records":\d+\}\n$/,
         "of $identity");
    return $response->{body} =~ /"records":0\}/ ? 'none' : 'gone';
}

sub fraud {
    my ($uri, $from, $session) = @_;
    return $nginx->fraud($uri, from => $from, 'User-Agent' => 'a',
                         defined $session ? (Cookie => "app=$session") : ());
}

# an address: its rates, what it was seen with, its reputation, and no other's

is(fraud('/?rate=1', $_), '0 []', "$_") for '192.0.2.77', '192.0.2.78';
is(fraud('/?rate=1&bad=1', $_), '15 [a_rate=10,bad=5]', "$_ over")
    for '192.0.2.77', '192.0.2.78';
is($nginx->fraud('/', from => '192.0.2.77', 'User-Agent' => 'b'),
   '16 [reputation.address=15,a_agents=1]', 'with another agent');

is(reset_of('address', '192.0.2.77'), 'gone', 'is reset');
is(fraud('/', '192.0.2.77'), '0 []', 'nothing of it is left');
is(fraud('/?rate=1', '192.0.2.77'), '0 []', 'neither its rate');
is(fraud('/?rate=1', '192.0.2.77'), '10 [a_rate=10]', 'which counts on');
is(fraud('/', '192.0.2.78'), '15 [reputation.address=15]',
   'its neighbour is left alone');

is(reset_of('address', '::ffff:192.0.2.78'), 'gone', 'in another notation');
is(fraud('/', '192.0.2.78'), '0 []', 'the same one');
is(reset_of('address', '203.0.113.1'), 'none', 'one that was never seen');

# an IPv6 address stands for its network, and an identity is what the
# configuration says it is

is(fraud('/?bad=1', '2001:db8:1:1::1'), '5 [bad=5]', 'IPv6');
is(fraud('/', '2001:db8:1:1::2'), '5 [reputation.address=5]', 'one /64');
is(reset_of('address', '2001:db8:1:1::3'), 'gone', 'any address of it');
is(fraud('/', '2001:db8:1:1::1'), '0 []', 'nothing is left');

is(fraud('/?net=1', '198.51.100.1'), '0 []', 'a /24');
is(fraud('/?net=1', '198.51.100.2'), '3 [n_rate=3]', 'is one subject');
is(reset_of('net', '198.51.100.3'), 'gone', 'by any address of it');
is(fraud('/?net=1', '198.51.100.2'), '3 [reputation.address=3]',
   'begins anew, the address does not');

is(fraud('/wide', '10.1.0.1'), '0 []', 'a block with another prefix');
is(fraud('/wide', '10.1.255.1'), '10 [a_rate=10]', 'a /16');
is(reset_of('address', '10.1.2.3'), 'gone', 'it goes by any address of it');
is(fraud('/wide', '10.1.255.1'), '0 []', 'also');

# a session, by the value of its cookie

my $secret = 'SecretSession';
is(fraud('/?rate=1&bad=1', '192.0.2.1', $secret), '5 [bad=5]', 'a session');
is(fraud('/?rate=1', '192.0.2.2', $secret),
   '25 [s_rate=20,reputation.session=5]', 'over');
is(reset_of('session', $secret), 'gone', 'is reset');
is(fraud('/?rate=1', '192.0.2.3', $secret), '0 []', 'begins anew');

# what billing says of an account that was confirmed: its reputation is as if
# it had sent the worst request there is, once for each order

{
    my $body = control('raise', 'account', 'raised')->{body};
    is($body, qq({"identity":"account","records":1}\n), 'raised');
    like(fraud('/?as=raised', '192.0.2.201', 'RaisedSession'), qr/^0 \[\]$/,
         'no request before it is known whose');
    is(fraud('/?as=raised', '192.0.2.202', 'RaisedSession'),
       '100 [reputation.account=100]', 'known by the session');
    is(control('raise', 'net', '192.0.2.1')->{body},
       qq({"identity":"net","records":0}\n), 'has no reputation');
    is(control('raise', 'nobody', 'x')->{status}, 404, 'is no identity');
    is(reset_of('account', 'raised'), 'gone', 'cleared');
    is(fraud('/?as=raised', '192.0.2.203', 'RaisedSession'), '0 []',
       'as before');
}

# a verified account, and the session that it is bound to stays its

my $name = 'Secret@Account';
fraud("/login?as=$name", '192.0.2.4', 'x');
fraud('/?rate=1&bad=1', '192.0.2.5', 'x');
is(fraud('/?rate=1', '192.0.2.6', 'x'),
   '60 [c_rate=30,s_rate=20,reputation.session=5,reputation.account=5]',
   'an account');
is(reset_of('account', $name), 'gone', 'is reset');
is(fraud('/?rate=1', '192.0.2.7', 'x'), '75 [reputation.session=55,s_rate=20]',
   'its session is another matter');
is(reset_of('session', 'x'), 'gone', 'that is reset too');
is(fraud('/?rate=1', '192.0.2.8', 'x'), '0 []', 'and then not the account\'s');

# a login that was guessed at

is(fraud('/?user=bob', '192.0.2.9'), '0 []', 'a login');
is(fraud('/?user=bob', '192.0.2.9'), '2 [l_rate=2]', 'guessed at');
is(reset_of('login', 'bob'), 'gone', 'is reset');
is(fraud('/?user=bob', '192.0.2.9'), '2 [reputation.address=2]',
   'begins anew, the address does not');

# errors

like(control('reset', 'net', '203.0.113.1')->{headers}{'content-type'},
     qr{^application/json}, 'JSON');
is(reset_of('account', 'nobody'), 'none', 'an account that was never seen');
is(reset_of('nothing', 'x'), 404, 'an identity that is not declared');
is(reset_of('address', $_), 400, "\"$_\" is no address")
    for 'example.com', '192.0.2.256', '192.0.2.0/24', ':';
is(control('flush', 'address', '192.0.2.1')->{status}, 400,
   'an operation that there is not');
is(control('RESET', 'address', '192.0.2.1')->{status}, 400, 'by letter');
is(control(undef, 'address', '192.0.2.1')->{status}, 400, 'no operation');
is(control('reset', undef, '192.0.2.1')->{status}, 400, 'no identity');
is(control('reset', 'address', undef)->{status}, 400, 'no value');
is(control('reset', 'address', '')->{status}, 400, 'an empty value');

for my $method ('GET', 'HEAD', 'PUT', 'DELETE') {
    is($nginx->get('/control', method => $method,
                   'Fraud-Operation' => 'reset', 'Fraud-Identity' => 'session',
                   'Fraud-Value' => $secret)->{status}, 405, $method);
}
is(control('reset', 'session', 'x' x 500, body => 'y' x 5000)->{status}, 200,
   'a long value and a body that nobody asked for');

# what is told to control is in no log, but for nginx's own dump of the headers

my %told = (session => 'VerySecretSession', account => 'Very.Secret@Account',
            address => '203.0.113.234', login => 'VerySecretLogin');
is(reset_of($_, $told{$_}), 'none', "a $_") for sort keys %told;

my $secrets = join '|', map { quotemeta } values %told;
my $debug = $nginx->slurp('logs/debug.log');

my @lines = grep { /$secrets/ } split /\n/, $debug;
my $dumps = `@{[ $ENV{TEST_NGINX_BINARY} || 'nginx' ]} -V 2>&1`
    =~ /--with-debug/ ? 4 : 0;
is(grep({ /http header: "Fraud-Value: / } @lines), $dumps, 'nginx dumps them');
is(join("\n", grep { !/http header: "Fraud-Value: / } @lines), '',
   'nobody else does');

unlike($nginx->slurp('logs/fraud.log') . $nginx->slurp('logs/error.log'),
       qr/$secrets|\Q$secret\E|\Q$name\E|192\.0\.2/, 'nor another log');

is($nginx->status->{zone}{failed}, 0, 'no record was missed');

$nginx->ends;

# nothing to reset where fraud is off everywhere

my $off = Fraud->new(server => <<'SERVER');
    location = /control { fraud_control; }
SERVER
is($off->get('/control', method => 'POST', 'Fraud-Operation' => 'reset',
             'Fraud-Identity' => 'address',
             'Fraud-Value' => '192.0.2.1')->{status}, 404, 'fraud is off');
$off->ends;
