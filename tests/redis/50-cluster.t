use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use Hosts;
use Load;
use Redis::Cluster;

# three masters with a replica each: subjects go to the node that has their key,
# also while slots move and after a master died

my $cluster = Redis::Cluster->new;
my $http = 'fraud_rate few address rate=1r/h burst=5 points=10;'
    . 'fraud_zone fraud 8m;';
my $redis = 'fraud_redis ' . $cluster->urls . '; fraud_redis_cluster on;'
    . 'fraud_redis_timeout 2s; fraud_redis_connect_timeout 2s;';
my $host = host(workers => 2, redis => $redis, http => $http);
my $begin = time;

my @known = map { "198.51.$_.1" } 1 .. 60;

# forgotten(): of those who were over, by a host that has to ask for all of them

sub forgotten {
    my $fresh = host(redis => $redis, http => $http);
    return 'none: not connected' if !warm($fresh);
    return join ' ', grep { $fresh->fraud('/', from => $_) !~ /few=10.* ok/ }
        @known;
}

# under_load(what): while it happens

sub under_load {
    my ($name, $what) = @_;
    my $load = Load->start(nginx => $host, clients => 4, rate => 75,
                           headers => addresses(3));
    sleep 0.5;
    my $from = time;
    $what->();
    my $to = time;
    ok(eventually(sub { $host->status->{redis}{state} eq 'ok' }),
       "$name: all is well");
    sleep 0.6;
    my $samples = $load->stop;

    is($samples->others(200), '', 'each request was served');
    my $last = $samples->between($samples->[-1][0] - 0.3);
    is($last->said(qr/ ok$/), $last->n, 'and judged with Redis in the end');
    note sprintf '%s: worst %.1f ms, %d of %d without Redis', $name,
        $samples->worst, $samples->said(qr/ local$/), $samples->n;
    return $samples->between($from, $to);
}

ok(warm($host), 'connected');
$host->get('/', from => $_) for (@known) x 6;

my @masters = $cluster->masters;
my @sizes = map { $_->cmd('DBSIZE') } @masters;
is(scalar(grep { $_ > 5 } @sizes), 3, "each master has its share (@sizes)");
is(forgotten(), '', 'all are over');

# slots move from one master to another, and back

my $before = $host->status->{redis};
my $during = under_load('resharding', sub {
    $cluster->reshard(@masters[0, 1], 1200);
    $cluster->reshard(@masters[1, 2], 1200);
});
my $after = $host->status->{redis};

cmp_ok($during->said(qr/ ok$/), '>=', 0.95 * $during->n,
       'judged with Redis while slots move');
cmp_ok($after->{redirects}, '>', $before->{redirects},
       'the nodes sent us elsewhere');
is(state_lines($host), '0 lost, 0 back', 'nothing was lost');
is(forgotten(), '', 'and nobody forgotten');

# each of those who came meanwhile came three times, and is known to have

{
    my $fresh = host(redis => $redis, http => $http);
    ok(warm($fresh), 'another host is connected');
    my @from = map { "10.0.$_.0" } 10 .. 29;
    is(scalar(grep { $fresh->fraud('/', from => $_) ne '0 [] ok' }
              (@from) x 3), 0, 'nobody was counted twice');
    is(scalar(grep { $fresh->fraud('/', from => $_) ne '10 [few=10] ok' }
              @from), 0, 'or not at all');
}

# the map is known again, to both workers: nothing is redirected any more

my $round = 0;
ok(eventually(sub {
    my $redirects = $host->status->{redis}{redirects};
    $round++;
    $host->get('/', from => "198.51.$_.1$round") for 1 .. 60;
    return $host->status->{redis}{redirects} == $redirects;
}), 'and the way is known');

# a master dies, its replica takes over

$cluster->settled;
my ($victim) = $cluster->masters;
under_load('a master killed', sub {
    $victim->kill;
    eventually(sub { $host->status->{redis}{state} ne 'ok' });
    $cluster->settled or die "the cluster does not recover\n";
});
is(forgotten(), '', 'nobody forgotten but what was on its way');
is_state_lines($host, '1 lost, 1 back', 'a line for each change');

# the map is asked for once a second at most, by each of the two workers (and
# twice by each host above, and by this test)

my $asked = 0;
my $slots = sub {
    my ($node) = @_;
    return map { $node->calls($_) } 'cluster|slots', 'cluster|shards';
};
$asked += $_ for map { $slots->($_) } $cluster->masters;
my $took = time - $begin;
note sprintf 'the map was asked for %d times in %d s', $asked, $took;
cmp_ok($asked, '<=', 2 * ($took + 1) + 20 + $Redis::Cluster::asked,
       'not for ever');

# the dead one returns, as a replica

ok($victim->start, 'the dead master is back');
ok($cluster->settled, 'as a replica');
is(($victim->cmd('ROLE'))->[0], 'slave', 'of its successor');
is($host->fraud('/', from => '203.0.113.9'), '0 [] ok', 'all goes on');

# any node will do to begin with

$host->ends;
my $replica = (grep { $_->cmd('ROLE')->[0] eq 'slave' }
               @{ $cluster->{nodes} })[0];
$redis = 'fraud_redis redis://127.0.0.1:' . Fraud::free_port() . ' '
    . $replica->url . '; fraud_redis_cluster on;';
is(forgotten(), '', 'a replica knows the way to all that was counted');

done_testing;
