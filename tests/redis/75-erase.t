use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib";

use File::Find ();
use File::Temp;
use Test::More;

use Fraud;
use Redis::Cluster;
use Redis::Sentinel;

# fraudctl subject: somebody's records in whatever Redis the configuration
# names, and those of others that name him; byte by byte

my $ctl = "$Fraud::TOP/build/fraudctl";
-x $ctl or die "no $ctl, run ./build.sh build\n";

my $dir = File::Temp->newdir('fraud-erase-XXXXXX', TMPDIR => 1);
mkdir "$dir/$_" or die "$dir/$_: $!\n" for qw(state logs);

# subject(verb, redis, words): exit status and what it printed

sub subject {
    my ($verb, $redis, @words) = @_;
    Redis::spew("$dir/nginx.conf", <<"END");
http {
    fraud_keys $dir/keys;
    $redis
    fraud_identity account \$upstream_http_x_account verified;
    fraud_session sid;
    access_log off;
    server { listen 1; }
}
END
    my $options = $verb eq 'rotate' ? "keys rotate -c $dir/nginx.conf"
        : "subject $verb --offline -c $dir/nginx.conf --state $dir/state";
    my $said = `$ctl $options @words 2>$dir/err`;
    my $status = $? >> 8;
    open my $in, '<', "$dir/err" or die $!;
    local $/;
    return ($status, $said, scalar <$in> // '');
}

is((subject('rotate', ''))[0], 0, 'secrets');

# his pids, from a tombstone: as text and as bytes

my @pids;
{
    subject('erase', '', '--account bobolink');
    for my $path (glob "$dir/state/tombstones/*") {
        open my $in, '<', $path or die $!;
        push @pids, map { chomp; /^[a-z2-7]{26}$/ ? $_ : () } <$in>;
        unlink $path;
    }
}
my @raw = map {
    pack 'B128', join '', map {
        sprintf '%05b', index 'abcdefghijklmnopqrstuvwxyz234567', $_
    } split //;
} @pids;
cmp_ok(scalar @pids, '>=', 2, 'he has pseudonyms');

# fill(servers): his records, some of others, some that name him; the number of
# those to go. set(key, value) puts one where it belongs.

sub fill {
    my ($set) = @_;
    my @others = map { join '', map { chr ord('a') + int rand 26 } 1 .. 26 }
        1 .. 40;
    my $n = 0;

    for my $pid (@pids) {
        $set->("fraud:$pid", "\1record of him");
        $n++;
    }
    for my $i (0 .. $#others) {
        my $names = $i % 4 == 0;
        $set->("fraud:$others[$i]", "\1other\0"
               . ($names ? $raw[$i % @raw] : "\0" x 16) . "\2");
        $n++ if $names;
    }
    return ($n, @pids + @others);
}

# left(files...): places where the bytes of a pid are

sub left {
    my (@servers) = @_;
    my $n = 0;
    for my $server (@servers) {
        File::Find::find(sub {
            -f && !/^log$/ or return;
            open my $in, '<:raw', $_ or return;
            local $/;
            my $text = <$in> // '';
            for my $what (@pids, @raw) {
                $n++ while $text =~ /\Q$what\E/g;
            }
        }, $server->{dir});
    }
    return $n;
}

sub rewritten {
    my (@servers) = @_;
    return Fraud::wait_for(sub {
        return !grep {
            ($_->cmd('INFO', 'persistence') // '')
                !~ /aof_rewrite_in_progress:0\r?\naof_rewrite_scheduled:0/
        } @servers;
    });
}

sub total {
    my $n = 0;
    $n += $_->cmd('DBSIZE') for @_;
    return $n;
}

my @aof = (args => ['--appendonly', 'yes', '--appendfsync', 'always']);

# check(name, redis, set, masters, all)

sub check {
    my ($name, $redis, $set, $masters, $all) = @_;
    my ($to_go, $there) = fill($set);

    is(total($masters->()), $there, "$name: $there records");
    my ($status, $said, $err) = subject('show', $redis, '--account bobolink');
    is($status, 0, "$name: show") or diag $err;
    my ($list) = $said =~ /"redis":\[(.*?)\],\n"log"/s;
    is(scalar(() = $list =~ /"pid"/g), scalar @pids, "$name: his records");
    cmp_ok(left(@$all), '>', 0, "$name: he is in files");

    ($status, $said, $err) = subject('erase', $redis, '--account bobolink');
    is($status, 0, "$name: erase") or diag $err;
    like($said, qr/"redis":$to_go,.*"state":"done"/,
         "$name: his records, and those that name him");
    is(total($masters->()), $there - $to_go, "$name: the others are there");
    ok(rewritten(@$all), "$name: files are rewritten");
    is(left(@$all), 0, "$name: not a byte of him");
}

# one server, behind TLS

my $tls = Redis::tls();
{
    my $server = Redis->new(@aof, password => 'guessed',
        tls => { cert => "$tls/server.crt", key => "$tls/server.key",
                 ca => "$tls/ca.crt", clients => 'yes' });
    Redis::spew("$dir/password", "guessed\n");
    my $url = "rediss://localhost:$server->{port}";
    my $ours = "fraud_redis_password_file $dir/password; "
        . "fraud_redis_ssl_certificate $tls/client.crt; "
        . "fraud_redis_ssl_certificate_key $tls/client.key;";
    my $redis = "fraud_redis $url; fraud_redis_ssl_ca $tls/ca.crt; $ours";

    # by its socket, where there is no TLS
    check('TLS', $redis, sub { $server->cmd('SET', @_) }, sub { $server },
          [$server]);

    fill(sub { $server->cmd('SET', @_) });
    my $before = total($server);
    for (['a stranger\'s authority', "fraud_redis $url; "
          . "fraud_redis_ssl_ca $tls/stranger.crt; $ours"],
         ['another name', $redis . 'fraud_redis_ssl_name elsewhere.test;'],
         ['no certificate of ours', "fraud_redis $url; fraud_redis_ssl_ca "
          . "$tls/ca.crt; fraud_redis_password_file $dir/password;"],
         ['no TLS', $redis =~ s/rediss/redis/r])
    {
        my ($name, $conf) = @$_;
        my ($status, $said) = subject('erase', $conf, '--account bobolink');
        is($status, 1, "TLS: $name is refused");
        like($said, qr/"state":"unfinished"/, '... and said');
    }
    is(total($server), $before, 'TLS: nothing was done then');
    is((subject('erase', "$redis fraud_redis_ssl_name redis.test;",
                '--account bobolink'))[0], 0, 'TLS: a name that it has');
    is(left($server) && rewritten($server) && left($server), 0,
       'TLS: and he is gone');
}

# Sentinel

{
    my $sentinel = Redis::Sentinel->new(@aof);
    check('Sentinel', 'fraud_redis ' . $sentinel->urls
          . '; fraud_redis_sentinel fraud;',
          sub { $sentinel->master->cmd('SET', @_) },
          sub { $sentinel->master }, [$sentinel->master]);
    is((subject('erase', 'fraud_redis ' . $sentinel->urls
                . '; fraud_redis_sentinel nobody;', '--account bobolink'))[0],
       1, 'Sentinel: a master that none knows');
}

# Cluster

{
    my $cluster = Redis::Cluster->new(@aof);
    my ($any) = $cluster->masters;
    my $redis = "fraud_redis redis://127.0.0.1:1 redis://127.0.0.1:"
        . "$any->{port}; fraud_redis_cluster on;";
    my $set = sub {
        for my $node ($cluster->masters) {
            my $said = eval { $node->cmd('SET', @_) } // $@;
            return if $said eq 'OK';
        }
        die "nobody takes $_[0]\n";
    };
    check('Cluster', $redis, $set, sub { $cluster->masters },
          [$cluster->masters]);

    # a node that is gone, before another one stands in for it

    fill($set);
    my ($first, $second) = $cluster->masters;
    $_->pause for grep { $_ != $first && $_ != $second }
        @{ $cluster->{nodes} };
    my ($status, $said) = subject('erase', $redis, '--account bobolink');
    $_->resume for @{ $cluster->{nodes} };
    is($status, 1, 'Cluster: without a node it is not finished');
    like($said, qr/"state":"unfinished"/, '... and said');
}

done_testing;
