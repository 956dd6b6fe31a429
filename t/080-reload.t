use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use Fraud;

plan tests => 83;

my $show = <<'END';
    add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    add_header X-Pid "$fraud_address_pid" always;
    fraud_action 100 deny;
    fraud_identity session $cookie_sid kind=session;
END

my $gif = 'location / { fraud enforce; empty_gif; }'
    . 'location /status { fraud off; fraud_status json; }';

# a reload keeps what subjects did, whatever happens around their rules

{
    my $one = 'fraud_rate one session rate=1r/h burst=1 points=10;';
    my $two = 'fraud_rate two session rate=1r/d points=3;';
    my $learn = 'fraud_reputation address half_life=30d max=40;';
    my $bad = 'fraud_signal bad if=$arg_bad points=50;';
    my $nginx = Fraud->new(workers => 2, server => $gif,
                           http => "$show $one $two $learn $bad");
    my @known = (Cookie => 'sid=1', from => '192.0.2.1');

    $nginx->get('/', @known) for 1 .. 2;
    is($nginx->fraud('/', Cookie => 'sid=1'), '13 [one=10,two=3]',
       'both rates are over');
    $nginx->get('/?bad=1', from => '192.0.2.1');

    my $over = '53 [reputation.address=40,one=10,two=3]';
    my $pid = $nginx->get('/', @known)->{headers}{'x-pid'};

    my @many = map { "fraud_rate new$_ session rate=1r/h burst=9 points=1;" }
        1 .. 7;
    my %change = (
        'nothing changed'          => "$show $one $two $learn $bad",
        'rules before and between' =>
            "$show @many[0 .. 3] $learn $one @many[4 .. 6] $two $bad",
        'rules removed and others reordered' =>
            "$show $bad $two $learn $many[5] $one",
        'more workers'             => "$show $one $two $learn $bad",
    );

    for my $what ('nothing changed', 'rules before and between',
                  'rules removed and others reordered', 'more workers')
    {
        ok($nginx->reload(http => $change{$what},
                          workers => $what eq 'more workers' ? 3 : 2),
           "reloaded: $what");
        is($nginx->fraud('/', @known), $over, 'rates and reputation stay');
        is($nginx->get('/', @known)->{headers}{'x-pid'}, $pid, 'the pid, too');
        is($nginx->fraud('/', Cookie => "sid=$what", from => '192.0.2.2'),
           '0 []', 'others have a clean slate');
    }

    (my $changed = $one) =~ s{1r/h}{2r/h};
    $nginx->reload(http => "$show $changed $two");
    is($nginx->fraud('/', @known), '3 [two=3]', 'a changed rate starts anew');

    (my $points = $two) =~ s/points=3/points=5/;
    $nginx->reload(http => "$show $changed $points");
    is($nginx->fraud('/', @known), '5 [two=5]', 'other points do not');
    $nginx->reload(http => "$show $one $two $learn");
    is($nginx->fraud('/', @known), $over,
       'what was away for a moment is there again');

    ok($nginx->reload(http => "$show $one $two fraud_zone fraud 1m;"),
       'a zone of another size');
    is($nginx->fraud('/', @known), '0 []', 'is empty');
    $nginx->ends;
}

# requests of the old configuration end in peace

{
    my $http = "$show fraud_rate one session rate=1r/h points=10;"
        . 'fraud_signal slow if=$arg_slow points=60; fraud_action 60 delay=2s;';
    my $nginx = Fraud->new(http => $http, server => $gif);
    my $slow = $nginx->send('/?slow=1', Cookie => 'sid=1');

    $nginx->get('/');
    ok($nginx->reload(http => "fraud_rate zero session rate=1r/h points=1; $http"),
       'reloaded while one is delayed');
    is($nginx->receive($slow)->{status}, 200, 'it was served');
    is($nginx->fraud('/', Cookie => 'sid=1'), '10 [one=10]',
       'and is remembered');
    $nginx->ends;
}

# an epoch ends: other pids, the same state

{
    my $nginx = Fraud->new(workers => 2, server => $gif,
        http => "$show fraud_keys memory epoch=2s; fraud_log logs/fraud.log;"
            . 'fraud_rate one address rate=1r/h burst=1 points=10;'
            . 'fraud_reputation address half_life=30d max=7;'
            . 'fraud_signal bad if=$arg_bad points=50;');
    my (%pids, %states, $changes, $last);

    $nginx->get('/?bad=1', from => '192.0.2.1') for 1 .. 2;
    $changes = 0;

    for (1 .. 28) {
        my $headers = $nginx->get('/', from => '192.0.2.1')->{headers};
        $changes++ if defined $last && $headers->{'x-pid'} ne $last;
        $last = $headers->{'x-pid'};
        $pids{$last} = 1;
        $states{$headers->{'x-fraud'}}++;
        sleep 0.25;
    }

    cmp_ok($changes, '>=', 3, 'the pid changes with the epoch');
    is(scalar(keys %pids), $changes + 1, 'and never comes back');
    is(join(';', sort keys %states), '17 [one=10,reputation.address=7]',
       'its rate and reputation are carried over');
    is($nginx->fraud('/', from => '192.0.2.2'), '0 []',
       'others have a clean slate');
    cmp_ok($nginx->status->{zone}{entries}, '<=', 2,
           'no record is left behind');
    $nginx->ends;
}

# replaced files take effect without a reload

