use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib";

use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

use Hosts;
use Load;
use Redis;

# names: one that nobody knows at start, one that becomes known, one that moves

my $redis = Redis->new;
my $http = 'fraud_rate few address rate=1r/h burst=0 points=10;';
my $name = 'redis-one.invalid';

# a name server whose answers are files: NAME holds an address, or nothing for
# no such name; without the file it is silent

sub name_server {
    my ($dir) = @_;
    my $socket;

    for (1 .. 20) {
        $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
            Proto => 'udp', LocalPort => Fraud::free_port()) and last;
    }
    die "no name server: $!\n" if !$socket;

    my $pid = Redis::child(sub {
        while (defined(my $from = $socket->recv(my $query, 4096))) {
            my ($id, $at, @labels) = (substr($query, 0, 2), 12);

            while ((my $length = ord substr $query, $at, 1)) {
                push @labels, substr $query, $at + 1, $length;
                $at += 1 + $length;
            }
            my $question = substr $query, 12, $at + 5 - 12;
            my $type = unpack 'n', substr $query, $at + 1, 2;
            my $path = "$dir/" . lc join '.', @labels;

            open my $in, '<', $path or next;
            my $address = <$in> // '';
            my $answer = '';

            $answer = pack('nnnNn', 0xc00c, 1, 1, 1, 4)
                . pack('C4', split /\./, $address)
                if $address ne '' && $type == 1;
            my $flags = $address eq '' ? 0x8183 : 0x8180;
            $socket->send($id . pack('n5', $flags, 1, $answer ? 1 : 0, 0, 0)
                          . $question . $answer);
        }
    });
    return ($socket->sockport, $pid);
}

my $dir = Redis::dir();
my ($dns, $dns_pid) = name_server($dir);
my $resolver = "resolver 127.0.0.1:$dns valid=1s ipv6=off;"
    . 'resolver_timeout 1s;';
my $url = "redis://$name:" . $redis->port;

# without a resolver: it starts, warns, and goes on

{
    my $host = host(redis => $url, http => $http);
    ok($host, 'it starts with a name that nobody knows');
    like($host->error_log, qr/\[warn\][^\n]*\Q$name\E/, 'and warns');
    is($host->fraud('/', from => '192.0.2.1'), '0 [] local', 'the zone counts');
    is($host->fraud('/', from => '192.0.2.1'), '10 [few=10] local', 'on');
    is($host->status->{redis}{state}, 'local', 'the status says so');
    sleep 1;
    is_state_lines($host, '1 lost, 0 back', 'lost once');
    $host->ends;
}

# the name becomes known

for my $kind ('no such name', 'silence') {
    unlink "$dir/$name";
    Redis::spew("$dir/$name", '') if $kind eq 'no such name';
    my $host = host(redis => "fraud_redis $url; $resolver", http => $http);

    is($host->fraud('/', from => '192.0.2.2'), '0 [] local',
       "$kind: the zone counts");
    ok(eventually(sub { state_lines($host) eq '1 lost, 0 back' }), 'lost');

    my $load = Load->start(nginx => $host, clients => 2, rate => 50);
    sleep 1;
    Redis::spew("$dir/$name", '127.0.0.1');
    ok(warm($host), 'the name is known, and Redis is there');
    my $samples = $load->stop;

    is($samples->others(200), '', 'each request was served');
    is_state_lines($host, '1 lost, 1 back', 'a line for each change');
    is($host->fraud('/', from => '192.0.2.3'), '0 [] ok', 'it counts');
    is($host->fraud('/', from => '192.0.2.3'), '10 [few=10] ok', 'there');
    $host->ends;
    $redis->cmd('FLUSHALL');
}

# the name moves: another server has the address from now on

{
    Redis::spew("$dir/$name", '127.0.0.1');
    my $second = Redis->new(address => '127.0.0.2', port => $redis->port);
    my $host = host(redis => "fraud_redis $url; $resolver", http => $http);
    ok(warm($host), 'connected to the one');
    connections($second, 0, 'not to the other');

    Redis::spew("$dir/$name", '127.0.0.2');
    $redis->kill;
    ok(in_state($host, 'local'), 'the one is gone');
    ok(in_state($host, 'ok'), 'the other is found');
    ok(warm($host), 'and asked');
    is($host->fraud('/', from => '192.0.2.4'), '0 [] ok', 'it counts');
    cmp_ok($second->count, '>=', 1, 'there');
    ok(eventually(sub { state_lines($host) =~ /^([12]) lost, \1 back$/ }, 5),
       'a line for each change');
    $host->ends;
}

kill 'KILL', $dns_pid;
waitpid $dns_pid, 0;
Redis::guard('-', $dns_pid);

done_testing;
