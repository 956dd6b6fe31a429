use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More tests => 66;

use Fraud;

my $pid = qr/[a-z2-7]{26}/;

# the application vouches for whom ?as= names

my $nginx = Fraud->new(http => <<'HTTP', server => <<'SERVER');
    server {
        listen unix:%DIR%/app.sock;
        add_header X-Account $arg_as always;
        location / { return 200 app; }
        location /fails { return 500 app; }
    }
    log_format account '$request_id <$fraud_account_pid>';
HTTP
    fraud enforce;
    fraud_action 90 deny;
    fraud_session sid;
    fraud_identity account $upstream_http_x_account verified;
    fraud_rate spend account rate=1r/h burst=1 points=40;
    fraud_signal bad if=$arg_bad points=50;
    fraud_signal worse if=$arg_worse points=90;
    fraud_log logs/fraud.log;
    access_log logs/access.log account;
    add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    add_header X-Pid "<$fraud_account_pid>" always;
    add_header X-Id $request_id always;
    location / { proxy_pass http://unix:%DIR%/app.sock:; }
    location = /static { empty_gif; }
    location = /trap { return 410; }
    location = /status { fraud off; fraud_status json; }
SERVER

# session(): a cookie of ours that no one has had before

sub session {
    return $nginx->get('/static')->{headers}{'set-cookie'} =~ /^sid=(\w+);/
        ? "sid=$1" : die "no session\n";
}

# logged(response): what both logs say of the account, security log first

sub logged {
    my ($response) = @_;
    my $id = $response->{headers}{'x-id'};
    my ($line, $access);

    Fraud::wait_for(sub {
        ($line) = $nginx->slurp('logs/fraud.log') =~ /^(.*"id":"$id".*)$/m;
        ($access) = $nginx->slurp('logs/access.log') =~ /^$id (<.*>)$/m;
        return defined $line && defined $access;
    }) or return;

    return ($line =~ /"account":"(\w+)"/ ? $1 : '', $access);
}

my ($one, $two, $other) = (session(), session(), session());

# the response binds, and only the next request knows

my $login = $nginx->get('/login?as=alice', Cookie => $one);
is($login->{headers}{'x-fraud'}, '0 []', 'a login');
is($login->{headers}{'x-pid'}, '<>', 'of whom the request knows nothing');

my ($alice, $variable) = logged($login);
like($alice, qr/^$pid$/, 'but the log does');
is($variable, "<$alice>", 'and so does access_log');

my $next = $nginx->get('/', Cookie => $one);
is($next->{headers}{'x-fraud'}, '0 []', 'the first request of the account');
is($next->{headers}{'x-pid'}, "<$alice>", 'is known by its session');
is_deeply([logged($next)], [$alice, "<$alice>"], 'and in the logs');

is($nginx->fraud('/', Cookie => $one), '0 []', 'its second');
is($nginx->fraud('/', Cookie => $one), '40 [spend=40]', 'its third is over');
is($nginx->fraud('/static', Cookie => $one), '40 [spend=40]',
   'also where no application answers');

# who else is, and is not, that account

for my $who (["another session", Cookie => $other],
             ["no session"],
             ["a header of the client's", Cookie => $other,
              'X-Account' => 'alice'],
             ["a forged session", Cookie => 'sid=' . 'a' x 26],
             ["a malformed session", Cookie => "${one}x"])
{
    my ($name, %more) = @$who;
    my $response = $nginx->get('/', %more);

    is($response->{headers}{'x-fraud'}, '0 []', "$name is not the account");
    is($response->{headers}{'x-pid'}, '<>', 'for the request');
    is((logged($response))[0], '', 'and in the log');
}

# an argument reaches the application, which decides; a header vouches nothing

$nginx->get('/', Cookie => $other, 'X-Account' => 'alice') for 1 .. 3;
is($nginx->get('/', Cookie => $other)->{headers}{'x-pid'}, '<>',
   'no header of the client vouches');

is($nginx->fraud('/login?as=alice', Cookie => $two), '0 []',
   'a second session of the account');
my $shared = $nginx->get('/', Cookie => $two);
is($shared->{headers}{'x-fraud'}, '40 [spend=40]', 'shares its rate');
is($shared->{headers}{'x-pid'}, "<$alice>", 'and is the same one');

# without a session there is nothing to bind to

$login = $nginx->get('/login?as=alice');
is((logged($login))[0], $alice, 'a login without a session is logged');
is($nginx->fraud('/'), '0 []', 'and forgotten');

# another account takes the session over

$nginx->get('/login?as=bob', Cookie => $one);
$next = $nginx->get('/', Cookie => $one);
is($next->{headers}{'x-fraud'}, '0 []', 'another account in the first session');
unlike($next->{headers}{'x-pid'}, qr/<(?:$alice)?>/, 'is another one');
is($nginx->get('/', Cookie => $two)->{headers}{'x-pid'}, "<$alice>",
   'the second session stays with the first account');

# an error of the application vouches as well, our own does not

my ($third, $fourth) = (session(), session());
$nginx->get('/fails?as=alice', Cookie => $third);
is($nginx->get('/', Cookie => $third)->{headers}{'x-pid'}, "<$alice>",
   'status 500 from the application');
is($nginx->get('/login?as=alice&worse=1', Cookie => $fourth)->{status}, 403,
   'a login that is denied');
is($nginx->get('/', Cookie => $fourth)->{headers}{'x-pid'}, '<>',
   'binds nobody');

# neither session nor account stand in any log as they are

my $text = $nginx->slurp('logs/fraud.log') . $nginx->slurp('logs/access.log')
    . $nginx->error_log;
unlike($text, qr/alice|bob/, 'no account in a log');
unlike($text, qr/\Q@{[ substr $one, 4 ]}\E/, 'no session in a log');

$nginx->ends;

# reputation, responses' rates, and a session of the application's own

my $second = Fraud->new(http => <<'HTTP', server => <<'SERVER');
    server {
        listen unix:%DIR%/app.sock;
        add_header X-Account $arg_as always;
        location / { return 200 app; }
        location /refuse { return 402 app; }
    }
    map $status $unpaid { volatile; 402 1; default ""; }
    fraud_identity session $cookie_app kind=session;
    fraud_identity account $upstream_http_x_account kind=account verified;
    fraud_reputation account half_life=30d;
HTTP
    fraud observe;
    fraud_signal bad if=$arg_bad points=50;
    fraud_rate unpaid account rate=1r/h if=$unpaid on=response points=30;
    fraud_distinct agents account of=$http_user_agent max=2 window=1h points=3;
    add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    location / { proxy_pass http://unix:%DIR%/app.sock:; }
SERVER

sub fraud {
    my ($uri, $session, %more) = @_;
    return $second->fraud($uri, Cookie => "app=$session", %more);
}

is(fraud('/login?as=alice', 'a'), '0 []', 'a session of the application');
is(fraud('/?bad=1', 'a'), '50 [bad=50]', 'earns its account');
is(fraud('/', 'a'), '50 [reputation.account=50]', 'a reputation');
is(fraud('/', 'b'), '0 []', 'another session has none');
is(fraud('/login?as=alice', 'b'), '0 []', 'until it is of the account');
is(fraud('/', 'b'), '50 [reputation.account=50]', 'and then it has');

is(fraud('/login?as=carol&bad=1', 'c'), '50 [bad=50]', 'a login itself');
is(fraud('/', 'c'), '50 [reputation.account=50]', 'earns as well');

is(fraud('/refuse?as=dave', 'd'), '0 []', 'a response counts for the account');
is(fraud('/', 'd'), '30 [unpaid=30]', 'that it vouches for');
is(fraud('/', 'e'), '0 []', 'and no other');

is(fraud('/login?as=erin', 'f', 'User-Agent' => 'x'), '0 []', 'an account');
is(fraud('/', 'f', 'User-Agent' => $_), '0 []', "seen with agent $_") for 1, 2;
is(fraud('/', 'f', 'User-Agent' => '3'), '3 [agents=3]', 'and with many');

$second->ends;

# what is known at the time of the request is not read then either (with
# $remote_user or a header that is set on the way), nor with a refusal of ours

my $early = Fraud->new(http => <<'HTTP', server => <<'SERVER');
    fraud_identity session $cookie_app kind=session;
    fraud_identity account $arg_as verified;
HTTP
    fraud enforce;
    fraud_action 90 deny;
    fraud_rate spend account rate=1r/h points=40;
    fraud_signal worse if=$arg_worse points=90;
    add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    add_header X-Pid "<$fraud_account_pid>" always;
    location / { empty_gif; }
SERVER

is($early->fraud('/?as=alice', Cookie => 'app=a'), $_, "then it is $_")
    for '0 []', '0 []', '40 [spend=40]';
is($early->get('/?as=alice&worse=1', Cookie => 'app=b')->{status}, 403,
   'denied');
is($early->get('/', Cookie => 'app=b')->{headers}{'x-pid'}, '<>',
   'binds nobody');
like($early->get('/', Cookie => 'app=a')->{headers}{'x-pid'}, qr/^<$pid>$/,
     'whom a response of others does');

$early->ends;
