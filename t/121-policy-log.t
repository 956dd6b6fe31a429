use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use Test::More;

use Policies;

# the security log under a policy: exactly the fields that it names

my $stamp = qr/"purpose":"(\w+)","policy":"([a-z-]+\.1)","digest":"[0-9a-f]{16}"/;
my $time = qr/"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/;
my $minute = qr/"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z"/;
my $pid = qr/"[a-z2-7]{26}"/;
my $id = qr/"id":"[0-9a-f]{32}"/;
my $verdict = qr/$id,"score":0,"action":"allow","mode":"observe"/;

my %lines = (
    'apsen-mail' => qr/$time,"path":"\/a\/-\/b.html","ua_type":"firefox","ip_pid":$pid,"acct_pid":$pid,"device_pid":$pid,"reasons":\{\},$verdict/,
    asergo => qr/$time,"ua_type":"firefox","ua_platform":"linux","referer_host":"shop.example","lang":"de","country":"-","ip_pid":$pid,"link_seal":"-","reasons":\{\},$verdict/,
    aseptsoft => qr/$time,"path":"\/a\/-\/b.html","ua_type":"firefox","ua_platform":"linux","ip_pid":$pid,"reasons":\{\},$verdict/,
    asogen => qr/$time,"path":"\/a\/-\/b.html","dwell":0,"ua_type":"firefox","ip_pid":$pid,"acct_pid":$pid,"reasons":\{\},$verdict/,
    default => qr/$minute,"path":"\/a\/-\/b.html","status":200,"reasons":\{\},$verdict/,
    'kirim-email' => qr/$minute,"path":"\/a\/-\/b.html","status":200,"bytes":\d+,"ua_type":"firefox","referer_host_path":"shop.example\/page\/-","ip_prefix":"192\.0\.2\.0\/24"/,
);

my %purpose = ('apsen-mail' => 'abuse', asergo => 'security',
               aseptsoft => 'attack', asogen => 'attack', default => 'attack',
               'kirim-email' => 'attack');

my %cookie = map { $_ => 1 } qw(apsen-mail aseptsoft asogen);
my %account = map { $_ => 1 } qw(apsen-mail asergo aseptsoft asogen);

my $servers = '';
for my $policy (sort keys %lines) {
    my $more = $cookie{$policy} ? 'fraud_session sid;' : '';
    $more .= 'fraud_identity login $arg_user;' if $account{$policy};
    $servers .= Policies::server($policy, <<"END");
        fraud_log logs/$policy.log;
        $more
        location / { fraud observe; empty_gif; }
        location /pids {
            fraud observe;
            add_header X-Pids
                "\$fraud_address_pid|\$fraud_login_pid|\$fraud_session_pid";
            empty_gif;
        }
        location /evil {
            fraud enforce;
            fraud_signal evil if=1 points=90;
            fraud_signal ghost if=1 points=5 shadow;
            fraud_action 90 deny;
        }
END
}

my $nginx = Fraud->new(files => { Policies::files() },
    http => "fraud_signal never if=\$arg_never points=1; $servers",
    server => 'location /status { fraud off; fraud_status json; }');

# ask(policy, uri, name => value of a header...): over the socket of a server

sub ask {
    my ($policy, $uri, %more) = @_;
    my %headers = (
        'X-Forwarded-For' => '192.0.2.77',
        'User-Agent' => 'Mozilla/5.0 (X11; Linux x86_64) Firefox/144.0',
        Referer => 'https://bob:pw@shop.example:8443/page/a@b.example?q=secret',
        'Accept-Language' => 'de-CH,de;q=0.9',
        Cookie => 'sid=' . 'a' x 26, %more);

    return Policies::ask($nginx, $policy, $uri, %headers);
}

sub line {
    my ($policy, @request) = @_;
    my $before = length Policies::entries($nginx, $policy);

    ask($policy, @request);
    Fraud::wait_for(sub {
        length Policies::entries($nginx, $policy) > $before });
    return substr Policies::entries($nginx, $policy), $before;
}