{
    my %files = (
        'nets.txt'    => "192.0.2.0/24\n",
        'words.txt'   => "one\n",
        'agents.txt'  => "sqlmap\n",
    );
    my $data = File::Temp->newdir('fraud-mmdb-XXXXXX', TMPDIR => 1);

    system($^X, "$Fraud::TOP/tests/mmdb.pl", "$data") == 0
        or die "tests/mmdb.pl failed\n";
    $files{'geo.mmdb'} = read_file("$data/ipv4-only.mmdb");

    my $nginx = Fraud->new(files => \%files, server => $gif,
        http => "$show fraud_geo %DIR%/geo.mmdb;"
            . 'fraud_list nets $remote_addr file=%DIR%/nets.txt points=1;'
            . 'fraud_list words $arg_word type=string file=%DIR%/words.txt '
            . 'points=2;'
            . 'fraud_match agents $http_user_agent file=%DIR%/agents.txt '
            . 'points=4;'
            . 'fraud_match country $fraud_country "^SE$" points=8;');
    my %bad = ('nets.txt' => "192.0.2.0/24\n300.0.0.0/8\n",
               'agents.txt' => "fine\n(broken\n", 'words.txt' => "\n\n",
               'geo.mmdb' => 'no database');

    for (['nets.txt', '198.51.100.0/24', 'nets=1', from => '198.51.100.9'],
         ['words.txt', "two\nthree", 'words=2', uri => '/?word=two'],
         ['agents.txt', "sqlmap\nnikto", 'agents=4', 'User-Agent' => 'nikto'],
         ['geo.mmdb', undef, 'country=8', from => '89.160.20.1'])
    {
        my ($name, $text, $reason, %more) = @$_;
        my $uri = delete $more{uri} // '/';
        my $fires = sub { $nginx->fraud($uri, %more) =~ /\Q$reason\E/ };

        my $new = defined $text ? "$text\n"
                                : read_file("$data/city.mmdb");
        my $loaded = $nginx->status->{files_loaded};

        ok(!$fires->(), "$name: does not fire yet");
        $nginx->replace($name, $new);
        my $begin = time;
        ok(Fraud::wait_for($fires), 'it does once replaced');
        cmp_ok(time - $begin, '<', 8, 'soon');
        is($nginx->status->{files_loaded}, $loaded + 1, 'it was counted');

        # a bad one is refused, once and with its reason

        my $refused = $nginx->status->{faults}{file_refused};
        $nginx->replace($name, $bad{$name});
        ok(Fraud::wait_for(sub {
            return $nginx->status->{faults}{file_refused} > $refused;
        }), 'a bad one is refused');
        ok($fires->(), 'and the one before it stays');
        sleep 2.5;
        is(scalar(() = $nginx->error_log =~
                  /\[error\].*: file "\S+\Q$name\E".*stays/g), 1,
           'one line says so');

        unlink "$nginx->{dir}/$name";
        sleep 1.5;
        ok($fires->(), 'it stays without a file, too');
    }

    unlike($nginx->fraud('/', from => '192.0.2.9'), qr/nets/,
           'what is not in the new file is gone');
    $nginx->ends(qr/\[error\].*: file .* stays in force/);
}

sub read_file {
    my ($path) = @_;
    open my $in, '<:raw', $path or die "$path: $!\n";
    local $/;
    return <$in>;
}

# a full zone makes room, it refuses nobody

{
    my $nginx = Fraud->new(server => $gif, http => "$show fraud_zone fraud 256k;"
        . 'fraud_rate one address rate=1r/h points=10;');
    my $burst = sub {
        my $requests = join '', map {
            "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: $_\r\n\r\n" } @_;
        $requests =~ s/\r\n\r\n\z/\r\nConnection: close\r\n\r\n/;
        my $raw = $nginx->receive($nginx->send_raw($requests))->{raw};
        return [ scalar(() = $raw =~ m{HTTP/1\.1 200}g),
                 scalar(() = $raw =~ m{X-Fraud: 10 }g) ];
    };
    my $ok = 0;

    for my $i (1 .. 8) {
        $ok += $burst->(map { "10.$i." . int($_ / 250) . '.' . $_ % 250 }
                        1 .. 500)->[0];
    }
    my $zone = $nginx->status->{zone};
    is($ok, 4000, '4,000 subjects were served');
    cmp_ok($zone->{capacity}, '<', 2000, 'for which there is no room');
    cmp_ok($zone->{entries}, '<=', $zone->{capacity}, 'no more than that');
    cmp_ok($zone->{evicted}, '>=', 4000 - $zone->{capacity}, 'some had to go');
    is($zone->{created}, 4000, 'all had their turn');
    is($zone->{failed}, 0, 'without fault');
    like($nginx->fraud('/', from => '10.8.1.249'), qr/^10 /,
         'the last ones are remembered');
    cmp_ok(scalar(grep { $nginx->fraud('/', from => "10.1.0.$_") =~ /^10 / }
                  1 .. 30), '<', 10, 'most of the first ones are forgotten');

    my $before = $nginx->status->{zone}{created};
    my $found = $burst->(map { sprintf '2001:db8:1:1:%x::%x', $_ * 97, $_ }
                         1 .. 300);
    is($nginx->status->{zone}{created}, $before + 1,
       'many addresses of an IPv6 /64 are one subject');
    is("@$found", '300 299', 'of one bucket');
    $nginx->ends;
}
