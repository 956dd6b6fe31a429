use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib";

use Test::More;
use Time::HiRes qw(sleep);

use Redis;
use Spool;

# flags of two hosts on one server: counted together, raised once, and none
# while the server is away

my $redis = Redis->new;
my $dir = File::Temp->newdir('fraud-hosts-XXXXXX', TMPDIR => 1);
my $rules = 'fraud_flag thrice account if=$arg_g count=3 window=30d signals=1 '
    . 'damage=chargeback;';

open my $conf, '>', "$dir/nginx.conf" or die;
print $conf <<"END";
http {
    fraud_keys $dir/keys;
    fraud_policy $Fraud::TOP/conf/policies/asogen.policy;
    fraud_session sid;
    fraud_identity account \$upstream_http_x_account verified;
    $rules
}
END
close $conf;
system("$Fraud::TOP/build/fraudctl keys rotate -c $dir/nginx.conf > $dir/out")
    == 0 or die "no keys\n";

my @hosts = map { Spool->new(server => "fraud enforce; $rules",
    http => "fraud_keys $dir/keys; fraud_redis " . $redis->url . ';',
    spool => "node=$_") } qw(a b);
my ($a, $b) = @hosts;

sub raised {
    my ($sum) = (0);
    $sum += $_->flags->{raised} for @hosts;
    return $sum;
}

my %one = (g => 1, one => 1);

ok(Fraud::wait_for(sub { $_->{nginx}->status->{redis}{connects} }),
   'connected') for @hosts;

# what one host counted, the other knows a moment later

sub told {
    my ($host) = @_;
    my $before = $host->{nginx}->status->{redis}{exchanged};
    return sub {
        Fraud::wait_for(sub {
            $host->{nginx}->status->{redis}{exchanged} > $before });
    };
}

sub asks {
    my ($host, $account) = @_;
    my $told = told($host);
    is($host->ask(%one, as => $account), 200, "$account at a host");
    ok($told->(), 'the others are told');
    sleep 0.3;
}

asks($a, 'maxilla');
asks($a, 'maxilla');
is(raised(), 0, 'twice is not three times');
asks($b, 'maxilla');
ok(Fraud::wait_for(sub { $b->ask(%one, as => 'maxilla'); raised() }),
   'three times, of which one at the other');
ok(Fraud::wait_for(sub {
    $_->flags->{waiting} == 0 || return 0 for @hosts; 1 }), 'it is written');
sleep 0.5;

my $suppressed = $a->flags->{suppressed};
ok(Fraud::wait_for(sub {
    $a->ask(%one, as => 'maxilla');
    $a->flags->{suppressed} > $suppressed }), 'the first host suppresses it');

my %ids = map { $_->{id} => 1 } map { $_->events } @hosts;
is(scalar(keys %ids), 1, 'one flag');

$redis->stop;
ok(Fraud::wait_for(sub { $_->{nginx}->status->{state} eq 'local' }),
   'without Redis') for @hosts;

my $before = raised();
for my $host (@hosts) {
    $host->ask(%one, as => 'zoetrope') for 1 .. 5;
}
is(raised(), $before, 'none is raised');
$_->{nginx}->ends(qr/redis/) for @hosts;

done_testing();
