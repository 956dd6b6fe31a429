use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib";

use Test::More;
use Time::HiRes qw(sleep);

use Faults;
use Hosts;
use Redis;
use Redis::Client;

# a real server dies, hangs, locks us out, is full, cannot be written, or is
# busy: requests go on, and so does Redis when it can

my $redis = Redis->new(password => 'one');
my $host = host(workers => 2,
    redis => 'fraud_redis ' . $redis->url . '; fraud_redis_timeout 15ms;'
        . 'fraud_redis_password_file %DIR%/password;',
    files => { password => "one\n" },
    http => 'fraud_rate few address rate=1r/h burst=1 points=10;'
        . 'fraud_zone fraud 8m;');

ok(warm($host), 'connected');

fault($host, 'killed',
      break => sub { $redis->kill },
      mend => sub { $redis->start or die "it does not start again\n" },
      why => qr/refused|closed|reset/i);

fault($host, 'stopped', for => 2,
      break => sub { $redis->pause },
      mend => sub { $redis->resume },
      why => qr/time/i, counts => ['timeouts']);

fault($host, 'another password',
      break => sub {
          $redis->cmd('CONFIG', 'SET', 'requirepass', 'two');
          $redis->cmd('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      },
      mend => sub { $redis->cmd('CONFIG', 'SET', 'requirepass', 'one') },
      why => qr/WRONGPASS|closed|reset/i);

fault($host, 'memory full',
      break => sub { $redis->cmd('CONFIG', 'SET', 'maxmemory', '100kb') },
      mend => sub { $redis->cmd('CONFIG', 'SET', 'maxmemory', '0') },
      why => qr/OOM/, counts => ['errors']);

fault($host, 'a replica',
      break => sub { $redis->cmd('REPLICAOF', '127.0.0.1', '1') },
      mend => sub { $redis->cmd('REPLICAOF', 'NO', 'ONE') },
      why => qr/READONLY/, counts => ['errors']);

my $script = Redis::Client->new($redis->path);
$script->call('AUTH', 'one');
$redis->cmd('CONFIG', 'SET', 'lua-time-limit', 100);

fault($host, 'a script of others that does not end',
      break => sub { syswrite $script->{socket}, Redis::Client::encode(
                         'EVAL', 'while true do end', 0) },
      mend => sub {
          my $other = Redis::Client->new($redis->path);
          $other->call('AUTH', 'one');
          $other->call('SCRIPT', 'KILL');
      });

# what a restart costs: nothing but a connection

fault($host, 'scripts flushed', lost => 0, for => 0.3,
      break => sub { $redis->cmd('SCRIPT', 'FLUSH') },
      mend => sub { });

connections($redis, 2, 'a connection for each worker at the end');
unlike($host->error_log, qr/password two|\bone\b/, 'no password in the log');
$host->ends;

done_testing;
