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
my @domains = sort map { ($_, "log.$_") } 'address', 'address@aseptsoft',
    'address@other';

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

# a server may not be taken out of its policy either, nor be put under another
# that allows more

my $two = Policies::text('aseptsoft', %days, name => 'other', version => 1,
                         'keep.log' => '20d');
my $more = Policies::text('aseptsoft', %days, name => 'other', version => 1,
                          'keep.log' => '22d', notice => day(-29),
                          effective => day(-29));
my %conf = (http => 'include %DIR%/keys.conf;',
            server => 'server_name shop.test; fraud_policy %DIR%/p.policy; '
                      . 'fraud observe; location / { empty_gif; }');

$nginx->put('p.policy', Policies::text('aseptsoft', %days, version => 2,
                                       'keep.log' => '20d'));
ok($nginx->reload(%conf), 'a server with a name');
is($nginx->slurp('keys/policies/.servers'), "aseptsoft shop.test\n", 'is kept');

sub with {
    my (%other) = @_;
    $nginx->{conf} = { %{ $nginx->{conf} }, %conf, %other };
    $nginx->write_conf;
    return try();
}

my $end = "$nginx->{dir}/keys/policies/aseptsoft.end";
my $gone = '"fraud_policy": server "shop.test" was under policy "aseptsoft" and '
    . 'is under none now, put it back or announce the end: write the day '
    . '(YYYY-MM-DD) of the notice to "%DIR%/keys/policies/aseptsoft.end", it '
    . 'may end 30 days later';
my $without = 'server_name shop.test; fraud observe; location / { empty_gif; }';

is(with(server => $without), $gone, 'no policy any more');
is(with(server => $without =~ s/observe/off/r), $gone, 'nor with fraud off');
is(with(server => 'server_name new.test; location / { empty_gif; } } '
    . "server { listen 127.0.0.1:1; $without"), $gone, 'nor elsewhere');
is(with(server => 'server_name new.test; location / { empty_gif; }'), '',
   'a server that is gone serves nobody');
$nginx->put('keys/policies/aseptsoft.end', day(-29) . "\n");
is(with(server => $without), $gone, 'announced yesterday a month ago');
$nginx->put('keys/policies/aseptsoft.end', "soon\n");
is(with(server => $without), $gone, 'announced for some day');
$nginx->put('keys/policies/aseptsoft.end', day(-30) . "\n");
is(with(server => $without), '', 'announced a month ago');
unlink $end;

my $other = 'server_name shop.test; fraud_policy %DIR%/q.policy; fraud observe; '
    . 'location / { empty_gif; }';
$nginx->put('q.policy', $more);
is(with(server => $other), '"fraud_policy": "other" allows more than "aseptsoft" '
   . 'that server "shop.test" was under: "keep.log"; it may not replace it '
   . 'before ' . day(1) . ' in %DIR%/q.policy', 'another policy that allows more');
$nginx->put('q.policy', $more =~ s/@{[day(-29)]}/@{[day(-30)]}/gr);
is(with(server => $other), '', 'and was announced');
$nginx->put('q.policy', $two);
is(with(server => $other), '', 'one that allows no more');
ok($nginx->reload(%conf), 'the old one again');

my $broken = 'keys/policies/aseptsoft';
$nginx->put($broken, "[policy]\n");
like(try(), qr/"%DIR%\/\Q$broken\E" of the policy in force cannot be read/,
     'a file that is broken is no reason to forget');
unlink "$nginx->{dir}/$broken";
is(try(), '', 'none is a beginning');

# workers make segments, beside the path of the log

my $nowhere = 'fraud_policy %DIR%/asogen.policy; fraud observe; fraud_log ';
my ($status, @said) = Policies::test(server => "$nowhere none/f.log;");
is($said[-1], '[emerg] "fraud_log": no file can be made beside '
   . '"%DIR%/none/f.log" by user "' . ($> ? '' : 'root') . '" of the workers, '
   . 'make its directory and give it to that user', 'no directory of a log');
($status) = Policies::test(server => "$nowhere logs/f.log;");
is($status, 0, 'one that is there');

# without files of secrets there is no memory

($status, @said) = Policies::test(server => 'fraud observe; '
    . 'fraud_policy %DIR%/asogen.policy;');
is(scalar(grep { /^\[warn\] "fraud_policy": with "fraud_keys memory" it is not known/ } @said),
   1, 'which is said');
$nginx->ends;

done_testing;
