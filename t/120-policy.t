use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use File::Temp;
use POSIX qw(strftime);

use Policies;

# what a configuration may not ask for under a policy: "nginx -t" names the
# directive, the policy, the setting, its value and where it comes from

my $collect = {
    asergo => '"collect" is time,ip,ua,referer,lang,country,account ("your IP '
        . 'address, the time and date of your visit, your browser version and '
        . 'platform, and the web page that referred you to our website")',
    asogen => '"collect" is time,ip,rdns,path,dwell,ua,cookie,account '
        . '("automatically saves through usage of cookies the domain name '
        . 'and/or IP address of the computer used to contact ASOGEN as well as '
        . 'the date, length of visit at website or service operated by ASOGEN, '
        . 'pages accessed by the user and browser used")',
    'kirim-email' => '"collect" is time,ip,path,status,bytes,ua,referer ("the '
        . 'page from which the file was requested")',
};
my $profiling = '"automation" is none ("We do not use automated '
    . 'decision-making or profiling.")';
my $correlate = '"link.account" is violation ("We will only correlate this '
    . 'data with your personal data when required by law or for security '
    . 'purposes, if you have violated our Acceptable Use Policy.")';
my $devices = '"link.device" is no (gap: nothing is said of devices.)';
my $attacks = '"keep.state" is 1h ("recognize, limit and eliminate attacks")';
my $counters = '"keep.state" is 7d (gap: nothing is said of counters.)';

# policy, lines of the server, what is refused; '' for nothing

