use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib";

use File::Temp;
use Test::More;
use Time::HiRes qw(sleep time);

use Fake;
use Hosts;
use Redis;

# what stands in while Redis is away, and what becomes of what it counted

my $redis = Redis->new;

# the three answers to a failure

sub failure {
    my ($answer, %expect) = @_;
    my $fake = Fake->new($redis);
    my $host = host(workers => 2,
        redis => 'fraud_redis ' . $fake->url . ';'
            . ($answer ? "fraud_redis_on_failure $answer;" : ''),
        http => 'fraud_rate few address rate=1r/h burst=1 points=60;'
            . 'fraud_signal bad if=$arg_bad points=20; fraud_action 60 deny;'
            . 'fraud_log logs/fraud.log;',
        server => 'fraud enforce; location / { empty_gif; }'
            . 'location = /off { fraud off; empty_gif; }'
            . 'location = /watch { fraud observe; empty_gif; }'
            . 'location = /status { fraud off; fraud_status json; }');
    my $name = $answer || 'by default';

    ok(warm($host), "$name: connected");
    $fake->plan(refuse => 1);
    ok(in_state($host, $expect{state}), "$name: $expect{state}");
    is_state_lines($host, '1 lost, 0 back', 'in a line');
    like($host->error_log,
         qr/\[warn\] .*fraud: redis is lost \(.*\), \Q$expect{line}\E/,
         'the log says what that means');

    my @got = map { $host->get('/', from => '192.0.2.1') } 1 .. 4;
    is(join(' ', map { $_->{status} } @got), $expect{status},
       'what a client gets');
    like($got[-1]{headers}{'x-fraud'} // '', $expect{said}, 'what is known');
    is($host->get('/off')->{status}, 200, 'who is not judged is served');
    is($host->get('/watch', from => '192.0.2.1')->{status}, 200,
       'to watch is not to refuse');
    like($host->fraud('/watch?bad=1', from => '192.0.2.1'), $expect{bad},
         'local signals need no Redis');
    ok(eventually(sub { $host->slurp('logs/fraud.log')
                        =~ /"state":"$expect{state}"/ }),
       'the security log says it');

    $fake->plan(pass => 1);
    ok(in_state($host, 'ok'), 'back');
    is($host->get('/', from => '192.0.2.3')->{status}, 200, 'and judging');
    is_state_lines($host, '1 lost, 1 back', 'a line for each');
    $host->ends;
    $redis->cmd('FLUSHALL');
}

failure('', state => 'local', line => 'the zone stands in',
        status => '200 200 403 403', said => qr/^60 \[few=60\] local$/,
        bad => qr/^80 \[few=60,bad=20\] local$/);
failure('local', state => 'local', line => 'the zone stands in',
        status => '200 200 403 403', said => qr/^60 \[few=60\] local$/,
        bad => qr/^80 \[few=60,bad=20\] local$/);
failure('open', state => 'degraded', line => 'requests pass unjudged',
        status => '200 200 200 200', said => qr/^0 \[\] degraded$/,
        bad => qr/^20 \[bad=20\] degraded$/);
failure('closed', state => 'degraded', line => 'requests are refused',
        status => '503 503 503 503', said => qr/ degraded$/,
        bad => qr/ degraded$/);

# a gap: one host is cut off, the other is not, and both go on counting. What
# they counted is one sum afterwards.

my $mmdb = File::Temp->newdir('fraud-mmdb-XXXXXX', TMPDIR => 1);
system($^X, "$Fraud::TOP/tests/mmdb.pl", "$mmdb") == 0
    or die "tests/mmdb.pl failed\n";

my %place = (london => '81.2.69.1', new_york => '192.0.2.1',
             sydney => '203.0.113.1');

my $fake = Fake->new($redis);
my $http = "fraud_geo $mmdb/city.mmdb;" . <<'HTTP';
    fraud_identity device $arg_device kind=device;
    fraud_identity place $arg_place kind=device;
    fraud_rate few address rate=1r/d burst=9 points=10 if=$arg_few;
    fraud_distinct many device of=$arg_value max=6 window=1h points=4;
    fraud_reputation session half_life=30d max=90;
    fraud_signal bad if=$arg_bad points=20;
    fraud_travel travel place speed=1000 points=7;
HTTP
my ($cut, $whole) = map { host(redis => $_->url, http => $http) }
    $fake, $redis;

ok(warm($cut, $whole), 'both are connected');

# each way of counting: before, in the gap on either host, and what both have to
# say at the end

my @rates = map { "198.51.100.$_" } 1 .. 8;

sub hit { $_[0]->fraud('/?few=1', from => $_[1]) }

sub value {
    my ($host, @values) = @_;
    return map { $host->fraud("/?device=anna&value=$_", from => '10.0.0.1') }
        @values;
}

sub at {
    my ($host, $who, $place) = @_;
    return $host->fraud("/?place=$who", from => $place{$place});
}

sub bad { $_[0]->get('/?bad=1', from => '10.0.0.2', Cookie => 'sid=x') }

for my $address (@rates) {
    hit($cut, $address) for 1 .. 3;
}
value($cut, 1, 2);
bad($whole);
at($cut, $_, 'london') for 'ann', 'bob';

$fake->plan(refuse => 1);
ok(in_state($cut, 'local'), 'one host is cut off');
my $gap = time;

for my $address (@rates) {
    hit($cut, $address) for 1 .. 4;
    hit($whole, $address) for 1 .. 3;
}
is(hit($whole, $rates[0]), '0 [] ok', 'neither knows of the other');
is(hit($cut, $rates[1]), '0 [] local', 'on either side');

# values: 1 and 2 before, 3 and 4 here, 4 to 6 there, and one more for each

is((value($cut, 3, 4, 4))[-1], '0 [] local', 'four values here');
is((value($whole, 4, 5, 6))[-1], '0 [] ok', 'five there');

bad($cut);
bad($whole);

# ann: last seen by the host that was cut off; bob: by the other

at($whole, 'ann', 'new_york');
at($cut, 'bob', 'new_york');
sleep 0.3;
at($cut, 'ann', 'sydney');
at($whole, 'bob', 'sydney');

$fake->plan(pass => 1);
ok(in_state($cut, 'ok'), 'together again');
my $merged = 0;
ok(eventually(sub {
    my $before = $merged;
    sleep 0.3;
    $merged = $cut->status->{redis}{merged};
    return $merged >= @rates + 4 && $merged == $before;
}), 'what was counted was told') or diag "merged: $merged";

# 3 + 4 + 3 and one more: ten may pass

like(hit($whole, $_), qr/^10 \[few=10\]/, "$_: over on the other host")
    for @rates;
like(hit($cut, $_), qr/^10 \[few=10\]/, "$_: over on the one that came back")
    for @rates;

like((value($whole, 1))[0], qr/^0 \[\] ok/, 'six values in all');
like((value($whole, 7))[0], qr/^4 \[many=4\] ok/, 'and one more');
like((value($cut, 1))[0], qr/^4 \[many=4\] ok/, 'on both');

my $earned = qr/^60 \[reputation\.session=60\] ok$/;
like($_->fraud('/', from => '10.0.0.3', Cookie => 'sid=x'), $earned,
     'three bad deeds are 60 points') for $whole, $cut;

is(at($whole, 'ann', 'sydney'), '0 [] ok', 'ann was in Sydney last');
is(at($cut, 'bob', 'sydney'), '0 [] ok', 'and so was bob');
is(at($_->[0], $_->[1], 'london'), '7 [travel=7] ok',
   "$_->[1] cannot be in London") for [$whole, 'bob'], [$cut, 'ann'];

# it was told once: a second gap of nothing adds nothing

my $before = $cut->fraud('/', from => '10.0.0.3', Cookie => 'sid=x');
$fake->plan(refuse => 1);
ok(in_state($cut, 'local'), 'cut off again');
$fake->plan(pass => 1);
ok(in_state($cut, 'ok'), 'and back');
sleep 0.5;
is($cut->fraud('/', from => '10.0.0.3', Cookie => 'sid=x'), $before,
   'an empty gap adds nothing');

is_state_lines($cut, '2 lost, 2 back', 'a line for each change');
is(state_lines($whole), '0 lost, 0 back', 'and none where nothing changed');
$_->ends for $cut, $whole;

done_testing;
