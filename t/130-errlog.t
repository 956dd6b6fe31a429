use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Fraud;

plan tests => 50;

# nginx's own error logs where a policy is in force, and where none is

my $policy = "$FindBin::Bin/../conf/policies/asogen.policy";

my $http = <<'END';
    fraud observe;
    access_log off;
    add_header X-Pid $fraud_address_pid always;
END

my $two = <<'END';
    location /down/ { proxy_pass http://127.0.0.1:1; }
    location /own/ { error_log logs/own.log info; root %DIR%/none; }
    location / { root %DIR%/none; }
    rewrite ^/rewritten/(.*) /down/$1;
END

sub other {
    my ($inner) = @_;
    return "} server { listen 127.0.0.1:%PORT%; server_name other.test; "
        . "error_log logs/other.log info; $inner $two";
}

package Two {
    our @ISA = ('Fraud');

    sub expand {
        my ($self, $text) = @_;
        $text =~ s/%PORT%/$self->{port}/g;
        return $self->SUPER::expand($text);
    }
}

sub ask {
    my ($nginx, $host, $uri, @more) = @_;
    return $nginx->receive($nginx->send_raw("GET $uri HTTP/1.1\r\n"
        . "Host: $host\r\nReferer: http://anna.test/\r\n"
        . "X-Forwarded-For: 192.0.2.77\r\nConnection: close\r\n\r\n"));
}

sub lines {
    my ($nginx, $log) = @_;
    return join "\n", grep { /\*\d+ / } split /\n/, $nginx->slurp("logs/$log");
}

# whole words: a pseudonym may have their letters in it
my $raw = qr/192\.0\.2\.77|\b(?:anna|email)\b/;

# one server with a policy, one without

{
    my $nginx = Two->new(http => $http,
        server => "fraud_policy $policy; $two" . other(''));

    my $pid = ask($nginx, 'localhost', '/anna?email=a')->{headers}{'x-pid'};
    like($pid, qr/^[a-z2-7]{26}$/, 'a pid');
    ask($nginx, 'localhost', "/$_/anna?email=a")
        for qw(down own rewritten);
    ask($nginx, 'other.test', "/$_/anna?email=a")
        for qw(down own rewritten);

    my $log = lines($nginx, 'error.log');
    like($log, qr/ \[error\] \d+#\d+: \*\d+ open\(\) "-" failed \(2: No such file or directory\), client: $pid, request: "GET HTTP\/1\.1"$/m,
        'what is not found');
    like($log, qr/ connect\(\) failed \(111: Connection refused\) while connecting to upstream, client: $pid, request: "GET HTTP\/1\.1", upstream: "http:\/\/127\.0\.0\.1:1"$/m,
        'an upstream that is down');
    unlike($log, $raw, 'nobody in the log of the server with a policy');

    my $own = lines($nginx, 'own.log');
    like($own, qr/open\(\) "-" failed .*, client: $pid,/,
        'the log of a location');
    like($own, qr{open\(\) "[^"]*/none/own/anna" failed .*, client: 192\.0\.2\.77, server: other\.test, request: "GET /own/anna\?email=a HTTP/1\.1"},
        'of both servers: as it is where there is no policy');

    $log = lines($nginx, 'other.log');
    like($log, qr{open\(\) failed|connect\(\) failed .*, client: 192\.0\.2\.77, server: other\.test, request: "GET /down/anna\?email=a HTTP/1\.1", upstream: "http://127\.0\.0\.1:1/down/anna\?email=a"},
        'a server without a policy');
    like($log, qr{upstream: "http://127\.0\.0\.1:1/down/anna\?email=a".*\n.*GET /rewritten/anna.*upstream: "http://127\.0\.0\.1:1/down/anna}s,
        'after a rewrite, too');

    # a request whose server is not known yet

    $nginx->receive($nginx->send_raw(
        "GET /anna HTTP/1.1\r\nanna bad: x\r\nHost: other.test\r\n\r\n"));
    $nginx->receive($nginx->send_raw(
        "GET /anna HTTP/1.1\r\nHost: other.test\r\nbad bad: x\r\n\r\n"));
    $nginx->receive($nginx->send_raw("anna /anna\r\n\r\n"));
    $log = lines($nginx, 'error.log') . "\n";
    like($log, qr/client sent invalid header line: "-" while reading client request headers, client: [a-z2-7]{26}, /,
        'a bad header');
    like(lines($nginx, 'other.log'), qr/client sent invalid header line: "bad\\x20\.\.\." .*, client: 127\.0\.0\.1, /,
        'a bad header after the name of a server without a policy');
    like($log, qr/client sent invalid method while reading client request line, client: [a-z2-7]{26}, request: "-"$/m,
        'a bad line');

    # the master tells all: it has no clients

    $nginx->put('good.conf', $nginx->slurp('nginx.conf'));
    $nginx->put('nginx.conf', $nginx->slurp('good.conf')
        . "anna_directive on;\n");
    $nginx->signal('HUP');
    ok(Fraud::wait_for(sub {
        $nginx->slurp('logs/error.log') =~ /\[emerg\] \d+#\d+: unknown directive "anna_directive" in \S+nginx\.conf:\d+$/m
    }), 'a bad configuration is told of in full');
    is(ask($nginx, 'localhost', '/anna')->{headers}{'x-pid'}, $pid,
        'and not taken');

    # reload

    ok($nginx->reload, 'reload');
    is(ask($nginx, 'localhost', '/anna2')->{headers}{'x-pid'}, $pid,
        'the same pid');
    $log = lines($nginx, 'error.log');
    unlike($log, qr/anna2|192\.0\.2\.77/, 'nobody after a reload');

    ok($nginx->reload(server => $two . other('')), 'the policy is removed');
    ask($nginx, 'localhost', '/down/anna3?email=a');
    $log = lines($nginx, 'error.log');
    like($log, qr{client: 192\.0\.2\.77, server: , request: "GET /down/anna3\?email=a},
        'all is told again');

    ok($nginx->reload(http => "$http fraud_policy $policy;",
                      server => $two . other('')),
        'a policy for all');
    ask($nginx, $_, '/down/anna4?email=a') for qw(localhost other.test);
    $log = lines($nginx, 'error.log') . lines($nginx, 'other.log');
    unlike($log, qr/anna4/, 'nobody in any log');
    my @named = $log =~ /, client: $pid, server: (other\.test), /g;
    is("@named", 'other.test', 'the server as configured');

    $nginx->ends('unknown directive|failed');
}

# two servers with a policy each: before a request and after it nobody knows
# which of them a client came for

{
    my $nginx = Two->new(http => $http, server => "fraud_policy $policy; $two"
        . other("fraud_policy $FindBin::Bin/../conf/policies/aseptsoft.policy;"));

    my $pid = ask($nginx, 'localhost', '/down/anna')->{headers}{'x-pid'};
    $nginx->receive($nginx->send_raw("anna /anna\r\n\r\n"));
    $nginx->receive($nginx->send_raw(
        "GET /anna HTTP/1.1\r\nanna bad: x\r\nHost: other.test\r\n\r\n"));
    my $kept = $nginx->send_raw(
        "GET /down/anna HTTP/1.1\r\nHost: other.test\r\n\r\n");
    my $answer = '';
    while ($answer !~ m{</html>\s*\z}
           && sysread $kept, $answer, 65536, length $answer) {
    }
    like($answer, qr{^HTTP/1\.1 502 }, 'two policies: under the second one');
    close $kept;
    ok(Fraud::wait_for(sub {
        lines($nginx, 'other.log') =~ / closed keepalive connection/
    }), 'two policies: it ends');

    my $log = lines($nginx, 'error.log');
    like($log, qr/connect\(\) failed .*, client: $pid, /,
        'two policies: the first one\'s pid');
    like($log, qr/client sent invalid method .*, client: -, /,
        'two policies: no pid for a bad line');
    like($log, qr/client sent invalid header line: .*, client: -, /,
        'two policies: nor for a bad header');
    like(lines($nginx, 'other.log'),
        qr/client 127\.0\.0\.1 closed keepalive connection, client: -, /,
        'two policies: nor for a connection that ends');
    $nginx->ends('failed|invalid');
}

# HTTP/2: the log of a stream is no connection's own

{
    my $nginx = Two->new(http2 => 1, http => "$http fraud_policy $policy;",
                         server => $two);

    my $curl = "curl -s --http2-prior-knowledge --max-time 10 -o /dev/null "
        . "-D - -H 'X-Forwarded-For: 192.0.2.77'";
    my ($pid) = `$curl http://127.0.0.1:$nginx->{port}/down/anna?email=a`
        =~ /^x-pid: (\S+)/mi;
    like($pid, qr/^[a-z2-7]{26}$/, 'HTTP/2: a pid');
    `$curl http://127.0.0.1:$nginx->{port}/down/anna?email=a`;

    my $log = lines($nginx, 'error.log');
    my @seen = $log =~ /connect\(\) failed .*, client: ($pid), request: "GET HTTP\/2\.0", upstream: /g;
    is(scalar @seen, 2, 'HTTP/2: it is in the error log');
    unlike($log, $raw, 'HTTP/2: nobody else is');
    $nginx->ends('failed');
}

# two logs of one chain, one of them stderr; debug lines

{
    my $nginx = Two->new(main => 'error_log stderr info;',
        http => "$http fraud_policy $policy;", server => $two);

    my $pid = ask($nginx, 'localhost', '/down/anna?email=a')
        ->{headers}{'x-pid'};

    for my $log ('error.log', 'out') {
        my $lines = lines($nginx, $log);
        like($lines, qr/connect\(\) failed .*, client: $pid, /,
            "$log: the line is there");
        unlike($lines, $raw, "$log: nobody is");
    }
    $nginx->ends('failed');
}

{
    my $nginx = Two->new(
        http => "$http fraud_policy $policy; error_log logs/debug.log debug;",
        server => $two);

    ask($nginx, 'localhost', '/down/anna?email=a');
    my $log = $nginx->slurp('logs/debug.log');
    like($log, qr/\[error\]/, 'debug: errors');
    unlike($log, $raw, 'debug: nobody');
    $nginx->ends('failed');
}

# no zone, no module at work: there are no secrets, and no names

{
    my $nginx = Two->new(http => "fraud_policy $policy;", server => $two);
    ask($nginx, 'localhost', '/down/anna?email=a');
    my $log = lines($nginx, 'error.log');
    like($log, qr/connect\(\) failed .*, client: -, request: /,
        'fraud off: no name');
    $nginx->ends('failed');
}

# before nginx starts, its words are its own

{
    my $dir = File::Temp->newdir('fraud-XXXXXX', TMPDIR => 1);
    my $binary = $ENV{TEST_NGINX_BINARY} || 'nginx';
    my $modules = join '', map { "load_module $_;\n" }
        grep { length } split ' ', $ENV{TEST_NGINX_LOAD_MODULES} || '';

    open my $out, '>', "$dir/nginx.conf" or die;
    print $out $modules, "error_log $dir/error.log;\npid $dir/pid;\n",
        "events { }\nhttp { fraud_policy $policy; access_log off;\n",
        "anna_directive; }\n";
    close $out;

    my $said = `$binary -t -p $dir -c $dir/nginx.conf -e $dir/e 2>&1`;
    like($said, qr/\[emerg\] unknown directive "anna_directive" in \S+:\d+/,
        'a start that fails says why');
}