my @cases = (
    ['kirim-email', 'fraud_identity account $upstream_http_x_account verified;',
     '"fraud_identity" "account"', '"id.account" is none ("The aforementioned '
     . 'log data is only stored anonymously.")'],
    ['kirim-email', 'fraud_identity login $arg_user;',
     '"fraud_identity" "login"', '"id.account" is none ("The aforementioned '
     . 'log data is only stored anonymously.")'],
    ['kirim-email', 'fraud_session sid;',
     '"fraud_session" "sid"', '"cookie" is none ("We use session cookies and '
     . 'permanent cookies on our websites.")'],
    ['kirim-email', 'fraud_identity s $cookie_sid kind=session;',
     '"fraud_identity" "s"', $collect->{'kirim-email'}],
    ['kirim-email', 'fraud_distinct d address of=$uri max=2 window=1m '
     . 'points=1;', '"fraud_distinct" "d"', $profiling],
    ['kirim-email', 'fraud_travel d address speed=900 points=1;',
     '"fraud_travel" "d"', $profiling],
    ['kirim-email', 'fraud_identity address $remote_addr kind=address;',
     '"fraud_identity" "address" with more than "ipv4=24 ipv6=48"', $profiling],
    ['kirim-email', 'fraud_identity n $remote_addr kind=address ipv4=24;',
     '"fraud_identity" "n" with more than "ipv4=24 ipv6=48"', $profiling],
    ['kirim-email', 'fraud_identity n $remote_addr kind=address ipv4=24 '
     . 'ipv6=48;', ''],
    ['kirim-email', 'fraud_identity b "$remote_addr $http_user_agent" '
     . 'kind=device;', '"fraud_identity" "b"', $profiling],
    ['kirim-email', 'fraud_rate slow address rate=1r/d points=1;',
     '"fraud_rate" "slow" that is to remember 1d', $attacks],
    ['kirim-email', 'fraud_rate slow address rate=1r/m burst=60 points=1;',
     '"fraud_rate" "slow" that is to remember 61m', $attacks],
    ['kirim-email', 'fraud_rate fast address rate=1r/m burst=59 points=1;', ''],
    ['kirim-email', 'fraud_match m $http_user_agent evil points=9; fraud_signal '
     . 's if=$http_referer points=1; fraud_action 5 deny;', ''],
    ['asergo', 'fraud_session sid;',
     '"fraud_session" "sid"', '"cookie" is none (gap: nothing is said of '
     . 'cookies.)'],
    ['asergo', 'fraud_identity s $cookie_sid kind=session;',
     '"fraud_identity" "s"', $collect->{asergo}],
    ['asergo', 'fraud_travel far address speed=900 points=1;',
     '"fraud_travel" "far"', '"geo" is country ("we detect and store '
     . 'yourbrowser language and geolocation, in order to customize your '
     . 'experience according to your country")'],
    ['asergo', 'fraud_signal far if=$fraud_country points=1;', ''],
    ['asergo', 'fraud_distinct p address of=$uri max=2 window=1m points=1;',
     '"fraud_distinct" "p" with "$uri"', $collect->{asergo}],
    (map { ['asergo', "fraud_distinct p address of=\$$_ max=2 window=1m "
            . 'points=1;', "\"fraud_distinct\" \"p\" with \"\$$_\"",
            $collect->{asergo}] }
        qw(fastcgi_script_name fastcgi_path_info upstream_response_length
           sent_http_content_length upstream_cookie_sid
           upstream_http_set_cookie sent_http_set_cookie)),
    ['kirim-email', 'fraud_identity n $ssl_client_s_dn kind=address ipv4=24 '
     . 'ipv6=48;', '"fraud_identity" "n" with "$ssl_client_s_dn"',
     $collect->{'kirim-email'}],
    ['asergo', 'fraud_identity login $arg_user; '
     . 'fraud_rate guess login rate=1r/s points=1;',
     '"fraud_rate" "guess" of account "login"', $correlate],
    ['asergo', 'fraud_identity login $arg_user; '
     . 'fraud_distinct many address of=$arg_user max=2 window=1m points=1;',
     '"fraud_distinct" "many" with "of=$arg_user"', $correlate],
    ['asergo', 'fraud_identity account $upstream_http_x verified; '
     . 'fraud_distinct many account of=$http_user_agent max=2 window=1m '
     . 'points=1;', '"fraud_distinct" "many" of account "account"',
     $correlate],
    ['asergo', 'fraud_identity account $upstream_http_x verified; '
     . 'fraud_rate busy address rate=1r/s per=account factor=2 points=1;',
     '"fraud_rate" "busy" with "per=account"', $correlate],
    ['asergo', 'fraud_identity account $upstream_http_x verified; '
     . 'fraud_rate busy account rate=1r/s on=response points=1;', ''],
    ['asogen', 'fraud_session sid persistent;',
     '"fraud_session" "sid" with "persistent"', '"cookie" is session '
     . '("automatically saves through usage of cookies")'],
    ['asogen', 'fraud_session sid;', ''],
    ['apsen-mail', 'fraud_session sid persistent;', ''],
    ['asogen', 'fraud_signal far if=$fraud_country points=1;',
     '"fraud_signal" "far" with "$fraud_country"', '"geo" is none (gap: '
     . 'nothing is said of places.)'],
    ['asogen', 'fraud_match far "x${fraud_country}y" x points=1;',
     '"fraud_match" "far" with "$fraud_country"', '"geo" is none (gap: '
     . 'nothing is said of places.)'],
    ['asogen', 'fraud_distinct d address of="$arg_a$http_referer" max=2 '
     . 'window=1m points=1;', '"fraud_distinct" "d" with "$http_referer"',
     $collect->{asogen}],
    ['asogen', 'fraud_distinct d address of=$arg_a max=2 window=1m points=1;',
     ''],
    ['asogen', 'fraud_identity d $http_x_device kind=device;',
     '"fraud_identity" "d"', $devices],
    ['asogen', 'fraud_identity b "$remote_addr $http_user_agent" '
     . 'kind=device;', ''],
    ['apsen-mail', 'fraud_identity d $cookie_d kind=device;', ''],
    ['asogen', 'fraud_session sid; fraud_distinct d session of=$cookie_other '
     . 'max=2 window=1m points=1;', '"fraud_distinct" "d" with '
     . '"$cookie_other"', $devices],
    ['aseptsoft', 'fraud_distinct d address of=$uri max=2 window=8d points=1;',
     '"fraud_distinct" "d" that is to remember 8d', $counters],
    ['aseptsoft', 'fraud_distinct d address of=$uri max=2 window=7d points=1;',
     ''],
);

