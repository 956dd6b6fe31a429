use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use File::Temp;
use Time::HiRes qw(sleep time);

use Policies;

# what is kept of whom under a policy: apart from other policies, no longer
# than it says, of nobody who must not be known

my $show = <<'END';
    fraud observe;
    add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    add_header X-Pid "$fraud_address_pid" always;
    location / { empty_gif; }
END

my $status = 'location /status { fraud off; fraud_status json; }';

sub start {
    my (%conf) = @_;
    my $files = { Policies::files(), %{ delete $conf{files} || {} } };
    return Fraud->new(server => $status, files => $files, %conf);
}

sub fraud {
    my ($nginx, $name, %more) = @_;
    my $uri = delete $more{uri} // '/';
    return Policies::ask($nginx, $name, $uri, %more)->{headers}{'x-fraud'};
}

sub pid {
    my ($nginx, $name, %more) = @_;
    return Policies::ask($nginx, $name, '/', from => '192.0.2.1', %more)
        ->{headers}{'x-pid'} // '';
}

sub entries {
    my ($nginx) = @_;
    return $nginx->status->{zone}{entries};
}

# one address under two policies is two subjects, of one rule

{
    my $nginx = start(http => 'fraud_rate one address rate=1r/h points=10;'
        . join '', map { Policies::server($_, $show) } qw(asogen asergo));
    my $from = '192.0.2.1';

    is(fraud($nginx, 'asogen', from => $from), '0 []', 'a first request');
    is(fraud($nginx, 'asogen', from => $from), '10 [one=10]', 'a second');
    is(fraud($nginx, 'asergo', from => $from), '0 []',
       'a first under another policy');
    is(fraud($nginx, 'asergo', from => $from), '10 [one=10]', 'a second there');
    is($nginx->status->{signals}{one}, 0, 'whose hits nobody sees, of so few');
    is(entries($nginx), 2, 'two records');
    isnt(pid($nginx, 'asogen'), pid($nginx, 'asergo'), 'two pseudonyms');

    ok($nginx->reload, 'reload');
    is(fraud($nginx, 'asogen', from => $from), '10 [one=10]', 'it is known');
    is(fraud($nginx, 'asergo', from => $from), '10 [one=10]', 'there, too');
    $nginx->ends;
}

# automation = none: a prefix, and nothing of what is in it

{
    my $nginx = start(http => Policies::server('kirim-email', <<"END"));
    $show
    fraud_rate two address rate=2r/h burst=1 points=10;
    fraud_match evil \$http_user_agent evil points=90;
    fraud_action 90 deny;
    location /deny { fraud enforce; empty_gif; }
END
    my $ask = sub { fraud($nginx, 'kirim-email', @_) };

    is($ask->(from => "192.0.2.$_"), '0 []', "address $_ of a network passes")
        for 1, 2;
    is($ask->(from => '192.0.2.3'), '10 [two=10]', 'the third is limited');
    is($ask->(from => '198.51.100.1'), '0 []', 'one elsewhere is not');
    is($ask->(from => "2001:db8:7:$_\::1"), '0 []', "network $_ of a site")
        for 1, 2;
    is($ask->(from => '2001:db8:7:3::1'), '10 [two=10]', 'and the third');
    is(Policies::ask($nginx, 'kirim-email', '/deny', from => '192.0.2.200',
       'User-Agent' => 'evil')->{status}, 403, 'an attack is stopped');
    is($ask->(from => '203.0.113.9', 'User-Agent' => 'evil'), '90 [evil=90]',
       'for what it is');
    is($ask->(from => '203.0.113.9'), '0 []', 'and not remembered');

    $ask->(from => "192.0.2.$_", Cookie => "sid=$_", 'User-Agent' => "a$_",
           uri => "/p$_?user=u$_") for 1 .. 60;
    is(entries($nginx), 4, 'a record for each of four networks, no other');
    is(pid($nginx, 'kirim-email'), '', 'nobody has a pseudonym');
    $nginx->ends;
}

# what the status counts is of ten persons at least, in each of its steps

