use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX qw(strftime);
use Test::More;

use Policies;

# a policy that allows more than the one in force has to be announced

sub day {
    return strftime('%Y-%m-%d', gmtime(time + 86400 * $_[0]));
}

my %days = (notice => '2020-01-01', effective => '2020-01-01');
my $base = Policies::text('aseptsoft', %days);

# secrets in files, written as the tool does

my $length = 86400;
my @domains = sort map { ($_, "log.$_") } 'address', 'address@aseptsoft';

sub keys_of {
    my ($epoch) = @_;
    return "fraud-keys 1 $epoch $length " . (@domains + 1) . "\n"
        . join '', map { sprintf "%s %032x\n", $_, 1 + int rand 1 << 30 }
        sort @domains, 'value';
}

my $nginx = Fraud->new(files => { 'p.policy' => $base },
    http => 'include %DIR%/keys.conf; fraud_policy %DIR%/p.policy;',
    server => 'location / { fraud off; }', files => {
        'p.policy' => $base, 'keys.conf' => '' });

my $keys = "$nginx->{dir}/keys";
mkdir $keys, 0700 or die "$keys: $!\n";
my $epoch = int(time / $length);

for ($epoch .. $epoch + 1) {
    open my $out, '>', "$keys/$_.keys" or die "$keys: $!\n";
    print $out keys_of($_);
    close $out;
    chmod 0600, "$keys/$_.keys";
}
$nginx->put('keys.conf', 'fraud_keys %DIR%/keys;' =~ s/%DIR%/$nginx->{dir}/r);

sub try {
    my $binary = $ENV{TEST_NGINX_BINARY} || 'nginx';
    my $dir = $nginx->{dir};
    my $said = `$binary -t -p $dir/ -c $dir/nginx.conf -e $dir/logs/e 2>&1`;
    return join '|', map { s/\Q$nginx->{dir}\E/%DIR%/gr }
        $said =~ /\[emerg\] (?:\d+#\d+: )?(.*)$/mg;
}

sub kept {
    my ($version) = $nginx->slurp('keys/policies/aseptsoft')
        =~ /^version = (\d+)$/m;
    return $version // 'none';
}

ok($nginx->reload(server => 'fraud observe; location / { empty_gif; }'),
   'a policy comes into force');
is(kept(), 1, 'and is kept');
is((stat "$keys/policies")[2] & 0777, 0700, 'in a directory of its own');
is((stat "$keys/policies/aseptsoft")[2] & 0777, 0600, 'which nobody reads');
is(try(), '', 'it may stay');

my @cases = (
    ['another text without a version', { 'keep.log' => '20d' },
     '"fraud_policy": "aseptsoft" is another than version 1 in force, give it a '
     . 'higher version in %DIR%/p.policy'],
    ['a stricter one', { version => 2, 'keep.log' => '20d' }, ''],
    ['a looser one', { version => 2, 'keep.log' => '22d', geo => 'country',
                       notice => day(-1), effective => day(0) },
     '"fraud_policy": version 2 of "aseptsoft" allows more than version 1 in '
     . 'force: "geo", "keep.log"; it may not replace it before ' . day(29)
     . ' in %DIR%/p.policy'],
    ['one that was announced', { version => 2, 'keep.log' => '22d',
                                 notice => day(-30), effective => day(0) }, ''],
    ['one that was announced yesterday a month ago',
     { version => 2, 'keep.log' => '22d', notice => day(-29),
       effective => day(0) },
     '"fraud_policy": version 2 of "aseptsoft" allows more than version 1 in '
     . 'force: "keep.log"; it may not replace it before ' . day(1)
     . ' in %DIR%/p.policy'],
);

for my $case (@cases) {
    my ($name, $other, $said) = @$case;
    $nginx->put('p.policy', Policies::text('aseptsoft', %days, %$other));
    is(try(), $said, $name);
    is(kept(), 1, '... and a test changes nothing');
}

$nginx->put('p.policy', Policies::text('aseptsoft', %days, version => 2,
                                       'keep.log' => '20d'));
ok($nginx->reload, 'the stricter one');
is(kept(), 2, 'is in force');
$nginx->put('p.policy', $base);
like(try(), qr/is another than version 2 in force/, 'there is no way back');

my $broken = 'keys/policies/aseptsoft';
$nginx->put($broken, "[policy]\n");
like(try(), qr/"%DIR%\/\Q$broken\E" of the policy in force cannot be read/,
     'a file that is broken is no reason to forget');
unlink "$nginx->{dir}/$broken";
is(try(), '', 'none is a beginning');

# without files of secrets there is no memory

my ($status, @said) = Policies::test(server => 'fraud observe; '
    . 'fraud_policy %DIR%/asogen.policy;');
is(scalar(grep { /^\[warn\] "fraud_policy": with "fraud_keys memory" it is not known/ } @said),
   1, 'which is said');
$nginx->ends;

done_testing;