for my $case (@cases) {
    my ($policy, $server, $what, $why) = @$case;
    my ($status, @said) = Policies::test(
        server => "fraud observe; fraud_policy %DIR%/$policy.policy;\n$server");
    my @errors = grep { /^\[(?:emerg|alert|crit|error)\]/ } @said;

    is("@errors", $what eq '' ? '' : "[emerg] $what is not allowed by policy "
       . "\"$policy\": $why in %DIR%/nginx.conf:12", "$policy: $server");
    is($status, $what eq '' ? 0 : 1, '... and nginx does not start')
        if $what ne '' || $status;
}

# refused(name, line, %conf), accepted(name, %conf): the only error, or none

sub errors {
    my ($status, @said) = Policies::test(@_);
    return join '|', grep { !/^\[(?:warn|notice|info)\]/ } @said;
}

sub refused {
    my ($name, $line, %conf) = @_;
    is(errors(%conf), "[emerg] $line", $name);
}

sub accepted {
    my ($name, %conf) = @_;
    is(errors(%conf), '', $name);
}

my $on = 'fraud observe; fraud_policy %DIR%/';

# the file itself

refused('no file', '"fraud_policy": file "%DIR%/none.policy" cannot be opened '
        . '(2: No such file or directory) in %DIR%/nginx.conf:11',
        server => "${on}none.policy;");
refused('a bad one, and the line in it', '"fraud_policy": "geo": "town" is '
        . 'wrong, use none,country,city in %DIR%/bad.policy:63 in '
        . '%DIR%/nginx.conf:11',
        server => "${on}bad.policy;",
        files => { 'bad.policy' => Policies::text('asogen', geo => 'town') });
refused('twice in one block', '"fraud_policy" directive is duplicate in '
        . '%DIR%/nginx.conf:11',
        server => "${on}asogen.policy; fraud_policy %DIR%/asogen.policy;");
refused('two files of one name', '"fraud_policy": "%DIR%/other.policy" and '
        . '"%DIR%/asogen.policy" are both named "asogen", rename one of them '
        . 'in %DIR%/nginx.conf:11',
        http => 'fraud_policy %DIR%/asogen.policy;',
        server => "${on}other.policy;",
        files => { 'other.policy' => Policies::text('asogen', geo => 'city') });
accepted('one file named twice', http => 'fraud_policy %DIR%/asogen.policy;',
         server => "${on}asogen.policy;");
refused('not in a location', '"fraud_policy" directive is not allowed here in '
        . '%DIR%/nginx.conf:11',
        server => 'location / { fraud_policy %DIR%/asogen.policy; }');

my $tomorrow = strftime('%Y-%m-%d', gmtime(time + 86400));
my $after = strftime('%Y-%m-%d', gmtime(time + 2 * 86400));
my $today = strftime('%Y-%m-%d', gmtime(time));
refused('one that is not yet in force', '"fraud_policy": "asogen" is not in '
        . "force before $after in %DIR%/later.policy",
        server => "${on}later.policy;",
        files => { 'later.policy' => Policies::text('asogen',
                   effective => $after) });

# purposes

my $stats = Policies::text('aseptsoft', purpose => 'debug,stats');
my $attack = Policies::text('aseptsoft', purpose => 'attack');
my $defend = '("defend the website from abuse and technical attacks")';
refused('a policy for no defence', '"fraud" is not allowed by policy '
        . "\"aseptsoft\": \"purpose\" is debug,stats $defend in "
        . '%DIR%/nginx.conf:11', server => "${on}stats.policy;",
        files => { 'stats.policy' => $stats });
refused('attacks are no reason for a reputation', '"fraud_reputation" '
        . '"address" is not allowed by policy "aseptsoft": "purpose" is attack '
        . "$defend in %DIR%/nginx.conf:8",
        http => 'fraud_reputation address half_life=1h;',
        server => "${on}attack.policy;", files => { 'attack.policy' => $attack });
