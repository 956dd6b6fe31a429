use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More tests => 39;

use Fraud;

# A limit of an address that grows with the good sessions seen behind it: good
# are those that returned their cookie, are older than ten minutes and did
# nothing bad. nginx lives through these minutes by libfaketime. The rate has no
# points here: they would be something bad.

my $server = <<'SERVER';
    fraud observe;
    fraud_rate flood address rate=6r/h burst=1 per=session factor=3 points=0;
    fraud_signal bad if=$arg_bad points=9;
    add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    location / { empty_gif; }
    location = /off { fraud off; empty_gif; }
    location = /status { fraud off; fraud_status json; }
SERVER

my $http = <<'HTTP';
    fraud_session sid;
    fraud_reputation session half_life=30d;
HTTP

my ($passes, $over) = ('0 []', '0 [flood=0]');

sub from {
    my ($nginx, $address, $session, $uri) = @_;
    return $nginx->fraud($uri // '/', from => $address,
                         defined $session ? (Cookie => "sid=$session") : ());
}

sub issued {
    my ($nginx, $address) = @_;
    my $cookie = $nginx->get('/', from => $address)->{headers}{'set-cookie'};
    return $cookie =~ /^sid=(\w{26});/ ? $1 : die "no session\n";
}

# at_once(nginx, address, sessions): how many requests pass, a session in turn

sub at_once {
    my ($nginx, $address, @sessions) = @_;

    for my $n (0 .. 50) {
        my $session = $sessions[$n % @sessions] if @sessions;
        return $n if from($nginx, $address, $session) ne $passes;
    }
    return 'more';
}

# without waiting: what is new widens nothing

my $new = Fraud->new(http => $http, server => $server);

is(at_once($new, '192.0.2.1'), 2, 'no session: rate and burst as they are');

my @made_up = map { my $n = $_; join '', map { chr 97 + ($n + $_) % 16 } 1 .. 26 }
    1 .. 12;
is(at_once($new, '192.0.2.2', @made_up), 2, 'twelve sessions that are made up');

my @issued = map { issued($new, '192.0.2.3') } 1 .. 12;
is(at_once($new, '192.0.2.4', @issued), 2, 'twelve new sessions');
is(at_once($new, '192.0.2.5', @issued), 2,
   'which are no better at another address');
is(from($new, '192.0.2.6', $_), $passes, 'who comes alone passes')
    for $issued[0];
$new->ends;

# the same without sessions in the configuration: per= names any identity

my $device = Fraud->new(server => <<'SERVER');
    fraud observe;
    fraud_identity device $http_x_device kind=device;
    fraud_rate flood address rate=6r/h burst=1 per=device factor=3 points=0;
    add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    location / { empty_gif; }
SERVER
is($device->fraud('/', from => '192.0.2.1', 'X-Device' => $_),
   $_ < 3 ? $passes : $over, "device $_") for 1 .. 5;
$device->ends;

# with time

my ($library) = glob '/usr/lib/*/faketime/libfaketime.so.1';
$library = $ENV{FRAUD_TEST_FAKETIME} // $library
    // die "no libfaketime, install it with ./build.sh deps\n";

{
    my $clock = File::Temp->new;
    my $passed = 0;

    # at(seconds): all of nginx is so late from now on

    my $at = sub {
        ($passed) = @_;
        open my $out, '>', "$clock" or die "$clock: $!\n";
        print $out "+$passed\n";
        close $out or die "$clock: $!\n";
    };
    $at->(0);

    local $ENV{LD_PRELOAD} = $library;
    local $ENV{FAKETIME_TIMESTAMP_FILE} = "$clock";
    local $ENV{FAKETIME_NO_CACHE} = 1;
    local $ENV{FAKETIME_DONT_FAKE_MONOTONIC} = 1;

    my $nginx = Fraud->new(http => $http, server => $server, main => <<'MAIN');
    env LD_PRELOAD;
    env FAKETIME_TIMESTAMP_FILE;
    env FAKETIME_NO_CACHE;
    env FAKETIME_DONT_FAKE_MONOTONIC;
MAIN
    delete $ENV{LD_PRELOAD};

    my @good = map { issued($nginx, "198.51.100.$_") } 1 .. 6;
    is(from($nginx, '192.0.2.9', $_), $passes, 'a session is seen')
        for $good[0];
    is(from($nginx, "198.51.100.1$_", $good[$_]), $passes, 'and others')
        for 1 .. 4;

    $at->(9 * 60);
    is(at_once($nginx, '192.0.2.1', @good[0 .. 4]), 2, 'nine minutes later');

    $at->(11 * 60);
    is(at_once($nginx, '192.0.2.2'), 2, 'eleven: no session');
    is(at_once($nginx, '192.0.2.3', $good[0]), 2, 'one');
    is(at_once($nginx, '192.0.2.4', @good[0, 1]), 4, 'two');
    is(at_once($nginx, '192.0.2.5', @good[0 .. 2]), 6, 'three');
    is(at_once($nginx, '192.0.2.6', @good[0 .. 4]), 6, 'at most the factor');
    is(at_once($nginx, '192.0.2.7', @good[0, 5]), 2, 'one of two is new');

    # the limit is the address's: who has no session has the same

    is(from($nginx, '192.0.2.8', $_), $passes, 'good sessions pass')
        for @good[0 .. 2];
    is(from($nginx, '192.0.2.8'), $passes, 'one without') for 1 .. 3;
    is(from($nginx, '192.0.2.8'), $over, 'is over in the end');

    # what one did

    like(from($nginx, '203.0.113.1', $good[1], '/?bad=1'), qr/bad=9/,
         'a session does something bad');
    is(at_once($nginx, '203.0.113.2', $good[0]), 2, 'without it');
    unlike(from($nginx, '203.0.113.3', $good[1]), qr/flood/, 'with it');
    like(join(' ', map { from($nginx, '203.0.113.3', $good[$_]) } 0, 1),
         qr/flood/, 'it does not count');

    $nginx->ends;
}
