use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use Spool;

# flags: what refuses one, what raises one, and all that is in it

my $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
my $pid = qr/[a-z2-7]{26}/;

# the directives: no flag that could not be raised, none that is not permitted

my $keys = File::Temp->newdir('fraud-keys-XXXXXX', TMPDIR => 1);
Spool::keygen("$keys/b");
mkdir "$keys/spool";

my $spool = "fraud_spool $keys/spool key=$keys/b.pub;";
my $account = 'fraud_session sid; '
    . 'fraud_identity account $upstream_http_x_a verified;';
my $good = 'fraud_flag f account if=$arg_a damage=chargeback';
my $place = qr/ in \S+nginx\.conf:\d+$/;

# refused(what, policy, lines, message, more =>)

sub refused {
    my ($what, $policy, $lines, $message, %more) = @_;
    my $http = $more{http} // $spool;
    my ($status, @said) = Policies::test(http => $http,
        files => $more{files} || {},
        servers => $policy ? Policies::server($policy, "fraud enforce; $lines")
                           : "server { listen unix:%DIR%/s; fraud enforce; "
                             . "$lines }");
    my @emerg = grep { /^\[emerg\]/ } @said;

    if ($message eq '') {
        is("$status @emerg", '0 ', $what);
        return;
    }

    is(scalar @emerg, 1, "$what: one line");
    like($emerg[0] // '', qr/^\[emerg\] \Q$message\E$place/, $what);
}

refused('all is there', 'asogen', "$account $good;", '');
refused('no policy', '', "$account $good;",
        '"fraud_flag": "f" needs a "fraud_policy" that permits it');
refused('no spool', 'asogen', "$account $good;",
        '"fraud_flag": "f" has no spool to be written to, add "fraud_spool '
        . 'DIR key=FILE" to the "http" block', http => '');
refused('a claimed account', 'asogen',
        "fraud_identity account \$arg_user; $good;",
        '"fraud_flag": unverified identity "account" of "f", only an account '
        . 'that the application vouches for is flagged: use one with '
        . '"kind=account verified"');
refused('an address', 'asogen',
        'fraud_flag f address if=$arg_a damage=chargeback;',
        '"fraud_flag": unverified identity "address" of "f", only an account '
        . 'that the application vouches for is flagged: use one with '
        . '"kind=account verified"');
refused('nobody', 'asogen', "$good;",
        '"fraud_flag": unknown identity "account" of "f", declare it with '
        . '"fraud_identity" in the same block or an outer one');
refused('a name that is none', 'asogen', "$account "
        . 'fraud_flag f-1 account if=$arg_a damage=chargeback;',
        '"fraud_flag": invalid name "f-1", use 1 to 32 letters, digits and '
        . '"_"');
refused('without if=', 'asogen', "$account "
        . 'fraud_flag f account damage=chargeback;',
        '"fraud_flag": "f" has no condition, add "if=VALUE"');
refused('without damage=', 'asogen', "$account fraud_flag f account if=1;",
        '"fraud_flag": "f" says of no damage, add "damage="');
refused('an amount of nothing', 'asogen', "$account $good amount=5;",
        '"fraud_flag": "f" has an amount of no currency, add "currency="');
refused('a currency of nothing', 'asogen', "$account $good currency=EUR;",
        '"fraud_flag": "f" has a currency without an amount, add '
        . '"amount=VALUE"');
refused('twice', 'asogen', "$account $good;\n$good;",
        '"fraud_flag": "f" is declared twice in one file, first in line 18, '
        . 'remove one or rename it');
refused('off without one', 'asogen', 'fraud_flag f off;',
        '"fraud_flag": unknown rule "f" cannot be switched off, remove the '
        . 'line or correct the name');
refused('an identity of that name', 'asogen', 'fraud_identity billing $arg_a;',
        '"fraud_identity": name "billing" is kept for what billing is told, '
        . 'use another');

for (['count=0', 'use 1 to 100000'], ['count=100001', 'use 1 to 100000'],
     ['count=x', 'use 1 to 100000'], ['signals=0', 'use 1 to 8'],
     ['signals=9', 'use 1 to 8'], ['window=0', 'use a time from 1s to 30d'],
     ['window=31d', 'use a time from 1s to 30d'],
     ['version=0', 'use 1 to 999999'], ['version=1000000', 'use 1 to 999999'],
     ['family=a-b', 'use 1 to 32 letters, digits and "_"'],
     ['currency=eur', 'use the three letters of ISO 4217, such as EUR'],
     ['currency=EURO', 'use the three letters of ISO 4217, such as EUR'],
     ['damage=much', 'use "resource_metered", "chargeback", '
      . '"third_party_claim", "remediation" or "reputational"'],
     ['deduct=5', 'use "if=VALUE", "count=", "window=", "signals=", '
      . '"damage=", "amount=VALUE", "currency=", "family=" or "version="']) {
    my ($parameter, $use) = @$_;
    refused($parameter, 'asogen', "$account $good $parameter;",
            "\"fraud_flag\": invalid \"$parameter\", $use");
}

# the other policies, and this one without what it takes

{
    my %setting = ('apsen-mail' => 'purpose', asergo => 'purpose',
                   aseptsoft => 'purpose', default => 'purpose',
                   'kirim-email' => 'purpose');

    for my $policy (sort keys %setting) {
        my ($status, @said) = Policies::test(http => $spool,
            servers => Policies::server($policy, "fraud enforce; "
                . ($policy eq 'apsen-mail' || $policy eq 'aseptsoft'
                   ? $account : 'fraud_identity account $upstream_http_x_a '
                                . 'verified; fraud_identity sid $cookie_sid '
                                . 'kind=session;') . "$good;"));
        my ($emerg) = grep { /^\[emerg\]/ } @said;
        isnt($status, 0, "$policy refuses flags");
        like($emerg // '', qr/^\[emerg\] "fraud_flag" "f" is not allowed by policy "$policy": "$setting{$policy}" is \S+ \(.+\)$place/,
             "$policy: why");
    }

    my ($status, @said) = Policies::test(http => $spool,
        files => { 'asogen.policy' => Policies::text('asogen',
            deduct => 'forbid', 'deduct.caps' => 'event=0 day=0 account=0',
            'deduct.window' => 'hold=0d appeal=0d') },
        servers => Policies::server('asogen', "fraud enforce; $account $good;"));
    my ($emerg) = grep { /^\[emerg\]/ } @said;
    like($emerg // '', qr/^\[emerg\] "fraud_flag" "f" is not allowed by policy "asogen": "deduct" is forbid \(.+\)$place/,
         'deduct = forbid');

    ($status, @said) = Policies::test(http => "$spool $good;",
        servers => Policies::server('asogen', "$account fraud enforce; "
                                    . 'fraud_flag f off;'));
    unlike("@said", qr/emerg\] "fraud_flag": "f"/, 'an inherited one is off');
}

