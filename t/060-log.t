use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More tests => 40;
use Time::HiRes qw(time);

use Fraud;

# the security log, byte for byte

my $time = qr/"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/;
my $id = qr/"id":"[0-9a-f]{32}"/;
my $pid = qr/"[a-z2-7]{26}"/;

my $nginx = Fraud->new(
    files => { 'friends.txt' => "198.51.100.0/24\n" },
    http => <<'HTTP', server => <<'SERVER');
    fraud_log logs/fraud.log;
    fraud_identity session $cookie_sid kind=session;
    fraud_identity login $arg_user kind=device;
    fraud_signal canary if=$arg_a points=40;
    fraud_match agent $http_user_agent "evil" points=60;
    fraud_signal ghost if=$arg_ghost points=33 shadow;
    fraud_rate spectre login rate=1r/h points=7 shadow;
    fraud_action 60 limit;
    fraud_action 90 deny status=404;
    fraud_action 100 drop;
    log_format id '$request_id';
HTTP
    access_log logs/access.log id;
    location /observe { fraud observe; empty_gif; }
    location /enforce { fraud enforce; empty_gif; }
    location /late { fraud enforce; return 301 /; }
    location /off { fraud off; empty_gif; }
    location /none { fraud enforce; fraud_log off; empty_gif; }
    location /high {
        fraud enforce;
        fraud_log logs/high.log min_score=60;
        empty_gif;
    }
    location /inner {
        fraud enforce;
        fraud_identity device $http_x_device kind=device;
        empty_gif;
    }
    location /trusted {
        fraud enforce;
        fraud_list friends $remote_addr file=%DIR%/friends.txt trust;
        empty_gif;
    }
    location /status { fraud off; fraud_status json; }
SERVER

# added(name, before): what a file has more than so many bytes, once it has

sub added {
    my ($name, $before) = @_;

    Fraud::wait_for(sub { length $nginx->slurp($name) > $before });
    return substr $nginx->slurp($name), $before;
}

sub line {
    my ($uri, %more) = @_;
    my $before = length $nginx->slurp('logs/fraud.log');

    $nginx->get($uri, %more);
    return added('logs/fraud.log', $before);
}

# a line: the pids of these identities, and what follows them

sub is_line {
    my ($line, $identities, $rest, $name) = @_;
    my $pids = join ',', map { qr/"$_":$pid/ } @$identities;

    like($line, qr/\A\{$time,$id,$pids,\Q$rest}\E\n\z/, $name);
}

is_line(line('/observe'), ['address'], '"score":0,"action":"allow",'
        . '"mode":"observe","state":"ok","reasons":{},"status":200',
        'a request that shows nothing');
is_line(line('/enforce'), ['address'], '"score":0,"action":"allow",'
        . '"mode":"enforce","state":"ok","reasons":{},"status":200',
        'and one in mode enforce');
is_line(line('/observe?a=1', 'User-Agent' => 'evil'), ['address'],
        '"score":100,"action":"drop","mode":"observe","state":"ok",'
        . '"reasons":{"agent":60,"canary":40},"status":200',
        'reasons, the most first; observe says what it would have done');
is_line(line('/enforce', 'User-Agent' => 'evil'), ['address'],
        '"score":60,"action":"limit","mode":"enforce","state":"ok",'
        . '"reasons":{"agent":60},"status":429', 'a limited request');
is_line(line('/enforce?a=1', 'User-Agent' => 'evil'), ['address'],
        '"score":100,"action":"drop","mode":"enforce","state":"ok",'
        . '"reasons":{"agent":60,"canary":40},"status":444', 'a dropped one');
is_line(line('/late?a=1'), ['address'], '"score":40,"action":"allow",'
        . '"mode":"enforce","state":"ok","reasons":{"canary":40},"status":301',
        'one that was evaluated late');
is_line(line('/enforce?user=a', Cookie => 'sid=1'),
        ['session', 'login', 'address'], '"score":0,"action":"allow",'
        . '"mode":"enforce","state":"ok","reasons":{},"status":200',
        'all identities');
is_line(line('/inner?user=b', 'X-Device' => 'd'),
        ['login', 'address', 'device'], '"score":0,"action":"allow",'
        . '"mode":"enforce","state":"ok","reasons":{},"status":200',
        'also those of the block');
is_line(line('/enforce?user=a&ghost=1'), ['login', 'address'],
        '"score":0,"action":"allow","mode":"enforce","state":"ok",'
        . '"reasons":{},"shadow":{"ghost":33,"spectre":7},"status":200',
        'shadows have their own field');
like(line('/trusted?a=1', from => '198.51.100.1'),
     qr/"score":0,"action":"allow".*"reasons":\{"(?:trust\.)?friends":0\}/,
     'trust is a reason');
like(line('/enforce', method => 'POST', body => 'x'),
     qr/"status":405\}\n\z/, 'the status is that of the response');

my $request_id = (split /\n/, $nginx->slurp('logs/access.log'))[-1];
like((split /\n/, $nginx->slurp('logs/fraud.log'))[-1], qr/"id":"$request_id"/,
     'the id is $request_id');

# what is not logged

my $size = length $nginx->slurp('logs/fraud.log');

