use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib";

use File::Temp;
use Test::More;
use Time::HiRes qw(sleep time);

use Fake;
use Hosts;
use Redis;

# an epoch ends, and with it the pseudonyms: what was counted under the old ones
# is found by hosts that never saw them, and counted once

my $length = 10;
my $dir = File::Temp->newdir('fraud-keys-XXXXXX', TMPDIR => 1);
Hosts::make_keys("$dir", $length, -1, 60);

my $redis = Redis->new;
my $http = <<'HTTP';
    fraud_rate few address rate=1r/h burst=5 points=10 if=$arg_few;
    fraud_distinct many address of=$arg_value max=3 window=1h points=4;
    fraud_reputation session half_life=30d max=90;
    fraud_signal bad if=$arg_bad points=20;
HTTP

sub fresh {
    my ($mode) = @_;
    return host(keys => "$dir epoch=${length}s", workers => 2, http => $http,
                redis => 'fraud_redis ' . $redis->url
                    . "; fraud_redis_mode $mode;");
}

# what relaxed hosts need to tell each other, at 50 ms and many times over

my $exchange = 0.6;

# as much of an epoch as can be had

sub next_epoch {
    my ($host) = @_;
    my ($now, $pid) = (int(time / $length), pid($host));

    # the pid may be of an epoch that began in between
    ($now, $pid) = (int(time / $length), pid($host))
        while $now != int(time / $length);

    sleep 0.05 while int(time / $length) == $now;
    return eventually(sub { pid($host) ne $pid });
}

sub pid { $_[0]->get('/', from => '203.0.113.77')->{headers}{'x-pid'} }

sub few { $_[0]->fraud('/?few=1', from => $_[1]) }

for my $mode ('strict', 'relaxed') {
    $redis->cmd('FLUSHALL');

    # hosts that know nothing but what is in Redis, and the one that knows

    my @hosts = map { fresh($mode) } 1 .. 3;
    my $old = $hosts[2];
    ok(warm(@hosts), "$mode: connected");
    ok(next_epoch($old), 'an epoch begins');

    my %before = map { $_ => 1 } $redis->keys;
    few($old, '198.51.100.1');
    my $key;
    ok(eventually(sub {
        ($key) = grep { !$before{$_} && !/:probe0/ } $redis->keys;
        return defined $key;
    }), 'a key');
    few($old, '198.51.100.1') for 1 .. 5;
    few($old, '198.51.100.2') for 1 .. 3;
    $old->get("/?value=$_", from => '198.51.100.3') for 1 .. 2;
    $old->get('/?bad=1', Cookie => 'sid=x') for 1 .. 2;
    sleep $exchange;
    is($redis->cmd('EXISTS', $key), 1, 'they are in Redis');
    my %then = map { $_ => 1 } $redis->keys;

    ok(next_epoch($old), 'it is over');

    # relaxed: the first request of a subject only makes a host ask
    my $first = sub {
        return if $mode eq 'strict';
        my ($args, $from) = @_;
        my @cookie = $args ? () : (Cookie => 'sid=x');
        $_->get("/?$args", from => $from, @cookie) for @hosts;
        sleep $exchange;
    };

    $first->('few=1', '198.51.100.1');
    like(few($hosts[0], '198.51.100.1'), qr/^10 \[few=10\] ok/,
         'who was over is over');
    like(few($hosts[2], '198.51.100.1'), qr/^10 \[few=10\] ok/,
         'where it was seen, too');

    isnt(scalar(grep { !$then{$_} && !/:probe0/ } $redis->keys), 0,
         'under another key');
    is($redis->cmd('EXISTS', $key), 1, 'the old one is left alone');
    cmp_ok($redis->cmd('TTL', $key), '>', 0, 'with its time to live');

    # three of six were before: three more, one on each

    my @said = map { few($_, '198.51.100.2') } @hosts;
    is("@said", '0 [] ok 0 [] ok 0 [] ok', 'three more may pass');
    sleep $exchange;
    like(few($_, '198.51.100.2'), qr/^10 \[few=10\]/,
         'what was counted is counted') for @hosts;

    # the secret that hides values changes as well: they are counted anew, and
    # none of them twice

    for my $value (1 .. 3) {
        like($hosts[$value - 1]->fraud("/?value=$value",
                                       from => '198.51.100.3'),
             qr/^0 \[\]/, "value $value is not one too many");
    }

    $first->('', '198.51.100.4');
    like($hosts[1]->fraud('/', Cookie => 'sid=x'),
         qr/^40 \[reputation\.session=40\] ok/, 'what it did is known');

    is(state_lines($_), '0 lost, 0 back', 'Redis was not lost') for @hosts;
    $_->ends for @hosts;
}

# hosts that see somebody at the same moment: what he had is added once

my $fake = Fake->new($redis);

for my $mode ('strict', 'relaxed') {
    $redis->cmd('FLUSHALL');
    my @hosts = map {
        host(keys => "$dir epoch=${length}s", http => $http,
             redis => 'fraud_redis ' . $fake->url . "; fraud_redis_mode $mode;")
    } 1 .. 3;
    ok(warm(@hosts), "$mode, at once: connected");
    ok(next_epoch($hosts[2]), 'an epoch');
    $hosts[2]->get('/?bad=1', Cookie => 'sid=y') for 1, 2;
    sleep $exchange;
    ok(next_epoch($hosts[2]), 'the next');

    # both are told that there is none before either has added anything
    $fake->plan(slow => 300);
    my @both = map { $_->send('/', Cookie => 'sid=y') } @hosts[0, 1];
    $hosts[$_]->receive($both[$_]) for 0, 1;
    sleep 2;
    $fake->plan(pass => 1);
    like($_->fraud('/', Cookie => 'sid=y'),
         qr/^40 \[reputation\.session=40\] ok/, 'it is added once')
        for @hosts[0, 1];
    $_->ends for @hosts;
}

# whose session it is, known to one host, is known to another one, too

{
    $redis->cmd('FLUSHALL');
    my @hosts = map {
        host(keys => "$dir epoch=${length}s",
             redis => 'fraud_redis ' . $redis->url . ';',
             http => 'fraud_identity account $upstream_http_x_account verified;'
                 . 'fraud_rate spend account rate=1r/h burst=1 points=40;'
                 . 'server { listen unix:%DIR%/app.sock; fraud off;'
                 . ' add_header X-Account $arg_as; return 204; }',
             server => 'fraud observe;'
                 . 'location / { proxy_pass http://unix:%DIR%/app.sock:; }'
                 . 'location = /off { fraud off; empty_gif; }'
                 . 'location = /status { fraud off; fraud_status json; }')
    } 1, 2;
    ok(warm(@hosts), 'a login: connected');
    ok(next_epoch($hosts[0]), 'an epoch');
    $hosts[0]->get('/?as=alice', Cookie => 'sid=z');
    $hosts[0]->get('/', Cookie => 'sid=z') for 1, 2;
    sleep $exchange;
    ok(next_epoch($hosts[0]), 'the next');
    is($hosts[1]->fraud('/', Cookie => 'sid=z'), '40 [spend=40] ok',
       'the account of the session, and what it spent');
    $_->ends for @hosts;
}

done_testing;
