#!/usr/bin/perl

# search.t: whoever has all that nginx, its Redis and their directories left
# behind, and tries every address, finds all of them while the secrets are kept,
# and nobody once they are destroyed. Here it is every address that was there and
# some millions of others; with FRAUD_SEARCH=all it is each of 2^32.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../../t/lib", $FindBin::Bin;

use File::Find ();
use Test::More;

use Fraud;
use Sweep;

my $ctl = "$Fraud::TOP/build/fraudctl";
-x $ctl or die "no $ctl, run ./build.sh build\n";
system("make -s -C $FindBin::Bin all") == 0 or die "make failed\n";
my $search = "$Fraud::TOP/build/privacy/search";

my ($faketime) = glob '/usr/lib/*/faketime/libfaketime.so.1';
$faketime or die "no libfaketime, install it with ./build.sh deps\n";

my $PEOPLE = 200;
my $BLOCK = '10.77.0.0';
my @people = map { sprintf '10.77.%d.%d', int $_ / 250, 1 + $_ % 250 }
    map { $_ * 7 } 1 .. $PEOPLE;

my $policy = Sweep::policy_file('asogen');
my $redis = Sweep::redis();
my $conf = "fraud_policy $policy; fraud_redis unix:$redis->{path}; "
    . 'fraud_redis_timeout 2s; fraud_log logs/fraud.log;'
    . 'fraud_rate all address rate=1r/m points=9;'
    . 'fraud_reputation address half_life=1h;'
    . "include $Fraud::TOP/conf/rules/combined.conf;";

my $nginx = Fraud->new(http => 'include %DIR%/keys.conf;',
    server => 'location / { fraud off; }', files => { 'keys.conf' => '' });
my $dir = "$nginx->{dir}";
my $keys = "$dir/keys";

$nginx->put('keys.conf', "fraud_keys $keys; $conf");
is(system("$ctl keys rotate -c $dir/nginx.conf > $dir/rotated"), 0, 'secrets');
ok($nginx->reload(server => 'fraud observe; '
    . 'access_log logs/access.log fraud_combined; location / { root %DIR%/none; }'),
   'nginx');

for my $address (@people) {
    $nginx->get("/$_", from => $address) for 1 .. 3;
}
my @records = grep { !/probe/ } $redis->keys;
cmp_ok(scalar @records, '>=', $PEOPLE, 'all have state');
$redis->cmd('SAVE');
ok($nginx->stop, 'nginx ends in order');
$redis->stop;

# found(options): addresses, and the last line

sub found {
    my ($options, @without) = @_;
    my @files;
    File::Find::find(sub {
        my $name = $File::Find::name;
        push @files, $name if -f && -s _ && !grep { $name =~ $_ } @without;
    }, $dir, $redis->{dir});

    my @lines = split /\n/,
        `nice $search --domain address\@asogen --domain log.address\@asogen \\
         $options @files`;
    is($?, 0, 'searched') or die;
    my $last = pop @lines;
    note $last;
    my %seen = map { (split / /)[0] => 1 } @lines;
    return (join(' ', sort keys %seen), $last);
}

my $all = join ' ', sort @people;
my $block = "--from $BLOCK --count 65536";
my ($seen) = found($block);
is($seen, $all, 'with the secrets: each of them, and nobody else');

# in each of the places alone

my %places = ('the security log' => qr{/fraud\.log\.},
              'the access log' => qr{/access\.log$},
              'the error log' => qr{/error\.log$},
              'the RDB' => qr{/dump\.rdb$},
              'what Redis was told' => qr{/monitor$});
for my $place (sort keys %places) {
    my ($only) = found($block, qr{^(?!.*(?:/keys/|$places{$place}))});
    is($only, $all, "with the secrets: all in $place");
}

# the plain forms are seen, too

$nginx->put('plain', sprintf "%s\n", `printf 10.77.0.9 | sha256sum`);
($seen) = found("--hash --from 10.77.0.0 --count 256", qr{/keys/});
is($seen, '10.77.0.9', 'an address that was only hashed');
unlink "$dir/plain";

# three days later the epoch and the one after it are over

is(system("FAKETIME=+3d LD_PRELOAD=$faketime $ctl keys destroy $keys "
          . "--epoch 1d > $dir/destroyed"), 0, 'the secrets are destroyed');
is(scalar(() = glob "$keys/*.keys"), 0, 'there are none');

my $last;
($seen, $last) = found("--hash $block");
is($seen, '', 'without the secrets: none of those who were there');
like($last, qr/^65536 addresses, 2 secrets, \d{5,} bytes: 0 found/,
     '... whatever secrets are tried');

my $step = 2039;
($seen, $last) = found($ENV{FRAUD_SEARCH} ? ''
                       : '--step 2039 --count ' . int(2 ** 32 / $step));
is($seen, '', 'without the secrets: nobody in all of IPv4'
   . ($ENV{FRAUD_SEARCH} ? '' : ", of whom one in $step was tried"));
diag $last if $ENV{FRAUD_SEARCH};

done_testing;
