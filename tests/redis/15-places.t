use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib";

use Test::More;

use Hosts;
use Redis;

# where a server may be, and what it may ask for; and that nothing is taken for
# granted: what should not be believed leaves the zone in charge

my $http = 'fraud_rate few address rate=1r/h burst=1 points=10;';

# reaches(name, redis lines, server, more of Hosts::host): the count is there

sub reaches {
    my ($name, $lines, $redis, %more) = @_;
    my $host = host(redis => $lines, http => $http, %more);

    ok(warm($host), "$name: connected");
    is($host->fraud('/', from => '192.0.2.1'), '0 [] ok', 'counted')
        for 1, 2;
    is($host->fraud('/', from => '192.0.2.1'), '10 [few=10] ok', 'over');
    cmp_ok($redis->count, '>=', 1, 'it is on the server');
    is(state_lines($host), '0 lost, 0 back', 'and was never lost');
    $host->ends;
    $redis->cmd('FLUSHALL');
}

# refuses(name, redis lines, why, server): the zone counts, the log says why

sub refuses {
    my ($name, $lines, $why, $redis, %more) = @_;
    my $host = host(redis => $lines, http => $http, %more);

    ok(eventually(sub { state_lines($host) =~ /^1 lost/ }),
       "$name: lost");
    like($host->error_log, qr/fraud: redis is lost \([^\n]*$why/i, 'why');
    is($host->fraud('/', from => '192.0.2.1'), '0 [] local',
       'the zone counts') for 1, 2;
    is($host->fraud('/', from => '192.0.2.1'), '10 [few=10] local', 'on');
    is($host->status->{redis}{state}, 'local', 'the status says so');
    is($redis->count, 0, 'nothing got there') if $redis;
    is_state_lines($host, '1 lost, 0 back', 'in one line');

    unlike($host->error_log, qr/hush-hush/, 'no password in the log');
    $host->ends;
}

# a unix socket and a database

{
    my $redis = Redis->new;
    my $path = $redis->path;

    reaches('unix socket', "unix:$path", $redis);
    reaches('a name', 'redis://localhost:' . $redis->port, $redis);

    my $host = host(redis => $redis->url(5), http => $http);
    ok(warm($host), 'a database in the URL: connected');
    is($redis->info('keyspace')->{db0}, undef, 'nothing in database 0');
    like($redis->info('keyspace')->{db5} // '', qr/keys=[1-9]/, 'but in 5');
    $host->ends;
    $redis->cmd('FLUSHALL');

    $host = host(redis => "fraud_redis unix:$path; fraud_redis_database 7;",
                 http => $http);
    ok(warm($host), 'a database for a socket: connected');
    like($redis->info('keyspace')->{db7} // '', qr/keys=[1-9]/, 'in 7');
    $host->ends;
    $redis->cmd('FLUSHALL');

    # URLs are tried in turn
    $host = host(redis => 'redis://127.0.0.1:' . Fraud::free_port() . ' '
                 . $redis->url, http => $http);
    ok(warm($host), 'the second URL: connected');
    cmp_ok($redis->count, '>=', 1, 'it is on the server');
    $host->ends;
    $redis->cmd('FLUSHALL');

    refuses('no such database', 'fraud_redis ' . $redis->url(99) . ';', 'DB',
            $redis);
    refuses('nobody there', 'redis://127.0.0.1:' . Fraud::free_port(),
            'refused', $redis);
    refuses('no such socket', "unix:$path.not", 'No such file', $redis);

}

# passwords

{
    my $redis = Redis->new(password => 'hush-hush');
    my $url = 'fraud_redis ' . $redis->url . ';';
    my $file = 'fraud_redis_password_file %DIR%/password;';

    reaches('password', "$url $file", $redis,
            files => { password => "hush-hush\n" });
    refuses('wrong password', "$url $file", 'WRONGPASS|invalid password',
            $redis, files => { password => "hush-hush-hush\n" });
    refuses('no password', $url, 'NOAUTH', $redis);
}

# a user of the ACL that may do what we do, and nothing else

{
    my $redis = Redis->new(args => ['--aclfile', sub {
        my $acl = "$_[0]{dir}/acl";
        Redis::spew($acl, "user default on nopass ~* &* +\@all\n"
            . "user fraud on >hush-hush ~fraud:* -\@all +evalsha "
            . "+script|load +ping +select +time +get +mget +set +setrange\n"
            . "user reader on >hush-hush ~fraud:* -\@all +ping +get\n")
            if !-e $acl;
        return $acl;
    }]);
    my $file = 'fraud_redis_password_file %DIR%/password;';
    my @files = (files => { password => "hush-hush\n" });
    my $port = $redis->port;

    reaches('user', "fraud_redis redis://fraud\@127.0.0.1:$port; $file",
            $redis, @files);
    reaches('user and database',
            "fraud_redis redis://fraud\@127.0.0.1:$port/3; $file", $redis,
            @files);
    refuses('no such user', "fraud_redis redis://nobody\@127.0.0.1:$port; "
            . $file, 'WRONGPASS|invalid', $redis, @files);

    # who may not call scripts is of no use, whatever PING says
    my $host = host(redis => "fraud_redis redis://reader\@127.0.0.1:$port; "
                    . $file, http => $http, @files);
    $host->get('/', from => "192.0.$_.5") for 1 .. 20;
    ok(in_state($host, 'local'), 'a user without scripts: lost');
    is_state_lines($host, '1 lost, 0 back', 'in one line');
    like($host->error_log, qr/redis is lost \([^\n]*NOPERM/, 'why');
    $host->ends;
}

# TLS

{
    my $ca = Redis::tls();
    my $redis = Redis->new(tls => { cert => "$ca/server.crt",
                                    key => "$ca/server.key",
                                    ca => "$ca/ca.crt" });
    my ($url, $port) = ('fraud_redis ' . $redis->url . ';', $redis->port);
    my $ours = "fraud_redis_ssl_ca $ca/ca.crt;";
    my $named = "fraud_redis_ssl_name redis.test;";
    my $localhost = "fraud_redis rediss://localhost:$port;";

    reaches('TLS', "$url $ours $named", $redis);
    reaches('TLS to a name', "$localhost $ours", $redis);
    reaches('TLS, unverified', "$url fraud_redis_ssl_verify off;", $redis);
    refuses('TLS, another name', "$url $ours fraud_redis_ssl_name nobody.test;",
            'name|match', $redis);
    refuses('TLS, an unknown CA',
            "$url $named fraud_redis_ssl_ca $ca/stranger.crt;",
            'certificate|verify', $redis);
    refuses('no TLS where it is expected', "fraud_redis redis://127.0.0.1:"
            . "$port;", '', $redis);

    my $plain = Redis->new;
    refuses('TLS where there is none', 'fraud_redis rediss://127.0.0.1:'
            . $plain->port . "; $ours $named", '', $plain);

    # a certificate for elsewhere
    my $other = Redis->new(tls => { cert => "$ca/other.crt",
                                    key => "$ca/other.key",
                                    ca => "$ca/ca.crt" });
    refuses('TLS, a certificate for elsewhere',
            'fraud_redis rediss://localhost:' . $other->port . "; $ours",
            'name|match', $other);
    reaches('TLS, that name is expected', 'fraud_redis ' . $other->url
            . "; $ours fraud_redis_ssl_name elsewhere.test;", $other);

    # a certificate of the client
    my $strict = Redis->new(tls => { cert => "$ca/server.crt",
                                     key => "$ca/server.key",
                                     ca => "$ca/ca.crt", clients => 'yes' });
    $url = 'fraud_redis ' . $strict->url . "; $ours $named";
    refuses('TLS, no certificate of ours', $url, '', $strict);
    reaches('TLS, ours', "$url fraud_redis_ssl_certificate $ca/client.crt;"
            . "fraud_redis_ssl_certificate_key $ca/client.key;", $strict);
}

done_testing;
