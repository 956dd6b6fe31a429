use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More tests => 52;

use Fraud;

# A login name in a request is anybody's word. Who guesses at a victim's
# password is limited, the victim elsewhere is not.

my $nginx = Fraud->new(http => <<'HTTP', server => <<'SERVER');
    server {
        listen unix:%DIR%/app.sock;
        if ($arg_pass = good) { return 200 app; }
        location / { return 401 app; }
    }
    map $status $login_failed { volatile; 401 1; default ""; }
HTTP
    fraud enforce;
    fraud_action 60 limit;
    fraud_identity login $arg_user;
    fraud_rate bruteforce login rate=5r/h burst=5 if=$login_failed on=response
               points=60;
    add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    location / { proxy_pass http://unix:%DIR%/app.sock:; }
    location = /static { empty_gif; }
    location = /status { fraud off; fraud_status json; }
SERVER

sub login {
    my ($from, $user, $pass) = @_;
    my $response = $nginx->get("/login?user=$user&pass=$pass", from => $from);
    return "$response->{status} $response->{headers}{'x-fraud'}";
}

my ($attacker, $victim) = ('192.0.2.66', '198.51.100.1');
my ($failed, $passed) = ('401 0 []', '200 0 []');
my $limited = '429 60 [bruteforce=60]';

is(login($victim, 'alice', 'good'), $passed, 'the victim, before');

is(login($attacker, 'alice', "guess$_"), $failed, "guess $_") for 1 .. 6;
is(login($attacker, 'alice', "guess$_"), $limited, "guess $_ is limited")
    for 7 .. 9;

is(login($victim, 'alice', 'good'), $passed, 'the victim is not locked out');
is(login($victim, 'alice', 'typo'), $failed, 'nor after a typo:');
is(login($victim, 'alice', 'good'), $passed, 'the second request passes');
is(login($victim, 'alice', 'good'), $passed, 'and the next');

is(login($attacker, 'alice', 'good'), $limited,
   'the attacker is limited, also with the right password');
is(login($attacker, 'alice', 'guess'), $limited, 'and stays so');
is(login($attacker, 'bob', 'guess'), $failed, 'the next name is another one');
is($nginx->fraud('/static', from => $attacker), '0 []',
   'a request without a name is nobody\'s');

# from elsewhere it begins anew, but no bucket is full again

is(login('192.0.2.67', 'alice', 'guess'), $failed, "from elsewhere, guess $_")
    for 1 .. 3;
is(login('192.0.2.67', 'alice', 'guess'), $limited, 'guess 4 is limited');

# one /64 is one place, a v4-mapped address the same as v4

is(login('2001:db8:1:1::1', 'alice', 'guess'), $failed, 'from one host');
is(login('2001:db8:1:1::2', 'alice', 'guess'), $failed, 'and its neighbour');
is(login('2001:db8:1:1::3', 'alice', 'guess'), $failed, 'and another');
is(login('2001:db8:1:1::4', 'alice', 'guess'), $limited, 'they are one');
is(login('2001:db8:1:2::1', 'alice', 'good'), $passed, 'the next network is not');
is(login("::ffff:$attacker", 'alice', 'good'), $limited,
   'the attacker in another notation');

# a spray: nobody's bucket is over

is(login($attacker, "user$_", 'Summer26'), $failed, "one guess at user $_")
    for 1 .. 5;

$nginx->ends;

# the same with a reputation and with a signal on the request: neither what a
# name earned by others' doing nor what others counted is held against who just
# came

my $learns = Fraud->new(http => <<'HTTP', server => <<'SERVER');
    fraud_identity login $arg_user;
    fraud_reputation login half_life=30d;
HTTP
    fraud observe;
    fraud_rate often login rate=1r/h burst=3 points=30;
    fraud_rate fails login rate=9r/h burst=99 if=$arg_fail on=response points=0;
    fraud_distinct agents login of=$http_user_agent max=2 window=1h points=9;
    fraud_signal bad if=$arg_bad points=50;
    add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    location / { empty_gif; }
    location /status { fraud off; fraud_status json; }
SERVER

sub fraud {
    my ($from, $uri, $agent) = @_;
    return $learns->fraud($uri, from => $from, 'User-Agent' => $agent // 'a');
}

is(fraud($attacker, '/?user=alice&bad=1'), '50 [bad=50]', 'an attacker');
is(fraud($attacker, '/?user=alice', $_), '0 []',
   'whom no response of his was held against yet') for 'b' .. 'e';
fraud($attacker, '/?user=alice&fail=1', $_) for 'f' .. 'h';
like(fraud($attacker, '/?user=alice', 'i'),
     qr/^\d+ \[reputation.login=50,often=30,agents=9\]/,
     'and to whom all under the name counts after three');

is(fraud($victim, '/?user=alice', $_), '0 []', 'the victim has none of it')
    for 'j' .. 'm';
fraud($victim, '/?user=alice&fail=1', 'm') for 1, 2;
is(fraud($victim, '/?user=alice', 'm'), '0 []', 'nor after two typos');
is(fraud($victim, '/'), '0 []', 'nor without the name');

# what a stranger's look costs: nothing is kept of who takes no part

my $entries = $learns->status->{zone}{entries};
is(fraud("203.0.113.$_", '/'), '0 []', "a stranger") for 1 .. 2;
is($learns->status->{zone}{entries}, $entries, 'leaves nothing');

$learns->ends;
