#!/usr/bin/perl

# sweep.t [POLICY...]: marked data goes in through every channel of a request,
# and then every byte that nginx left behind is searched for it, as it was and
# in the usual encodings. The same stack without the module is searched first:
# what is not found there proves nothing here.
#
# TEST_NGINX_BINARY and TEST_NGINX_LOAD_MODULES as for t/.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../../t/lib", $FindBin::Bin;

use Test::More;
use Time::HiRes qw(sleep);

use Fraud;
use Sweep;

my @policies = @ARGV ? @ARGV : qw(default asogen asergo aseptsoft kirim-email
                                  apsen-mail);

# the stack without the module: everything is found

my %without;
{
    my $nginx = Sweep->new;
    $nginx->traffic;
    my $cores = $nginx->crash;
    $nginx->stop;

    my ($hits, $by) = $nginx->search;
    %without = %$by;

    cmp_ok(scalar @$hits, '>=', 30, 'without the module: '
        . @$hits . ' hits');
    my @caches = grep { m{^cache/} } sort keys %without;
    for my $place (qw(logs/error.log logs/server.log logs/location.log
                      logs/access.log syslog), $caches[0] // 'a cache')
    {
        ok($without{$place}, "without the module: hits in $place");
    }

    my @errors = grep { !m{access\.log} } @$hits;
    cmp_ok(scalar @errors, '>=', 30, 'without the module: '
        . @errors . ' hits outside the access log');

    ok($cores, 'without the module: a crash leaves a core')
        or diag 'cores have to go to the working directory: set the sysctl '
                . 'kernel.core_pattern to "core"';

    # no channel is blind
    my %found = map { (split / /)[0] => 1 } @$hits;
    my @blind = grep { !$found{$_} && !Sweep::never_logged($_) }
        Sweep::channels();
    is("@blind", '', 'without the module: every channel is found again');
}

# a Redis that is told raw identifiers: each of its artefacts is seen through

{
    my $redis = Sweep::redis();
    $redis->cmd('SET', "seen:$Sweep::CANARY{v4}", $Sweep::CANARY{email});
    eval { $redis->cmd('AUTH', $Sweep::CANARY{user}, 'x') };
    my ($hits, $by) = Sweep::search({}, Sweep::redis_text($redis));

    for my $place ('redis dump.rdb', 'redis monitor', 'redis SLOWLOG GET 100000',
                   'redis ACL LOG')
    {
        ok($by->{$place}, "raw in Redis: hits in $place");
    }
    ok(scalar(grep { /^redis appendonlydir\/|appendonly\.aof/ } keys %$by),
       'raw in Redis: hits in its append-only files');
    $redis->stop;
}

# with it: nothing

for my $policy (@policies) {
    my $redis = Sweep::redis();
    my $nginx = Sweep->new(policy => $policy, redis => $redis);
    $nginx->traffic;

    ok($nginx->reload, "$policy: reload");
    $nginx->traffic;

    my $status = $nginx->get_status;
    like($status, qr/"requests"/, "$policy: there is a status");
    ok($nginx->zone_undumped, "$policy: the zone is in no core");

    my $cores = $nginx->crash;
    is($cores, 0, "$policy: a crash leaves no core");
    ok($nginx->stop, "$policy: nginx ends in order");

    my @keys = grep { !/probe/ } $redis->keys;
    cmp_ok(scalar @keys, '>=', 3, "$policy: state is in Redis");
    like(join(' ', @keys), qr/^(?:fraud:[a-z2-7]{26} ?)+$/,
         "$policy: its keys are pseudonyms");
    my ($hits) = $nginx->search(status => $status,
                                Sweep::redis_text($redis));
    $redis->stop;
    my $permitted = Sweep::permitted($policy);
    is(join("\n", grep { !$permitted->{$_} } @$hits), '',
        "$policy: no hit but what its fields permit");

    # who is in it all the same is there for those with the secret key alone

    my $sealed = join ' ', sort map { $Sweep::CANARY{$_} }
        qw(account email pan);
    if ($policy eq 'asogen') {
        is(join(' ', sort $nginx->accounts_in_spool), $sealed,
           "$policy: billing can open its spool");
    } elsif ($policy eq 'asergo') {
        my %seen = map { $_ => 1 } $nginx->accounts_in_escrow;
        is(join(' ', sort keys %seen), $sealed,
           "$policy: a case can open its log");
    }

    # and the operator still sees what is wrong

    my $errors = $nginx->slurp('logs/error.log')
        . $nginx->slurp('logs/server.log') . $nginx->slurp('logs/location.log');

    for my $line ('limiting requests, excess: [\d.]+ by zone "one"',
                  'limiting connections by zone "conns"',
                  'connect\(\) failed \(111: Connection refused\) while '
                      . 'connecting to upstream.* upstream: "http://127\.0\.0'
                      . '\.1:\d+"',
                  'user "-" was not found in',
                  'client intended to send too large body: \d+ bytes',
                  'client sent invalid header line: "-"',
                  'client sent invalid method while reading client request '
                      . 'line',
                  'open\(\) "-" failed \(2: No such file or directory\)',
                  'client sent too long header line: "-"')
    {
        like($errors, qr/$line/, "$policy: a line of \"$line\"");
    }

    my %seen;
    $seen{$1}++ while $errors =~ /, client: ([a-z2-7]{26}|-)(?:,|$)/mg;

    if (Sweep::names_addresses($policy)) {
        my ($pid) = $nginx->slurp('logs/access.log')
            =~ /^([a-z2-7]{26}) - - .*"GET - HTTP/m;
        ok($pid && $seen{$pid}, "$policy: a client has one name in all logs");
        like($nginx->artefact('syslog'), qr/, client: $pid,/,
            "$policy: in syslog, too");
    } else {
        is(join(' ', keys %seen), '-', "$policy: nobody has a name");
    }

    for my $log (qw(logs/server.log logs/location.log syslog)) {
        cmp_ok(length $nginx->artefact($log), '>', 100,
            "$policy: $log is written");
    }
}

done_testing;
