use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../redis", "$FindBin::Bin/../../t/lib";

use Test::More;
use Time::HiRes qw(sleep);

use Billing;

# many hosts, one Redis between: it may be killed, forget, be emptied, and be
# read by several, and each flag counts once

my $PREFIX = 'fraud:flags:';

for my $db (Billing::databases()) {
    note $db;
    shipped($db);
    killed($db);
    forgotten($db);
    trimmed($db);
    rivals($db);
    poison($db);
    strange($db);
    hours($db) if $db eq 'sqlite';
}

places();
done_testing;

# pair(db, redis): a billing behind a stream, and where its hosts' spools are

sub pair {
    my ($db, $redis, %more) = @_;
    my $billing = Billing->new(db => $db, stream => $redis->url, %more);
    return $billing;
}

sub ship {
    my ($billing, $redis, @words) = @_;
    my %env = ref $words[0] ? %{ shift @words } : ();
    my ($status, undef, $said) = $billing->execute(
        { env => \%env, tag => 'ship' }, 'ship', '--spool',
        $billing->file('spool'), '--stream', $redis->url, '--once', @words);
    $billing->{shipped} = $said;
    return $status;
}

# all(billing, made): each flag that was made is counted, and each once

sub all {
    my ($billing, $made, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($billing->value('SELECT COUNT(*) FROM inbox'), $made->{flags},
       "$what: all of them");
    is($billing->value('SELECT SUM(amount) FROM incident'), $made->{amount},
       'each once');
    is($billing->value("SELECT COUNT(*) FROM dead WHERE state = 'dead'"), 0,
       'none is dead');
    $billing->verified;
}

# taken(billing, made): until all are, or patience ends

sub taken {
    my ($billing, $made) = @_;
    return Fraud::wait_for(sub {
        $billing->once;
        $billing->value('SELECT COUNT(*) FROM inbox') >= $made->{flags};
    }, 30);
}

sub pending {
    my ($redis) = @_;
    my $n = 0;

    for my $key (grep { /^$PREFIX/ } $redis->keys) {
        my $reply = $redis->try('XPENDING', $key, 'billing');
        $n += $reply->[0] if $reply;
    }
    return $n;
}

sub streams { return grep { /^$PREFIX\d{10}$/ } $_[0]->keys }

sub shipped {
    my ($db) = @_;
    my $redis = Redis->new;
    my $billing = pair($db, $redis);
    my %made = $billing->flags(flags => 600, accounts => 20, writers => 3,
                               duplicates => 20, reorder => 1);

    is($billing->once, 0, 'nothing there yet');
    is(ship($billing, $redis), 0, 'shipped');
    is(ship($billing, $redis), 0, 'again');
    my ($key) = streams($redis);
    is($redis->cmd('XLEN', $key), $made{records} + 3,
       'what is shipped is not shipped again');
    my $left = $redis->cmd('EXPIRETIME', $key) - $billing->clock;
    ok($left > 7 * 86400 && $left <= 7 * 86400 + 3600, 'the key will go');
    ok(taken($billing, \%made), 'taken');
    all($billing, \%made, 'shipped');
    is(pending($redis), 0, 'all acknowledged');
    is(ship($billing, $redis, '--again'), 0, 'everything once more');
    $billing->once for 1 .. 5;
    all($billing, \%made, 'twice');
    my @left = grep { /user-\d/ } $redis->cmd('XRANGE', $key, '-', '+');
    is(scalar(@left), 0, 'no account in the stream');
}

# killed at each place; another takes what was left

sub killed {
    my ($db) = @_;

    for my $place ('stream-read', 'pre-commit', 'post-commit',
                   'stream-pre-ack', 'stream-post-ack')
    {
        my $redis = Redis->new;
        my $billing = pair($db, $redis);
        my %made = $billing->flags(flags => 300, accounts => 5);

        ship($billing, $redis);
        is($billing->once(FRAUD_FAILPOINT => $place), 137, "killed: $place");
        ok(taken($billing, \%made), 'another took it');
        sleep 0.4;
        $billing->once for 1 .. 2;
        all($billing, \%made, $place);
        is(pending($redis), 0, 'all acknowledged');
    }

    for my $place ('ship-read', 'ship-sent') {
        my $redis = Redis->new;
        my $billing = pair($db, $redis);
        my %made = $billing->flags(flags => 300, accounts => 5);

        is(ship($billing, $redis, { FRAUD_FAILPOINT => $place }), 137, $place);
        is(ship($billing, $redis), 0, 'shipped after all');
        ok(taken($billing, \%made), 'taken');
        all($billing, \%made, $place);
    }
}

# killed without having written anything down; emptied; an older state of it

sub forgotten {
    my ($db) = @_;
    my $redis = Redis->new;
    my $billing = pair($db, $redis);
    my %made = $billing->flags(flags => 400, accounts => 10, writers => 2);

    is(ship($billing, $redis), 0, 'shipped');
    $redis->kill;
    is($billing->once, 1, 'no Redis: not all could be done');
    $redis->start;
    is(scalar(streams($redis)), 0, 'it forgot everything');
    is(ship($billing, $redis), 0, 'shipped');
    like($billing->{shipped}, qr/"redis was started anew/, 'all again');
    ok(taken($billing, \%made), 'taken');
    all($billing, \%made, 'forgotten');

    my %more = $billing->flags(flags => 200, accounts => 10, seed => 2,
                               start => $billing->clock - 20000);
    is(ship($billing, $redis), 0, 'more of them');
    $redis->cmd('FLUSHALL');
    $billing->once;
    my ($status, $said) = $billing->billing('verify');
    is(ship($billing, $redis, '--again'), 0, 'emptied: shipped again');
    $made{$_} += $more{$_} for qw(flags amount);
    ok(taken($billing, \%made), 'taken');
    all($billing, \%made, 'emptied');
}

# deleted after it was given to somebody and before he was done: said, and
# made good from the spool

sub trimmed {
    my ($db) = @_;
    my $redis = Redis->new;
    my $billing = pair($db, $redis);
    my %made = $billing->flags(flags => 200, accounts => 5);

    ship($billing, $redis);
    is($billing->once(FRAUD_FAILPOINT => 'stream-read'), 137, 'killed');
    my ($key) = streams($redis);
    cmp_ok(pending($redis), '>', 0, 'it had some');
    $redis->cmd('XTRIM', $key, 'MAXLEN', 50);
    sleep 0.4;
    my $alarm = 0;
    Fraud::wait_for(sub {
        $billing->once;
        $alarm ||= $billing->{said} =~ /"alarm","what":"deleted before it was/;
        $alarm && pending($redis) == 0;
    }, 20);
    ok($alarm, 'trimmed: alarm');
    cmp_ok($billing->value('SELECT COUNT(*) FROM inbox'), '<', 200, 'some lack');
    is(ship($billing, $redis, '--again'), 0, 'shipped again');
    ok(taken($billing, \%made), 'taken');
    all($billing, \%made, 'trimmed');
}

# one stops for longer than others wait, they take it over, he goes on

sub rivals {
    my ($db) = @_;
    my $redis = Redis->new;
    my $billing = pair($db, $redis);
    my %made = $billing->flags(flags => 2000, accounts => 20);
    my $rival = bless { %$billing, owner => 0 }, 'Billing';

    ship($billing, $redis);
    $billing->start;
    sleep 0.15;
    kill 'STOP', $billing->{pid};
    $rival->start;
    sleep 1;
    kill 'CONT', $billing->{pid};
    Fraud::wait_for(sub {
        $billing->value('SELECT COUNT(*) FROM inbox') >= 2000
            && pending($redis) == 0;
    }, 30);
    $_->stop for $billing, $rival;
    all($billing, \%made, 'two at once, one of them stopped');
    is(pending($redis), 0, 'all acknowledged');
}

# what kills everybody who takes it is dead after five, its neighbours are not

sub poison {
    my ($db) = @_;
    my $redis = Redis->new;
    my $billing = pair($db, $redis);
    my %made = $billing->flags(flags => 30, accounts => 2);

    ship($billing, $redis);
    my $deaths = 0;

    for (1 .. 12) {
        my $status = $billing->once(FRAUD_FAILPOINT => 'begin');
        last if $status == 0;
        $deaths++;
        sleep 0.35;
    }
    sleep 0.35;
    Fraud::wait_for(sub { $billing->once; pending($redis) == 0 }, 20);
    cmp_ok($deaths, '>=', 5, 'died of it');
    my $dead = $billing->value("SELECT COUNT(*) FROM dead WHERE reason LIKE "
                               . "'%delivered too often%'");
    cmp_ok($dead, '>=', 1, 'dead after five');
    is($dead + $billing->value('SELECT COUNT(*) FROM arrival WHERE became '
                               . "IN ('counted', 'end')"), 31,
       'nothing else became of any');
    $billing->forward(1);
    is(($billing->billing('dead', 'redrive', '--all'))[0], 0, 'redriven');
    all($billing, \%made, 'redriven');
}

# what others put there

sub strange {
    my ($db) = @_;
    my $redis = Redis->new;
    my $billing = pair($db, $redis);
    my %made = $billing->flags(flags => 40, accounts => 2);

    ship($billing, $redis);
    my ($key) = streams($redis);
    my $hour = substr $key, -10;
    my $other = $PREFIX . sprintf '%010d', $hour - 1;
    $redis->cmd('SET', $other, 'no stream');
    $redis->cmd('XADD', $key, '*', 'x', 'y') for 1 .. 2;
    $redis->cmd('XADD', $key, '*', 'w', 'x' x 16, 's', 1, 'e', '{}');
    $redis->cmd('XADD', $key, '*', 'w', 'a' x 16, 's', '-1', 'e', '{}');
    $redis->cmd('XADD', $key, '*', 'w', 'a' x 16, 's', 1, 'e', 'x' x 100000);
    ok(taken($billing, \%made), 'neighbours are taken');
    $billing->once;
    is(pending($redis), 0, 'all acknowledged');
    is($billing->value('SELECT COUNT(*) FROM inbox'), 40, 'all');
    is($billing->value('SELECT COUNT(*) FROM dead'), 5,
       'strangers are dead, each for itself');
    $redis->cmd('XGROUP', 'DESTROY', $key, 'billing');
    $billing->once for 1 .. 6;
    sleep 1;
    $billing->once for 1 .. 3;
    is($billing->value('SELECT COUNT(*) FROM inbox'), 40,
       'a group that is gone is made, and all is read again');
    is($billing->value('SELECT COUNT(*) FROM dead'), 5,
       'strangers that come again are dead once');
    is($redis->cmd('GET', $other), 'no stream', 'what is not ours stays');
}

# an hour that is over and done with is deleted, no other

sub hours {
    my ($db) = @_;
    my $redis = Redis->new;
    my $billing = pair($db, $redis);
    my %made = $billing->flags(flags => 20, accounts => 2);

    ship($billing, $redis);
    my ($key) = streams($redis);
    $billing->forward(4 * 3600);
    $billing->once(FRAUD_FAILPOINT => 'stream-pre-ack');
    $billing->once;
    is(join(' ', streams($redis)), $key, 'what is not acknowledged stays');
    sleep 0.4;
    Fraud::wait_for(sub { $billing->once; !streams($redis) }, 10);
    is(scalar(streams($redis)), 0, 'what is done with goes as a whole');
    is($billing->value('SELECT COUNT(*) FROM inbox'), 20, 'and was taken');
}

# TLS, a password, a socket; what is no URL is refused, without repeating it

sub places {
    my $ca = Redis->tls;
    my %tls = (cert => "$ca/server.crt", key => "$ca/server.key",
               ca => "$ca/ca.crt", clients => 'no');
    my $redis = Redis->new(password => 'wordofpass', tls => \%tls);
    my $url = $redis->url =~ s/127\.0\.0\.1/localhost/r . '/3';
    my $dir = Redis::dir();
    my $billing = Billing->new(stream => $url, conf => join "\n",
        "stream_ca = $ca/ca.crt", "stream_password = $dir/password");
    my %made = $billing->flags(flags => 50, accounts => 2);
    my @ship = ('ship', '--once', '--spool', $billing->file('spool'));

    Redis::spew("$dir/password", "wordofpass\n");
    Redis::spew("$dir/wrong", "else\n");
    my @well = ('--stream', $url, '--password', "$dir/password", '--ca',
                "$ca/ca.crt");
    is(($billing->execute(@ship, @well))[0], 0, 'over TLS');
    ok(taken($billing, \%made), 'and from there');
    is($billing->value('SELECT COUNT(*) FROM inbox'), 50, 'all');

    for my $case (['another CA', qr/certificate|peer/i, @well[0 .. 3], '--ca',
                   "$ca/stranger.crt"],
                  ['a wrong password', qr/AUTH: WRONGPASS/, @well[0, 1],
                   '--password', "$dir/wrong", @well[4, 5]],
                  ['no password', qr/NOAUTH/, @well[0, 1, 4, 5]])
    {
        my ($name, $why, @words) = @$case;
        my ($status, undef, $said) = $billing->execute(@ship, @words);
        is($status, 1, $name);
        like($said, $why, 'and why');
        unlike($said, qr/wordofpass|else/, 'without the password');
    }

    for my $bad ('http://localhost', 'redis://', 'redis://u:secret@host',
                 'redis://host:0', 'redis://host:65536', 'redis://host:',
                 'redis://host/x', 'unix:', 'redis://a b', 'redis://::1',
                 'redis://[::1', 'redis://[]', 'redis://[::1]x')
    {
        my ($status, undef, $said) = $billing->execute(@ship, '--stream', $bad);
        is($status, 2, "refused: $bad");
        unlike($said, qr/secret/, 'in words that repeat nothing');
    }
    my ($status) = $billing->execute(@ship, '--stream',
                                     'unix:' . $redis->path, @well[2, 3]);
    is($status, 0, 'by its socket');
}