# the conditions, each alone; the accounts are all different

my $rules = <<'END';
    fraud enforce;
    fraud_action 90 deny;
    fraud_signal wall if=$arg_wall points=90;
    fraud_list friends $arg_friend file=%DIR%/friends type=string trust;
    fraud_flag theft account if=$arg_f window=1h damage=resource_metered
        amount=$upstream_http_x_cost currency=EUR family=money version=7;
    fraud_flag thrice account if=$arg_g count=3 window=1h signals=1
        damage=chargeback;
    location /quiet { fraud_flag theft off; proxy_pass http://unix:%DIR%/app.sock:; }
    location /watch { fraud observe; proxy_pass http://unix:%DIR%/app.sock:; }
    location /gone { error_page 418 @app; return 418; }
    location /ours {
        add_header X-Account $arg_as always;
        fraud_identity vouched $sent_http_x_account verified;
        fraud_flag ours vouched if=$arg_h window=1h signals=1
            damage=reputational;
        empty_gif;
    }
    location @app { proxy_pass http://unix:%DIR%/app.sock:; }
    location /other {
        fraud_flag theft account if=$arg_f window=1h damage=remediation;
        proxy_pass http://unix:%DIR%/app.sock:;
    }
END

my $s = Spool->new(server => $rules, spool => 'node=n1',
                   files => { friends => "me\n" });
my $nginx = $s->{nginx};
my %two = (f => 1, one => 1, two => 1);

# at a full hour windows change: not within these tests

sleep 3601 - time % 3600 if time % 3600 > 3540;

my $begin = time;
is($s->ask(%two, as => 'bob', cost => 1234), 200, 'a request that is flagged');
ok($s->grows(1), 'a flag');

sub none {
    my ($what, %args) = @_;
    my $before = $s->flags->{raised};
    $s->ask(as => 'nobody', %args);
    is($s->flags->{raised}, $before, "none: $what");
}

none('no condition', one => 1, two => 1);
none('an empty condition', %two, f => '');
none('a condition of 0', %two, f => 0);
none('one signal', f => 1, one => 1);
none('one and a shadow', f => 1, one => 1, ghost => 1);
none('one and one without points', f => 1, one => 1, nought => 1);
none('nobody is vouched for', %two, as => '');
none('the response is ours', h => 1, wall => 1, path => '/ours');
none('a friend', %two, friend => 'me');
none('a decision that is only observed', %two, path => '/watch');
none('before the preaccess phase', %two, path => '/gone');
none('another location, off there', %two, path => '/quiet');

{
    # vouched for before, in this session, is not vouched for now
    my $sid = 'a' x 26;
    $s->ask(as => 'early', Cookie => "sid=$sid");
    none('only the session knows', %two, as => '', Cookie => "sid=$sid");
}

my $raised = $s->flags->{raised};
$s->ask(h => 1, one => 1, path => '/ours', as => 'eve');
is($s->flags->{raised}, ++$raised, "nginx's own word, where it is asked for");
$s->ask(f => 1, one => 1, after => 1, as => 'late');
is($s->flags->{raised}, ++$raised, 'a signal of the response is one');
$s->ask(%two, as => 'carl', path => '/other');
is($s->flags->{raised}, ++$raised, 'another damage in another location');
$s->ask(%two, as => 'x' x 512);
is($s->flags->{raised}, ++$raised, 'an account of 512 bytes');
$s->ask(%two, as => 'y' x 513);
is($s->flags->{raised}, ++$raised, 'one of 513 bytes');
is($s->flags->{lost}, 1, 'which is lost');

# again in its window: suppressed

my $suppressed = $s->flags->{suppressed};
$s->ask(%two, as => 'bob') for 1 .. 3;
is($s->flags->{suppressed}, $suppressed + 3, 'again, and suppressed');

# three in a window

$s->ask(g => 1, one => 1, as => 'dora') for 1 .. 2;
is($s->flags->{raised}, $raised, 'twice is not three times');
sleep 0.01;
$s->ask(g => 1, one => 1, as => 'dora');
is($s->flags->{raised}, ++$raised, 'three times is');
$s->ask(g => 1, one => 1, as => 'dora');
is($s->flags->{raised}, $raised, 'four are still one flag');

# amounts that are none

my %amounts = (zero => 0, minus => -1, point => 1.5, words => 'ten',
               large => 1000000001, most => 1000000000, least => 1);
$s->ask(%two, as => $_, cost => $amounts{$_}) for sort keys %amounts;
$raised += 7;

ok($s->grows($raised - 1), 'all are in the spool');
my @events = $s->events;
my %of = map { $s->unseal($_) => $_ } @events;

is($s->valid(@events), '', 'the schema has nothing against any of them');
is_deeply([sort keys %of],
    [sort 'bob', 'late', 'carl', 'dora', 'eve', 'x' x 512, keys %amounts],
    'billing sees whom they are about');
is(scalar(@events), scalar(keys %of), 'and each once');

for my $name (sort keys %amounts) {
    my $damage = $of{$name}{data}{damage};
    my $expected = $name eq 'most' || $name eq 'least'
        ? "metered $amounts{$name} EUR" : '';
    is(join(' ', map { $damage->{$_} // () } qw(method amount_minor currency)),
       $expected, "an amount: $name");
}

is($of{carl}{data}{damage}{kind}, 'remediation', 'that of its location');

my $dora = $of{dora}{data};
is("$dora->{rules}[0]{threshold} $dora->{rules}[0]{observed} "
   . "$dora->{evidence}{count}", '3 3 3', 'three of three');
cmp_ok($dora->{evidence}{first}, 'lt', $dora->{evidence}{last},
       'from the first on');
is($of{late}{data}{rules}[0]{feature}, 'after', 'the strongest signal');

# the whole of one

{
    my $event = $of{bob};
    my ($text) = map { $_->[1] } grep { $_ && $_->[1] =~ /$event->{id}/ }
        map { Spool::records($_) } $s->files;
    my ($writer) = ($s->files)[0] =~ m{/([0-9a-f]{16})\.0{16}\.spool$};
    my $e = $event->{data};
    my $ms = sub {
        my ($d, $h, $m, $sec) = $_[0] =~ /T?(\d\d)T(\d\d):(\d\d):([\d.]+)Z/;
        return sprintf '%.0f', 1000 * (int($begin / 86400) * 86400
                                       + $h * 3600 + $m * 60 + $sec);
    };

    like($event->{$_}, $time, $_) for qw(time recordedtime expirytime);
    is($event->{time}, $e->{evidence}{last}, 'the time is that of the conduct');
    is($event->{source}, '/fraud/asogen', 'no host in the source');
    is($event->{partitionkey}, substr($e->{subject}{pid}, 2, 2), 'partition');
    like($e->{subject}{pid}, qr/^p_$pid$/, 'a pseudonym');
    is($e->{subject}{epoch}, int($begin / 86400), 'its epoch');
    is($event->{sequence}, '0' x 18, 'the first of its writer');
    is_deeply($e->{origin}, { node => 'n1', boot => $writer, seq => 0 },
              'where it is from');
    like($e->{profile_digest}, qr/^sha256:[0-9a-f]{64}$/, 'the digest');
    is_deeply($e->{damage}, { state => 'suspected', kind => 'resource_metered',
        method => 'metered', amount_minor => '1234', currency => 'EUR' },
        'the damage');
    is_deeply($e->{rules}, [{ id => 'theft', family => 'money', version => 7,
        window_s => 3600, threshold => 1, observed => 1, feature => 'two' }],
        'the rule');
    is_deeply($e->{evidence}{names}, ['two', 'one'], 'the signals');
    my $t = $ms->($e->{evidence}{last});
    is($e->{evidence}{root}, 'sha256:' . sha256_hex("$event->{id}\ntheft 7\n"
        . "3600 1 1\n$t $t\ntwo\none\n"), 'the root of the evidence');
    unlike($text, qr/\bbob\b|192\.0\.2/, 'nothing raw');
    is($s->unseal($event, 'flg_' . 'a' x 26), undef,
       'in another event the seal does not open');
}

# the policy's own words on what is written of whom

{
    my $same = grep { $_ ne 'bob' && $of{$_}{id} eq $of{bob}{id} } keys %of;
    is($same, 0, 'ids differ');
    my $pids = join ' ', map { $_->{data}{subject}{pid} } @events;
    unlike($pids, qr/\bbob\b/, 'pids are pids');
}

like($nginx->error_log, qr/\A(?!.*(?:nobody|dora|512))/s,
     'nobody is named in the error log');
$nginx->ends;

# what was decided without knowing raises nothing; the zone alone does

{
    my $s = Spool->new(server => 'fraud enforce; fraud_rate r address rate=1r/h '
        . 'points=1; fraud_flag theft account if=$arg_f '
        . 'damage=chargeback signals=1;',
        http => 'fraud_redis redis://127.0.0.1:1; '
              . 'fraud_redis_on_failure local;');
    $s->ask(%two, as => 'bob') for 1 .. 3;
    is($s->flags->{raised}, 0, 'none while the zone stands in for Redis');
    $s->{nginx}->stop;
}

{
    my $s = Spool->new(server => 'fraud enforce; fraud_flag theft account '
        . 'if=$arg_f damage=chargeback;'
        . "\nlocation = /control { fraud off; fraud_control; }",
        http => 'fraud_objections %DIR%/objections; '
              . 'fraud_reputation address half_life=1h;',
        files => { objections => "nobody\n" });
    my $nginx = $s->{nginx};
    $s->ask(%two, as => 'bob');
    is($s->flags->{raised}, 1, 'raised in mode enforce');

    my $shown = Policies::ask($nginx, 'asogen', '/control', method => 'POST',
        'Fraud-Operation' => 'show', 'Fraud-Identity' => 'account',
        'Fraud-Value' => 'carl')->{body};
    my @pids = $shown =~ /"($pid)"/g;
    cmp_ok(scalar(@pids), '>', 1, 'pseudonyms of another');
    $nginx->replace('objections', join '', map { "$_\n" } @pids);
    ok(Fraud::wait_for(sub {
        $nginx->error_log =~ /objections" was loaded again/ }), 'he objects');
    $s->ask(%two, as => 'carl');
    is($s->flags->{raised}, 1, 'and is not flagged');
    $s->ask(%two, as => 'dora');
    is($s->flags->{raised}, 2, 'while others are');
    $s->ask(f => 1, one => 1, as => 'emil') for 1 .. 2;
    is($s->flags->{raised}, 2, 'what was earned before is no signal');
    $nginx->stop;
}

# hosts that share secrets make one flag of one account: the same id

{
    my $dir = File::Temp->newdir('fraud-hosts-XXXXXX', TMPDIR => 1);
    open my $conf, '>', "$dir/nginx.conf" or die;
    print $conf <<"END";
http {
    fraud_keys $dir/keys;
    fraud_policy $Fraud::TOP/conf/policies/asogen.policy;
    fraud_session sid;
    fraud_identity account \$upstream_http_x_account verified;
    fraud_flag theft account if=1 damage=chargeback;
}
END
    close $conf;
    system("$Fraud::TOP/build/fraudctl keys rotate -c $dir/nginx.conf "
           . "> $dir/out") == 0 or die "no keys\n";

    my @hosts = map { Spool->new(http => "fraud_keys $dir/keys;",
        spool => "node=$_", server => 'fraud enforce; fraud_flag theft '
            . 'account if=$arg_f window=30d damage=chargeback;') } qw(a b);
    my @found;

    for my $host (@hosts) {
        is($host->ask(%two, as => 'bob'), 200, 'asked');
        ok($host->grows(1), 'flagged');
        push @found, $host->events;
        $host->{nginx}->ends;
    }

    is($found[0]{id}, $found[1]{id}, 'one id');
    is($found[0]{data}{subject}{pid}, $found[1]{data}{subject}{pid},
       'one pseudonym');
    isnt($found[0]{data}{origin}{node}, $found[1]{data}{origin}{node},
         'two hosts');
    isnt($found[0]{data}{subject}{seal}, $found[1]{data}{subject}{seal},
         'two seals');
}

done_testing();