$nginx->get($_) for qw(/off?a=1 /none?a=1 /high?a=1);
$nginx->get('/high', 'User-Agent' => 'evil');
$nginx->get('/high?a=1', 'User-Agent' => 'evil');

my @high = split /\n/, $nginx->slurp('logs/high.log');
is(length $nginx->slurp('logs/fraud.log'), $size, 'off, and another file');
is(@high, 2, 'min_score leaves out what is below');
like($high[0], qr/"score":60,/, 'but not what is equal');

# pids: what joins and what does not

my @lines = map { decode_json($_) }
    map { line('/enforce?user=a', from => $_) }
    qw(192.0.2.1 192.0.2.1 192.0.2.2);

is($lines[0]{address}, $lines[1]{address}, 'one subject, one pid');
isnt($lines[0]{address}, $lines[2]{address}, 'another subject, another');
is($lines[0]{login}, $lines[2]{login}, 'each identity on its own');

# nothing raw goes in through any channel

my @canaries = ('203.0.113.77', '2001:db8:ca:9::77', 'canarytoken',
                'Mozilla/9.9 (canary)', 'canary.example', 'canarypath');

for my $address (@canaries[0, 1]) {
    $nginx->get("/enforce/canarypath?user=canarytoken&a=canarytoken",
                from => $address, 'User-Agent' => $canaries[3],
                Cookie => 'sid=canarytoken', Referer => 'http://canary.example',
                Authorization => 'Basic canarytoken');
}
$nginx->get("/late/canarypath?user=%22%0acanarytoken", from => $canaries[0],
            'User-Agent' => 'canarytoken "\\');
$nginx->get('/inner', 'X-Device' => "canarytoken\x01\xff\"\\", from => '::1');
my $log = $nginx->slurp('logs/fraud.log') . $nginx->slurp('logs/high.log');

for my $canary (@canaries) {
    (my $hex = unpack 'H*', $canary) =~ s/^$/-/;
    unlike($log, qr/\Q$canary\E|$hex/i, "no \"$canary\"");
}

my $parsed = grep { ref eval { decode_json($_) } } split /\n/, $log;
is($parsed, scalar(() = $log =~ /\n/g), 'every line is one JSON object');

# reopened when the log is rotated

rename "$nginx->{dir}/logs/fraud.log", "$nginx->{dir}/logs/fraud.log.1";
$nginx->signal('USR1');
ok(Fraud::wait_for(sub { -e "$nginx->{dir}/logs/fraud.log" }), 'a new file');
ok(Fraud::wait_for(sub {
    $nginx->get('/enforce');
    return length $nginx->slurp('logs/fraud.log');
}), 'that is written to');
is($nginx->status->{faults}{log_lost}, 0, 'no line was lost');
$nginx->ends;

# a buffer is written when it is full, when its time has come, on USR1 and at
# the end; one file in two blocks has one buffer

$nginx = Fraud->new(http => 'fraud_log logs/fraud.log buffer=4k flush=2s;',
                    server => <<'SERVER');
    fraud observe;
    location / { empty_gif; }
    location /two {
        fraud_log logs/fraud.log buffer=4k flush=2s min_score=1;
        fraud_signal two points=2;
        empty_gif;
    }
SERVER

my $begin = time;
$nginx->get('/');
$nginx->get('/two');
my $early = length $nginx->slurp('logs/fraud.log');
ok(!$early || time - $begin >= 1.9, 'lines wait in the buffer');
my $written = added('logs/fraud.log', 0);
like($written, qr/\A\{.*"score":0,.*\n\{.*"score":2,.*\n\z/,
     'and are written after a while, both in one');

$size = length $written;
$nginx->get($_ % 2 ? '/' : '/two') for 1 .. 60;
my $all = added('logs/fraud.log', $size);
cmp_ok(length $all, '>', 3000, 'a full buffer is written at once');

Fraud::wait_for(sub {
    return (() = $nginx->slurp('logs/fraud.log') =~ /\n/g) == 62;
});
is(scalar(() = $nginx->slurp('logs/fraud.log') =~ /^\{.*\}$/mg), 62,
   'no line is lost or torn');

$nginx->get('/');
$nginx->ends;
is(scalar(() = $nginx->slurp('logs/fraud.log') =~ /^\{.*\}$/mg), 63,
   'what was left is written at the end');

# one file in two blocks, and two workers, without a buffer

$nginx = Fraud->new(workers => 2, http => 'fraud_log logs/fraud.log;',
                    server => <<'SERVER');
    fraud observe;
    location / { empty_gif; }
    location /two { fraud_log logs/fraud.log min_score=1; empty_gif; }
    location /three {
        fraud_log logs/fraud.log;
        fraud_signal three points=3;
        empty_gif;
    }
SERVER

my @sockets = map { $nginx->send(('/', '/two', '/three')[$_ % 3]) } 1 .. 90;
$nginx->receive($_) for @sockets;
Fraud::wait_for(sub {
    return (() = $nginx->slurp('logs/fraud.log') =~ /\n/g) >= 60;
});
is(scalar(() = $nginx->slurp('logs/fraud.log') =~ /^\{.*\}$/mg), 60,
   'two blocks and two workers write whole lines');
$nginx->ends;