accepted('but for a rate', server => "${on}attack.policy; fraud_rate r address "
         . 'rate=1r/s points=1;', files => { 'attack.policy' => $attack });
accepted('where it is off nothing is asked for', http =>
         'fraud_policy %DIR%/kirim-email.policy; fraud_session sid;',
         server => 'fraud off;');

# do not track, and what it makes of the state

my $dnt = Policies::text('asogen', dnt => 'honour_all', cookie => 'none');
refused('who honours it keeps nothing for long', '"fraud_rate" "r" that is to '
        . 'remember 2h is not allowed by policy "asogen": "dnt" is honour_all '
        . '(gap: nothing is said of Do Not Track.) in %DIR%/nginx.conf:11',
        server => "${on}dnt.policy; fraud_rate r address rate=1r/h burst=1 "
        . 'points=1;', files => { 'dnt.policy' => $dnt });

# inherited: what others declare is refused where it counts, and left out
# where nothing uses it

my $http = 'fraud_reputation address half_life=1h; fraud_identity login '
    . '$arg_user; fraud_rate guess login rate=1r/s points=1;';
refused('a signal of the http block', '"fraud_identity" "login" is not allowed '
        . 'by policy "kirim-email": "id.account" is none ("The aforementioned '
        . 'log data is only stored anonymously.") in %DIR%/nginx.conf:8',
        http => $http, server => "${on}kirim-email.policy;");
refused('a reputation of the http block', '"fraud_reputation" "address" is not '
        . "allowed by policy \"kirim-email\": $profiling in %DIR%/nginx.conf:8",
        http => $http,
        server => "${on}kirim-email.policy; fraud_signal guess off;");
accepted('both switched off', http => $http,
         server => "${on}kirim-email.policy; fraud_signal guess off; "
         . 'fraud_signal reputation.address off;');
refused('an identity declared under that policy', '"fraud_identity" "login" is '
        . 'not allowed by policy "kirim-email": "id.account" is none ("The '
        . 'aforementioned log data is only stored anonymously.") in '
        . '%DIR%/nginx.conf:8', http => 'fraud_identity login $arg_user; '
        . 'fraud_policy %DIR%/kirim-email.policy;', server => 'fraud observe;');
refused('the policy may stand below', '"fraud_session" "sid" is not allowed by '
        . 'policy "asergo": "cookie" is none (gap: nothing is said of cookies.) '
        . 'in %DIR%/nginx.conf:11',
        server => 'fraud observe; fraud_session sid; '
        . 'fraud_policy %DIR%/asergo.policy;');
accepted('the same under another policy beside it', http => $http,
         server => "${on}kirim-email.policy; fraud_signal guess off; "
         . 'fraud_signal reputation.address off;',
         servers => "server { listen 127.0.0.1:2; ${on}asogen.policy; }");

# what is made of something is that

my $referer = '"fraud_distinct" "d" with "$http_referer" is not allowed by '
    . "policy \"asogen\": $collect->{asogen} in %DIR%/nginx.conf:11";
my $distinct = 'fraud_distinct d address of=$m max=2 window=1m points=1;';
refused('a map is looked through', $referer,
        http => 'map $http_referer $m { default $http_referer; }',
        server => "${on}asogen.policy; $distinct");
refused('a map that only chooses, too', $referer,
        http => 'map $http_referer $m { default 0; ~evil 1; }',
        server => "${on}asogen.policy; $distinct");
refused('a variable that is set', $referer,
        server => "set \$n x\$http_referer; set \$m \$n; "
        . "${on}asogen.policy; $distinct");
refused('a group of a pattern', $referer,
        http => 'map $http_referer $x { ~^(?<m>.*) 1; }',
        server => "${on}asogen.policy; $distinct");
refused('of an identity', '"fraud_identity" "b" with "$http_referer" is not '
        . "allowed by policy \"asogen\": $collect->{asogen} in "
        . '%DIR%/nginx.conf:11',
        http => 'map $http_referer $m { default $http_referer; }',
        server => "${on}asogen.policy; "
        . 'fraud_identity b "$remote_addr $m" kind=device;');
