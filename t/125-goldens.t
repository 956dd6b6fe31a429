use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp;
use Test::More;

use Policies;

# One nginx, the same traffic under five policies: five logs and five states,
# compared whole with t/goldens/. In a log times, pseudonyms and ids of
# requests are numbered as they come; of a state each record is the tags and
# lengths of its slots, as they get to Redis in their time, which is why the
# logs are those of the zone alone. With FRAUD_GOLDENS=write they are written
# instead; read what changed before it is kept.

my %more = (
    'apsen-mail' => <<'END',
    fraud_session sid persistent;
    fraud_identity login $arg_user;
    fraud_rate guess login rate=1r/m points=1;
    fraud_distinct agents session of=$http_user_agent max=1 window=1h points=9;
END
    asergo => <<'END',
    fraud_identity account $sent_http_x_account verified;
    fraud_rate busy account rate=1r/m on=response points=1;
END
    aseptsoft => <<'END',
    fraud_session sid;
    fraud_distinct agents session of=$http_user_agent max=1 window=1h points=9;
END
    asogen => <<'END',
    fraud_session sid;
    fraud_identity account $sent_http_x_account verified;
    fraud_rate busy account rate=1r/m on=response points=1;
    fraud_distinct agents session of=$http_user_agent max=1 window=1h points=9;
END
    'kirim-email' => 'fraud_signal reputation.address off;',
);

my $firefox = 'Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/144.0';
my $safari = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Safari/605.1';
my @cookies = map { 'sid=' . $_ x 25 . 'a' } qw(a b);

my @traffic = (
    ['/', from => '192.0.2.10', 'User-Agent' => $firefox],
    ['/shop/list.html?q=secret', from => '192.0.2.10', Cookie => $cookies[0],
     'User-Agent' => $firefox, 'Accept-Language' => 'de-CH,de;q=0.8',
     Referer => 'https://search.example/find/me?q=secret'],
    ['/account/4111111111111111?user=carol', from => '192.0.2.11',
     Cookie => $cookies[0], 'User-Agent' => $safari,
     Referer => 'http://carol:pw@203.0.113.5/'],
    ['/missing/carol@b.example', from => '192.0.2.12',
     'User-Agent' => 'evil/1.0'],
    ['/?user=dave', from => '192.0.2.12', DNT => 1, Cookie => $cookies[1],
     'User-Agent' => $firefox],
    ['/', from => '2001:db8:5:1::1', 'Sec-GPC' => 1],
    (['/many', from => '192.0.2.10', Cookie => $cookies[0],
      'User-Agent' => $safari]) x 6,
);

my $redis = (grep { -x "$_/redis-server" } split /:/, $ENV{PATH})[0];
die "no redis-server, install it with ./build.sh deps\n" if !defined $redis;

my $dir = File::Temp->newdir('fraud-redis-XXXXXX', TMPDIR => 1);
my $server = fork() // die "fork: $!\n";

if ($server == 0) {
    open STDOUT, '>', '/dev/null';
    open STDERR, '>&', \*STDOUT;
    exec "$redis/redis-server", '--port', 0, '--unixsocket', "$dir/s",
        '--dir', "$dir", '--save', '';
    POSIX::_exit(1);
}

END {
    local $?;
    kill 'TERM', $server and waitpid $server, 0 if $server;
}

Fraud::wait_for(sub { -S "$dir/s" }) or die "no redis\n";

sub redis {
    my ($text) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => "$dir/s") or return '';
    print $socket "$text\r\nQUIT\r\n";
    local $/;
    return <$socket> // '';
}

# state(): records as text; 4 bytes, and then slots: tag, length and bytes

sub state {
    my @records;

    for my $key (redis('KEYS fraud:*') =~ /^(fraud:(?!probe0)\S+)\r/mg) {
        my ($len, $rest) = redis("GET $key") =~ /\A\$(\d+)\r\n(.*)\z/s or next;
        my $record = substr $rest, 4, $len - 4;
        my @slots;

        while (length $record >= 5) {
            my ($tag, $n) = unpack 'V C', $record;
            push @slots, sprintf '%08x/%d', $tag, $n & 127;
            substr $record, 0, 5 + ($n & 127), '';
        }
        push @records, join ' ', sort @slots;
    }
    return join '', map { "$_\n" } sort @records;
}

# normal(log): what is new each time numbered by its first place

