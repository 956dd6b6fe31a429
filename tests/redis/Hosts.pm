package Hosts;

# Hosts that share a Redis: each an nginx of its own, all with the same
# secrets, so that a client has one pseudonym on all of them; and what a test
# asks of them.

use strict;
use warnings;

use Exporter qw(import);
use File::Temp;
use Test::More ();
use Time::HiRes qw(sleep time);

use Fraud;
use Redis;

our @EXPORT = qw(host keys_dir in_state state_lines is_state_lines
                 connections warm eventually);

# what every request shows: score, reasons and state

our $SHOW = 'add_header X-Fraud "$fraud_score [$fraud_reasons] $fraud_state" '
    . 'always; add_header X-Pid "$fraud_address_pid" always;'
    . 'fraud_identity session $cookie_sid kind=session;';

our $SERVER = <<'END';
    fraud observe;
    location / { empty_gif; }
    location = /off { fraud off; empty_gif; }
    location = /status { fraud off; fraud_status json; }
END

my $keys;

# keys_dir(): secrets of today and tomorrow, made once for all hosts of a test;
# none of yesterday, of which a record might be looked for

sub keys_dir {
    return "$keys" if $keys;
    $keys = File::Temp->newdir('fraud-keys-XXXXXX', TMPDIR => 1);
    make_keys("$keys", 86400, 0, 1);
    return "$keys";
}

# make_keys(dir, length, from, to): as fraudctl keys rotate would, for epochs
# from the one to the other, counted from now on

sub make_keys {
    my ($dir, $length, $from, $to) = @_;
    my @names = qw(account address device login place session);
    my @domains = sort('value', map { ($_, "log.$_", "pair.$_") } @names);

    for my $epoch (map { int(time / $length) + $_ } $from .. $to) {
        Redis::spew("$dir/$epoch.keys",
            "fraud-keys 1 $epoch $length " . @domains . "\n"
            . join '', map { "$_ " . random_hex() . "\n" } @domains);
        chmod 0600, "$dir/$epoch.keys";
    }
}

sub random_hex {
    open my $in, '<:raw', '/dev/urandom' or die "/dev/urandom: $!\n";
    sysread $in, my $bytes, 16;
    return unpack 'H*', $bytes;
}

# host(redis =>, http =>, server =>, ...): its URL or more lines about Redis,
# and the rest as in Fraud->new. Redis has all the time that a busy machine may
# need, unless they say how much.

sub host {
    my (%more) = @_;
    my $redis = delete $more{redis};
    my $dir = delete $more{keys} // keys_dir();
    my $server = delete $more{server} // $SERVER;

    $redis = "fraud_redis $redis;" if $redis !~ /;/;
    $redis .= ' fraud_redis_timeout 5s; fraud_redis_connect_timeout 5s;'
        if $redis !~ /fraud_redis_timeout/;

    return Fraud->new(%more, server => $server,
        http => "fraud_keys $dir; $redis $SHOW " . ($more{http} // ''));
}

# warm(nginx...): all of their workers are connected. Which one answers is the
# system's choice, so many are asked; each for another client, as the zone alone
# knows who is over a limit.

my $stranger = 0;

sub warm {
    for my $nginx (@_) {
        my $well = 0;

        in_state($nginx, 'ok') && eventually(sub {
            for (1 .. 20) {
                my $from = sprintf '172.16.%d.%d', $stranger % 250,
                                   $stranger / 250;
                $stranger++;
                return 0 if $nginx->fraud('/', from => $from) !~ / ok$/;
            }
            return 1;
        }) or return 0;
    }
    return 1;
}

sub eventually { return Fraud::wait_for(@_) }

sub in_state {
    my ($nginx, $state, $seconds) = @_;
    return Fraud::wait_for(sub {
        my $status = eval { $nginx->status } or return 0;
        return ($status->{redis}{state} // '') eq $state;
    }, $seconds);
}

# state_lines(nginx): how often the log said that Redis was lost, and back

sub state_lines {
    my ($nginx) = @_;
    my $log = $nginx->error_log;
    my $lost = () = $log =~ /\[warn\] .*fraud: redis is lost \(/g;
    my $back = () = $log =~ /\[notice\] .*fraud: redis is back/g;
    return "$lost lost, $back back";
}

# is_state_lines(nginx, lines, name): a test; a line is written a moment after
# the state has changed

sub is_state_lines {
    my ($nginx, $lines, $name) = @_;
    eventually(sub { state_lines($nginx) eq $lines }, 5);
    Test::More::is(state_lines($nginx), $lines, $name);
}

# connections(redis, n, name): a test; it has so many, a moment later

sub connections {
    my ($redis, $n, $name) = @_;
    eventually(sub { $redis->clients == $n }, 10);
    Test::More::is(scalar($redis->clients), $n, $name);
}

1;