refused('an account, by another name', '"fraud_distinct" "d" with "of=$m" is '
        . "not allowed by policy \"asergo\": $correlate in "
        . '%DIR%/nginx.conf:11', http => 'map $arg_user $m { default $arg_user; }',
        server => "${on}asergo.policy; fraud_identity login \$arg_user; "
        . $distinct);
refused('a country, by a map', '"fraud_signal" "far" with "$fraud_country" is '
        . 'not allowed by policy "asogen": "geo" is none (gap: nothing is said '
        . 'of places.) in %DIR%/nginx.conf:11',
        http => 'map $fraud_country $m { default 0; DE 1; }',
        server => "${on}asogen.policy; fraud_signal far if=\$m points=1;");
accepted('a map of what is collected',
         http => 'map $uri $m { default $uri; }',
         server => "${on}asogen.policy; $distinct");

# between policies

my $two = "server { listen 127.0.0.1:2; ${on}asergo.policy; }";
refused('one log under two', '"fraud_log": "%DIR%/logs/f" is written under two '
        . 'policies or without one elsewhere, use a file for each in '
        . '%DIR%/nginx.conf:8', http => 'fraud_log logs/f;',
        server => "${on}asogen.policy;", servers => $two);
accepted('a log for each', http => 'fraud_log logs/f;',
         server => "fraud_log logs/g; ${on}asogen.policy;", servers => $two);

my ($status, @said) = Policies::test(server => 'fraud observe;',
                                     servers => $two);
is(join('|', grep { /fraud_policy/ && !/memory/ } @said), '[warn] "fraud" is on '
   . 'in a server without "fraud_policy" while others have one, add it or one '
   . 'in the "http" block in %DIR%/nginx.conf:14', 'a server without one');

($status, @said) = Policies::test(server => 'fraud observe;');
is("@said[0 .. $#said - 2]", '', 'no policy, no word about them');

# what belongs to all of nginx

refused('epochs of files that are too long', '"fraud_keys" "%DIR%/keys" with '
        . 'longer epochs is not allowed by policy "kirim-email": "id.epoch" is '
        . '1h ("only stored anonymously")', http => 'fraud_keys %DIR%/keys;',
        server => "${on}kirim-email.policy;");
refused('a Redis elsewhere', '"fraud_redis" "192.0.2.1:6379" is not '
        . 'allowed by policy "kirim-email": "region" is local ("temporarily '
        . 'stored on our web server as a log")',
        http => 'fraud_redis redis://192.0.2.1:6379;',
        server => "${on}kirim-email.policy;");
accepted("a Redis at $_", http => "fraud_redis $_;",
         server => "${on}kirim-email.policy;")
    for qw(redis://127.0.0.1:1 redis://[::1]:1 unix:/nowhere);
accepted('and one elsewhere without that', http =>
         'fraud_redis redis://192.0.2.1:6379;',
         server => "${on}asogen.policy;");

# the shipped rules

my $rules = "include $Fraud::TOP/conf/rules";
my %baseline = (http => do {
    open my $in, '<', "$Fraud::TOP/conf/rules/baseline.conf" or die $!;
    local $/;
    <$in> =~ s{file=fraud/}{file=$Fraud::TOP/conf/}gr;
});

accepted("baseline.conf under $_", %baseline, server => "$on$_.policy;")
    for qw(apsen-mail aseptsoft asogen);
like(errors(%baseline, server => "${on}asergo.policy;"),
     qr/"probing" with "\$uri" is not allowed by policy "asergo": "collect"/,
     'not under asergo: no pages are kept there');
accepted('but without what looks at pages', %baseline,
         server => "${on}asergo.policy; fraud_signal probing off; "
         . 'fraud_signal script_probing off;');
like(errors(%baseline, server => "$on$_.policy;"),
     qr/is not allowed by policy "$_": "automation" is none/,
     "not under $_"),
accepted("but with none.conf ($_)", %baseline,
         server => "$on$_.policy; $rules/none.conf;")
    for qw(default kirim-email);

done_testing;