{
    my $nginx = start(http => 'fraud_signal bad if=$arg_bad points=1;'
        . Policies::server('asogen', $show)
        . Policies::server('kirim-email', $show)
        . "server { listen unix:%DIR%/none.sock; $show }");
    my $bad = sub { $nginx->status->{signals}{bad} };

    fraud($nginx, 'asogen', uri => '/?bad=1', from => '192.0.2.1') for 1 .. 30;
    is($bad->(), 0, 'one who hits thirty times is not seen');

    my ($seen, @steps) = (0);
    for my $n (2 .. 100) {
        fraud($nginx, 'asogen', uri => '/?bad=1', from => "192.0.2.$n");
        my $now = $bad->();
        next if $now == $seen;
        push @steps, $now - $seen;
        $seen = $now;
    }
    cmp_ok(scalar @steps, '>=', 4, 'a hundred are seen, step by step');
    cmp_ok(shift(@steps), '>=', 30 + 9, 'no step of fewer than ten: the first');
    is(scalar(grep { $_ < 10 } @steps), 0, 'no step of fewer than ten: others');

    $seen = $bad->();
    fraud($nginx, 'none', uri => '/?bad=1');
    is($bad->(), $seen + 1, 'where there is no policy each is counted');

    # networks are counted where nobody else is; after a step nobody waits to be
    # seen together with this one

    for my $n (101 .. 250) {
        fraud($nginx, 'asogen', uri => '/?bad=1', from => "192.0.2.$n");
        last if $bad->() > $seen + 1;
    }
    $seen = $bad->() - 1;

    for my $n (1 .. 100) {
        fraud($nginx, 'kirim-email', uri => '/?bad=1', from => "203.0.113.$n");
    }
    is($bad->(), $seen + 1, 'a network is one, however many are in it');
    $nginx->ends;
}

# who asks not to be tracked

{
    my $session = <<'END';
    fraud_session sid;
    fraud_distinct agents session of=$http_user_agent max=1 window=1h points=5;
    fraud_rate ten address rate=1r/h burst=9 points=10;
END
    my $all = Policies::text('asogen', name => 'all', dnt => 'honour_all',
                             cookie => 'none');
    my $nginx = start(files => { 'all.policy' => $all },
        http => (join '', map { Policies::server($_, "$session$show") }
                 qw(asogen aseptsoft)) . Policies::server('all',
                 "fraud_rate two address rate=2r/h burst=1 points=10; $show"));
    my $cookie = 'sid=' . 'a' x 26;
    my $n = 1;

    for my $header (['DNT', 1], ['Sec-GPC', 1], ['dnt', 1]) {
        my %asks = (from => '192.0.2.' . $n++, @$header);

        is(Policies::ask($nginx, 'asogen', '/', %asks)->{headers}{'set-cookie'},
           undef, "@$header: no cookie");
        is(fraud($nginx, 'asogen', %asks, Cookie => $cookie,
                 'User-Agent' => $_), '0 []', "and its cookie is not used ($_)")
            for qw(a b c);
        fraud($nginx, 'asogen', %asks) for 1 .. 6;
        is(fraud($nginx, 'asogen', %asks), '10 [ten=10]',
           'its address is limited as any other');
    }
    is(entries($nginx), 3, 'three addresses and no session are known');

    for my $header (['DNT', 0], ['Sec-GPC', '11'], ['X-DNT', 1]) {
        like(Policies::ask($nginx, 'asogen', '/', @$header)
             ->{headers}{'set-cookie'}, qr/^sid=/, "@$header asks for nothing");
    }
    fraud($nginx, 'asogen', from => '192.0.2.9', Cookie => $cookie,
          'User-Agent' => $_) for qw(a b);
    is(fraud($nginx, 'asogen', from => '192.0.2.9', Cookie => $cookie,
             'User-Agent' => 'c'), '5 [agents=5]', 'who does not ask is known');

    # ignore: no difference at all

    my @same = map { Policies::ask($nginx, 'aseptsoft', '/', from => '192.0.2.1',
                                   Cookie => $cookie, @$_)->{raw} }
        ([], ['DNT', 1], ['Sec-GPC', 1]);
    s/^Date:.*\r\n//m for @same;
    is($same[$_], $same[0], 'the same bytes where it is ignored') for 1, 2;

    # honour_all: a network instead of an address

    my @dnt = (DNT => 1);
    is(fraud($nginx, 'all', from => "198.51.100.$_"), '0 []', 'two of a network')
        for 1, 2;
    is(fraud($nginx, 'all', from => "198.51.100.$_", @dnt), '0 []',
       'two who ask') for 3, 4;
    is(fraud($nginx, 'all', from => '198.51.100.5', @dnt), '10 [two=10]',
       'a third is taken for one of them');
    is(fraud($nginx, 'all', from => '198.51.100.5'), '0 []',
       'and for itself otherwise');
    $nginx->ends;
}

