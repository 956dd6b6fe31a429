use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use Hosts;
use Load;
use Redis::Sentinel;

# three sentinels know which of two servers is the master: it is followed
# through a failover, whether the old one died or was only told to step down

my $sentinel = Redis::Sentinel->new;
my $redis = 'fraud_redis ' . $sentinel->urls . '; fraud_redis_sentinel fraud;'
    . 'fraud_redis_timeout 2s; fraud_redis_connect_timeout 2s;';
my $http = 'fraud_rate few address rate=1r/h burst=5 points=10;'
    . 'fraud_zone fraud 8m;';
my $host = host(workers => 2, redis => $redis, http => $http);

my @known = map { "198.51.$_.1" } 1 .. 30;

# forgotten(): of those who were over, by a host that has to ask for all of them

sub forgotten {
    my $fresh = host(redis => $redis, http => $http);
    return 'none: not connected' if !warm($fresh);
    return join ' ', grep { $fresh->fraud('/', from => $_) !~ /few=10.* ok/ }
        @known;
}

sub copied {
    return eventually(sub {
        return $sentinel->replica->cmd('DBSIZE')
            == $sentinel->master->cmd('DBSIZE');
    });
}

ok(warm($host), 'the master was found');
connections($sentinel->replica, 0, 'nobody asks the replica');

$host->get('/', from => $_) for (@known) x 6;
ok(copied(), 'the replica has it all');

# failover(name, how): under load

sub failover {
    my ($name, $how) = @_;
    my $old = $sentinel->master;
    my $load = Load->start(nginx => $host, clients => 4, rate => 50,
                           headers => addresses(3));
    sleep 0.5;
    $how->($old);
    ok($sentinel->switched($old->port), "$name: there is another master");
    my $new = $sentinel->master;

    ok(eventually(sub {
        my $status = $host->status->{redis};
        return $status->{state} eq 'ok'
            && $new->clients >= 2;
    }), 'it is followed, by both workers');

    ok(eventually(sub { $host->fraud('/', from => '203.0.113.1') =~ / ok$/ }),
       'and asked');
    sleep 0.5;
    my $samples = $load->stop;
    my $last = $samples->between($samples->[-1][0] - 0.3);

    is($samples->others(200), '', 'each request was served');
    is($last->said(qr/ ok$/), $last->n, 'and judged with Redis in the end');
    note sprintf '%s: worst %.1f ms, %d of %d without Redis', $name,
        $samples->worst, $samples->said(qr/ local$/), $samples->n;

    # what was counted before is there; nothing more was lost than was on its
    # way
    is(forgotten(), '', 'what was counted is there');
    cmp_ok($new->cmd('DBSIZE'), '>=', 30, 'on the new master');
}

failover('killed', sub { $_[0]->kill });
is_state_lines($host, '1 lost, 1 back', 'a line for each change');

# the one that died returns as a replica

my ($dead) = grep { !$_->{pid} } @{ $sentinel->{servers} };
ok($dead->start, 'the old master is back');
ok(eventually(sub {
    return ($dead->try('ROLE') || [''])->[0] eq 'slave'
        && ($dead->info('replication')->{master_link_status} // '') eq 'up';
}, 60), 'as a replica');
connections($dead, 0, 'which nobody asks');
ok(copied(), 'it has it all');

# an orderly switch: both servers live

failover('ordered', sub {
    eventually(sub {
        return ($sentinel->{sentinels}[0]->try('SENTINEL', 'FAILOVER',
                                               'fraud') // '') eq 'OK';
    }) or die "no failover: $@";
});

# sentinels may die, as long as one lives

$_->kill for @{ $sentinel->{sentinels} }[0, 1];
ok($host->reload, 'reloaded with one sentinel left');
ok(warm($host), 'it was found');
ok(eventually(sub { state_lines($host) =~ /^(\d+) lost, \1 back$/ }, 5),
   'as often back as lost');
$host->ends;

# a master of a name that no sentinel knows

$host = host(redis => 'fraud_redis redis://127.0.0.1:'
             . $sentinel->{sentinels}[2]->port
             . '; fraud_redis_sentinel nobody;',
    http => 'fraud_rate few address rate=1r/h burst=5 points=10;');
ok(eventually(sub { state_lines($host) eq '1 lost, 0 back' }),
   'an unknown name is lost');
like($host->error_log, qr/redis is lost \([^\n]*nobody/, 'and named');
is($host->fraud('/'), '0 [] local', 'the zone counts');
$host->ends;

done_testing;