sub normal {
    my ($log) = @_;
    my %number;
    my %last;

    my $numbered = sub {
        my ($kind, $text) = @_;
        $number{$text} //= ++$last{$kind};
        return "\"$kind$number{$text}\"";
    };

    # a slow machine makes a visit of none a second
    $log =~ s/"time":"[^"]*"/"time":"T"/g;
    $log =~ s/"dwell":\d/"dwell":0/g;
    $log =~ s/"([0-9a-f]{32})"/$numbered->('id', $1)/ge;
    $log =~ s/"([a-z2-7]{26})"/$numbered->('pid', $1)/ge;
    return $log;
}

sub golden {
    my ($name, $text) = @_;
    my $path = "$Fraud::TOP/t/goldens/$name";

    if (defined $text && ($ENV{FRAUD_GOLDENS} // '') eq 'write') {
        open my $out, '>', $path or die "$path: $!\n";
        print $out $text;
        close $out or die "$path: $!\n";
    }
    open my $in, '<', $path or return '';
    local $/;
    return <$in> // '';
}

my @policies = sort keys %more;

plan tests => 8 * @policies + 4;

sub start {
    my ($more) = @_;
    return Fraud->new(files => { Policies::files() }, http => <<'END' . $more
    server_tokens off;
    fraud_rate flood address rate=6r/h burst=5 points=20;
    fraud_match evil $http_user_agent evil points=60;
    fraud_match secret $request_uri secret points=5 shadow;
    fraud_reputation address half_life=24h max=50;
    fraud_action 50 deny;
END
        . join '', map { Policies::server($_, <<"END") } @policies);
    fraud enforce;
    fraud_log logs/$_.log;
    $more{$_}
    location / {
        add_header X-Account \$arg_user always;
        empty_gif;
    }
END
}

my $raw = qr/192\.0\.2\.1|secret\?|\bcarol\b|\bdave\b|aaaaaaaaaaaaa|b\.example|2001:db8:5:1|4111111|203\.0/;
my $write = ($ENV{FRAUD_GOLDENS} // '') eq 'write';
my $nginx = start('');
my %status;
my $redis_lines = "fraud_redis unix:$dir/s; fraud_redis_timeout 5s; "
    . 'fraud_redis_connect_timeout 5s;';

for my $policy (@policies) {
    $status{$policy} = join ' ', map {
        Policies::ask($nginx, $policy, @$_)->{status} } @traffic;

    my $lines = sub {
        return scalar(() = Policies::entries($nginx, $policy) =~ /\n/g);
    };
    Fraud::wait_for(sub { $lines->() == @traffic });

    my $log = normal(Policies::entries($nginx, $policy));
    my $golden = golden("$policy.log", $log);
    is($log, $golden, "$policy: the log");
    is($lines->(), scalar @traffic, '... a line for each request');
    unlike(Policies::entries($nginx, $policy), $raw, '... and nothing raw');
}

$nginx->ends;

for my $policy (@policies) {
    redis('FLUSHALL');
    $nginx = start($redis_lines);
    Policies::ask($nginx, $policy, @$_) for @traffic;

    if ($write) {
        sleep 3;
        golden("$policy.state", state());
    }

    my $state = golden("$policy.state");
    Fraud::wait_for(sub { state() eq $state });
    is(state(), $state, "$policy: the state");
    isnt($state, '', '... of which there is some');

    my $all = redis('KEYS *') . join '', map { redis("GET $_") }
        redis('KEYS *') =~ /^(fraud:\S+)\r/mg;
    unlike($all, $raw, '... and nothing raw');
    $nginx->stop;
}

# another policy around it makes no other state of it

redis('FLUSHALL');
$nginx = start("fraud_policy %DIR%/asogen.policy; $redis_lines");
Policies::ask($nginx, 'aseptsoft', @$_) for @traffic;
my $state = golden('aseptsoft.state');
Fraud::wait_for(sub { state() eq $state });
is(state(), $state, 'aseptsoft within asogen: the same state');
$nginx->stop;

my %same = map { $_ => 1 } map { golden("$_.log") } @policies;
is(scalar keys %same, 5, 'five logs that differ');

# the attack is stopped everywhere, who did it is remembered where that may be

is((split / /, $status{$_})[3], 403, "$_: an attack") for @policies;
is((split / /, $status{$_})[4], $_ eq 'kirim-email' ? 200 : 403,
   "$_: the next request from there") for @policies;