# no place that the policy has no use for

{
    my $dir = File::Temp->newdir('fraud-geo-XXXXXX', TMPDIR => 1);
    system($^X, "$Fraud::TOP/tests/mmdb.pl", "$dir") == 0
        or die "tests/mmdb.pl failed\n";
    my $city = Policies::text('asergo', name => 'fine', geo => 'city');
    my $geo = 'add_header X-Geo "$fraud_country-$fraud_asn" always;';
    my $nginx = start(files => { 'fine.policy' => $city },
        http => "fraud_geo $dir/city.mmdb; fraud_geo $dir/asn.mmdb;"
        . (join '', map { Policies::server($_, "$show $geo") }
           qw(asogen asergo)) . Policies::server('fine', "$show $geo "
           . 'fraud_travel far address speed=1 distance=1 points=7;'));
    my %geo = map { $_ => Policies::ask($nginx, $_, '/', from => '192.0.2.1')
                    ->{headers}{'x-geo'} } qw(asogen asergo fine);

    like($geo{asergo}, qr/^[A-Z]{2}-\d+$/, 'a country');
    is($geo{fine}, $geo{asergo}, 'and more');
    is($geo{asogen}, $geo{asergo} =~ s/^..//r, 'none, but the network');
    $nginx->ends;
}

# epochs as long as each policy says

my ($library) = glob '/usr/lib/*/faketime/libfaketime.so.1';
$library = $ENV{FRAUD_TEST_FAKETIME} // $library
    // die "no libfaketime, install it with ./build.sh deps\n";

{
    my $clock = File::Temp->new;
    my $at = sub {
        my ($seconds) = @_;
        open my $out, '>', "$clock" or die "$clock: $!\n";
        printf $out "+%d\n", $seconds;
        close $out or die "$clock: $!\n";
    };

    local $ENV{LD_PRELOAD} = $library;
    local $ENV{FAKETIME_TIMESTAMP_FILE} = "$clock";
    local $ENV{FAKETIME_NO_CACHE} = 1;
    local $ENV{FAKETIME_DONT_FAKE_MONOTONIC} = 1;

    my @main = (main => join '', map { "env $_;\n" } 'LD_PRELOAD',
                qw(FAKETIME_TIMESTAMP_FILE FAKETIME_NO_CACHE
                   FAKETIME_DONT_FAKE_MONOTONIC));

    # ten past noon of the next day

    my $now = time;
    my $noon = 86400 * (1 + int $now / 86400) + 43800 - $now;
    $at->($noon);

    my $hour = Policies::text('asogen', name => 'hour', 'id.epoch' => '1h');
    my $nginx = start(@main, files => { 'hour.policy' => $hour },
        http => 'fraud_rate one address rate=2r/d burst=1 points=10;'
        . join '', map { Policies::server($_, $show) } qw(asogen hour));

    my %pid = map { $_ => pid($nginx, $_) } qw(asogen hour);
    pid($nginx, $_) for qw(asogen hour);
    $at->($noon + 1800);
    is(pid($nginx, $_), $pid{$_}, "$_: the same within the hour")
        for qw(asogen hour);

    $at->($noon + 3600);
    is(pid($nginx, 'asogen'), $pid{asogen}, 'a day: the same in the next');
    isnt(pid($nginx, 'hour'), $pid{hour}, 'an hour: another');
    is(fraud($nginx, 'hour', from => '192.0.2.1'), '10 [one=10]',
       'but what it did is still known');
    $at->($noon + 4 * 3600);
    is(fraud($nginx, 'hour', from => '192.0.2.1'), '0 []',
       'until nothing leads to it any more');
    is(fraud($nginx, 'asogen', from => '192.0.2.1'), '10 [one=10]',
       'a day: it does');
    $nginx->ends;

    # and state no longer than it says, where the key would still lead to it

    $at->(0);
    my %long = ('id.epoch' => '31d', 'keep.log' => '90d', 'keep.evidence' =>
                '90d');
    my %text = (
        week => Policies::text('asogen', name => 'week', %long,
                               'keep.state' => '7d'),
        year => Policies::text('asogen', name => 'year', %long,
                               'keep.state' => '90d'),
    );
    $nginx = start(@main, files => { map { ("$_.policy" => $text{$_}) } keys %text },
        http => 'fraud_keys memory epoch=30d; '
        . 'fraud_reputation address half_life=4d;'
        . 'fraud_signal bad if=$arg_bad points=80;'
        . join '', map { Policies::server($_, $show) } sort keys %text);

    fraud($nginx, $_, from => '192.0.2.1', uri => '/?bad=1') for keys %text;
    like(fraud($nginx, $_, from => '192.0.2.1'),
         qr/^(?:79|80) \[reputation/, "$_: known") for qw(week year);
    $at->(8 * 86400);
    like(fraud($nginx, 'year', from => '192.0.2.1'),
         qr/^(?:19|20) \[reputation/, 'known eight days later');
    is(fraud($nginx, 'week', from => '192.0.2.1'), '0 []',
       'not where state is kept a week');
    $nginx->ends;
}

# in Redis as well: no key lives longer

my $server;

END {
    local $?;
    kill 'TERM', $server and waitpid $server, 0 if $server;
}

{
    my $redis = (grep { -x "$_/redis-server" } split /:/, $ENV{PATH})[0];
    die "no redis-server, install it with ./build.sh deps\n" if !defined $redis;

    my $dir = File::Temp->newdir('fraud-redis-XXXXXX', TMPDIR => 1);
    my $pid = $server = fork() // die "fork: $!\n";

    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>&', \*STDOUT;
        exec "$redis/redis-server", '--port', 0, '--unixsocket', "$dir/s",
            '--dir', "$dir", '--save', '';
        POSIX::_exit(1);
    }
    Fraud::wait_for(sub { -S "$dir/s" });

    my $command = sub {
        my ($text) = @_;
        my $socket = IO::Socket::UNIX->new(Peer => "$dir/s") or return '';
        print $socket "$text\r\nQUIT\r\n";
        local $/;
        return <$socket> // '';
    };
    my $ttls = sub {
        my @keys = $command->('KEYS fraud:*') =~ /^(fraud:(?!probe0)\S+)\r/mg;
        return map { $command->("TTL $_") =~ /:(-?\d+)/ ? $1 : -3 } @keys;
    };

    my $nginx = start(http => "fraud_redis unix:$dir/s; "
        . 'fraud_redis_timeout 5s; fraud_redis_connect_timeout 5s;'
        . 'fraud_reputation address half_life=7d;'
        . Policies::server('kirim-email', "$show "
            . 'fraud_signal reputation.address off;'
            . 'fraud_rate slow address rate=1r/m burst=59 points=1;')
        . Policies::server('aseptsoft', "$show fraud_signal bad if=1 "
                           . 'points=9;'));

    Fraud::wait_for(sub {
        fraud($nginx, 'kirim-email', from => '192.0.2.1');
        return $ttls->();
    });
    my @hour = $ttls->();
    is(scalar @hour, 1, 'a key in Redis');
    cmp_ok($hour[0], '<=', 3600, 'it lives an hour');
    cmp_ok($hour[0], '>', 3000, 'not much less');

    Fraud::wait_for(sub {
        fraud($nginx, 'aseptsoft', from => '192.0.2.1');
        return $ttls->() > 1;
    });
    my ($week) = sort { $b <=> $a } $ttls->();
    cmp_ok($week, '<=', 7 * 86400, 'another a week');
    cmp_ok($week, '>', 6 * 86400, 'not much less');
    is(scalar(() = $command->('KEYS *') =~ /192\.0\.2|kirim|asept/g), 0,
       'and no key tells whose it is');
    $nginx->ends;
}

done_testing;
