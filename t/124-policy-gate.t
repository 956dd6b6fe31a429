use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX qw(strftime);
use Test::More;

use Policies;

# each of the 25 settings loosened alone: nginx refuses it until its notice is
# over, and takes it then

my %strict = (
    purpose => 'fraud,billing', collect => 'time,ip,cookie,country,account',
    'log.fields' => 'time', 'log.ip' => 'prefix', 'id.epoch' => '1h',
    'id.account' => 'sealed', 'link.account' => 'violation',
    'link.device' => 'no', cookie => 'none', dnt => 'honour_all',
    geo => 'country', automation => 'assist', 'keep.log' => '90d',
    'keep.state' => '30d', 'keep.evidence' => '90d', 'keep.backup' => '7d',
    'keep.aggregate' => '7d,k=10', hold => 'none', region => 'local',
    share => 'default=never', deduct => 'forbid',
    'deduct.caps' => 'event=0 day=0 account=0',
    'deduct.window' => 'hold=0d appeal=0d',
    rights => 'access,rectify,erase,object,export erase_within=1d inflight=void',
    change => 'notice=30d exit=erase',
);

my %money = (
    deduct => 'review when fraud>=confirmed & damage>=proven & '
        . 'attribution=account',
    'deduct.caps' => 'event=min(damage,1) day=1 account=balance',
    'deduct.window' => 'hold=14d appeal=30d', 'link.account' => 'security',
);
my %nobody = (automation => 'none', 'id.account' => 'none',
              'link.account' => 'never', collect => 'time',
              'keep.evidence' => '0d', 'keep.state' => '1h');

# setting, its looser value, what else both have, what else the new one has

my @cases = (
    [purpose => 'fraud,billing,stats'],
    [collect => 'time,ip,cookie,country,account,path'],
    ['log.fields' => 'time,ip_prefix'],
    ['log.ip' => 'keyed'],
    ['id.epoch' => '2h'],
    ['id.account' => 'keyed'],
    ['link.account' => 'security'],
    ['link.device' => 'yes'],
    [cookie => 'session', { dnt => 'ignore' }],
    [dnt => 'ignore'],
    [geo => 'city'],
    [automation => 'assist', \%nobody],
    ['keep.log' => '91d'],
    ['keep.state' => '31d'],
    ['keep.evidence' => '91d'],
    ['keep.backup' => '8d'],
    ['keep.aggregate' => 'inf,k=10'],
    [hold => 'legal'],
    [region => 'CH'],
    [share => 'default=never authority=case'],
    [deduct => $money{deduct}, { 'link.account' => 'security' },
     { 'deduct.caps' => $money{'deduct.caps'},
       'deduct.window' => $money{'deduct.window'} }, 'deduct", "deduct.caps'],
    ['deduct.caps' => 'event=min(damage,2) day=2 account=balance', \%money],
    ['deduct.window' => 'hold=14d appeal=30d',
     { %money, 'deduct.window' => 'hold=15d appeal=30d' }],
    [rights => $strict{rights} =~ s/=1d/=2d/r],
    [change => 'notice=30d exit=none'],
);

is(scalar @cases, 25, 'all settings');
is(join(' ', sort map { $_->[0] } @cases), join(' ', sort keys %strict),
   'each once');

sub day {
    return strftime('%Y-%m-%d', gmtime(time + 86400 * $_[0]));
}

sub text {
    my ($version, $notice, %settings) = @_;
    return "[policy]\nname = shop\nversion = $version\nnotice = $notice\n"
        . "effective = $notice\n[settings]\n"
        . join '', map { "$_ = $settings{$_}\n" } sort keys %settings;
}

sub errors {
    my ($old, $new) = @_;
    my ($status, @said) = Policies::test(
        http => 'fraud_keys %DIR%/keys; fraud_policy %DIR%/p.policy;',
        files => { 'p.policy' => $new, 'keys/policies/shop' => $old });
    my @bad = grep { /^\[emerg\]/ } @said;
    return $status == 0 && @bad ? 'an error, and it loads' : "@bad";
}

for my $case (@cases) {
    my ($setting, $value, $both, $new, $named) = @$case;
    my $old = text(1, '2020-01-01', %strict, %{ $both || {} });
    my %new = (%strict, %{ $both || {} }, %{ $new || {} }, $setting => $value);
    $named //= $setting;

    is(errors($old, text(2, day(-29), %new)), '[emerg] "fraud_policy": version '
       . "2 of \"shop\" allows more than version 1 in force: \"$named\"; it may "
       . 'not replace it before ' . day(1) . ' in %DIR%/p.policy',
       "$setting: before its notice is over");
    is(errors($old, text(2, day(-30), %new)), '', "$setting: after it");
}

done_testing;
