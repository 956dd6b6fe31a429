use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More tests => 36;

use Fraud;

# the status: what is in it, and that it counts

my $nginx = Fraud->new(
    workers => 2,
    files => { 'friends.txt' => "198.51.100.0/24\n" },
    http => <<'HTTP', server => <<'SERVER');
    fraud_zone counted 1m;
    fraud_identity session $cookie_sid kind=session;
    fraud_signal a if=$arg_a points=40;
    fraud_signal b if=$arg_b points=30;
    fraud_signal ghost if=$arg_ghost points=100 shadow;
    fraud_rate flood session rate=1r/h burst=1 points=60;
    fraud_match steps $arg_x "^(a+)+$" points=5;
    fraud_action 30 delay=1ms;
    fraud_action 40 limit;
    fraud_action 60 deny;
    fraud_action 70 drop;
HTTP
    location /gif { fraud enforce; empty_gif; }
    location /observe { fraud observe; empty_gif; }
    location /late { fraud enforce; return 404; }
    location /inner { fraud enforce; fraud_signal inner points=1; empty_gif; }
    location /again { fraud enforce; fraud_signal inner points=2; empty_gif; }
    location /trusted {
        fraud enforce;
        fraud_list friends $remote_addr file=%DIR%/friends.txt trust;
        empty_gif;
    }
    location /status { fraud off; fraud_status json; }
    location /scored { fraud observe; fraud_status json; }
SERVER

my $response = $nginx->get('/status');

is($response->{status}, 200, 'it answers');
is($response->{headers}{'content-type'}, 'application/json', 'in JSON');
is($response->{headers}{'content-length'}, length $response->{body},
   'of this length');

my $zero = $nginx->status;
is(join(',', sort keys %$zero),
   'faults,files_loaded,requests,signals,state,version,zone', 'all members');
is_deeply($zero->{requests}, {
    map { $_ => 0 } qw(total late trusted allow delay limit deny drop observed
                       overdelayed)
}, 'no request was scored');
is_deeply($zero->{faults}, {
    map { $_ => 0 } qw(match_limit geo_corrupt log_lost file_refused keyless)
}, 'no fault');
is_deeply($zero->{signals}, {
    map { $_ => 0 } qw(a b ghost flood steps inner friends)
}, 'each signal once');
is($zero->{zone}{name}, 'counted', 'the name of the zone');
is($zero->{zone}{bytes}, 1048576, 'its size');
cmp_ok($zero->{zone}{capacity}, '>', 6000, 'its capacity');
is_deeply([ @{ $zero->{zone} }{qw(entries created evicted expired failed)} ],
          [ (0) x 5 ], 'it is empty');
is($zero->{state}, 'ok', 'the state');
like($zero->{version}, qr/^\d+\.\d+\.\d+$/, 'a version');

# one request after another on any of two workers

$nginx->get('/gif') for 1 .. 3;                         # allow
$nginx->get('/gif?b=1');                                # delay
$nginx->get('/gif?a=1') for 1 .. 2;                     # limit
$nginx->get('/gif', Cookie => 'sid=1') for 1 .. 4;      # 2 allow, 2 deny
$nginx->get('/gif?a=1&b=1');                            # drop
$nginx->get('/observe?a=1') for 1 .. 2;                 # limit, observed
$nginx->get('/late?a=1');                               # allow, late
$nginx->get('/trusted?a=1', from => '198.51.100.1');    # allow, trusted
$nginx->get('/gif?ghost=1');                            # allow
$nginx->get($_) for qw(/inner /again /inner);           # allow
$nginx->get('/gif?x=' . 'a' x 4000 . 'b');              # allow, limited match

my $now;
Fraud::wait_for(sub {
    $now = $nginx->status;
    return $now->{requests}{total} == 20;
});

is_deeply($now->{requests}, {
    total => 20, late => 1, trusted => 1, allow => 12, delay => 1, limit => 4,
    deny => 2, drop => 1, observed => 2, overdelayed => 0,
}, 'requests by their action');
is_deeply($now->{signals}, {
    a => 6, b => 2, ghost => 1, flood => 2, steps => 0, inner => 3,
    friends => 1,
}, 'signals that fired, shadows as well');
is($now->{faults}{match_limit}, 1, 'a match that was given up');
is_deeply([ @{ $now->{zone} }{qw(entries created evicted expired failed)} ],
          [ 1, 1, 0, 0, 0 ], 'the one subject');

# another way in

my $head = $nginx->get('/status', method => 'HEAD');
is($head->{status}, 200, 'HEAD');
is($head->{body}, '', 'has no body');
is($nginx->get('/status', method => 'POST', body => 'x')->{status}, 405,
   'POST is not allowed');
is($nginx->status('/scored')->{requests}{total}, 20,
   'the status of a scored location does not count itself yet');
Fraud::wait_for(sub { $nginx->status->{requests}{total} == 21 });
is($nginx->status->{requests}{total}, 21, 'it is a request like others');

# a reload keeps what was counted

ok($nginx->reload, 'reloaded');
is($nginx->status->{requests}{total}, 21, 'counters outlive a reload');
is($nginx->status->{signals}{a}, 6, 'those of signals as well');
is($nginx->status->{zone}{entries}, 1, 'and the zone');
$nginx->ends;

# where nothing is scored there is little to say

$nginx = Fraud->new(server => 'location /status { fraud_status json; }');
is($nginx->get('/status')->{status}, 200, 'the status without a zone');
like($nginx->status->{version}, qr/^\d+\.\d+\.\d+$/, 'has the version');
$nginx->ends;

$nginx = Fraud->new(http => 'fraud_zone alone 256k;',
                    server => 'location /status { fraud_status json; }');
is($nginx->status->{zone}{name}, 'alone', 'a zone that nobody uses');
is($nginx->status->{zone}{bytes}, 262144, 'of the least size');
$nginx->ends;