my $uri = '/a/4111111111111111/b.html?user=carol&q=secret';

for my $policy (sort keys %lines) {
    my $line = line($policy, $uri);

    like($line, qr/\A\{$stamp,$lines{$policy}\}\n\z/, "$policy: these fields");
    $line =~ $stamp;
    is($1, $purpose{$policy}, '... one purpose');
    is($2, "$policy.1", '... and whose policy it is');
    unlike($line, qr/192\.0\.2\.77|bob|secret|carol|411111|b\.example|144\.0|\?/,
           '... and nothing raw');
}

# what a request has nothing of

for my $policy (sort keys %lines) {
    my $line = line($policy, '/', 'X-Forwarded-For' => undef,
                    'User-Agent' => undef, Referer => undef,
                    'Accept-Language' => undef, Cookie => undef);
    my $full = line($policy, $uri);

    is_deeply([sort keys %{ decode_json($line) }],
              [sort keys %{ decode_json($full) }],
              "$policy: the same fields when there is nothing in them");
}
like(line('kirim-email', '/', 'X-Forwarded-For' => undef),
     qr/"ip_prefix":"-"/, 'no address, no prefix');
like(line('kirim-email', '/', 'X-Forwarded-For' => '2001:db8:1:2::77'),
     qr/"ip_prefix":"2001:db8:1::\/48"/, 'one of 48 bits');
like(line('kirim-email', '/', 'X-Forwarded-For' => '::ffff:192.0.2.77'),
     qr/"ip_prefix":"192\.0\.2\.0\/24"/, 'a mapped one is an IPv4 one');
like(line('kirim-email', '/', Referer => 'http://203.0.113.9/x'),
     qr/"referer_host_path":"-\/x"/, 'a referrer that is an address');

# rules and verdicts

like(line('asogen', '/evil'),
     qr/"reasons":\{"evil":90\},"shadow":\{"ghost":5\},$id,"score":90,"action":"deny","mode":"enforce"\}$/,
     'what was found and done');
unlike(line('kirim-email', '/evil'), qr/reasons|shadow|score|deny/,
       'a closed list has neither');
like(line('kirim-email', '/evil'), qr/"status":403/, 'but what was answered');

# how long a visit is

Fraud::wait_for(sub { line('asogen', '/') =~ /"dwell":[1-9]/ });
like(line('asogen', '/'), qr/"dwell":[1-9]/, 'a visit goes on');
like(line('asogen', '/', Cookie => 'sid=' . 'b' x 25 . 'a'), qr/"dwell":0/,
     'another begins');
like(line('asogen', '/', Cookie => undef), qr/"dwell":"-"/, 'none without');

# pseudonyms do not join policies, and stand where the policy lets them

my %log = map { $_ => decode_json(line($_, $uri)) } sort keys %lines;
my @pids = map { $log{$_}{ip_pid} } qw(apsen-mail asergo aseptsoft asogen);
my %seen = map { $_ => 1 } @pids;
is(scalar keys %seen, 4, 'one address, four policies, four pseudonyms');
isnt($log{asogen}{acct_pid}, $log{'apsen-mail'}{acct_pid}, 'accounts, too');

sub pids {
    my ($policy) = @_;
    return ask($policy, '/pids?user=carol')->{headers}{'x-pids'} // 'none';
}

is(pids('asogen'), "$log{asogen}{ip_pid}|$log{asogen}{acct_pid}|"
   . (split /\|/, pids('asogen'))[2], 'variables say what the log says');
like((split /\|/, pids('asogen'))[2], qr/^[a-z2-7]{26}$/, 'and of sessions');
is(pids('kirim-email'), '||', 'nothing where the log is anonymous');
like(pids('asergo'), qr/^[a-z2-7]{26}\|\|$/, 'no account where it is sealed');

is($nginx->status->{faults}{log_lost}, 0, 'no line was lost');
$nginx->ends;

done_testing;
