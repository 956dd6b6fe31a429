#!/usr/bin/perl

# core.t: a worker makes no core. Whoever forces one, as root with a debugger,
# has what the process was doing, but neither the zone nor a secret.
#
# What is looked for in a core is looked for in the memory itself, too: it has
# to be there. A sanitizer's memory is no one's to dump: "build.sh asan" leaves
# this file out.

use strict;
use warnings;
no warnings 'portable';    # of addresses

use FindBin;
use lib "$FindBin::Bin/../../t/lib", $FindBin::Bin;

use Test::More;

use Fraud;
use Sweep;

my $ctl = "$Fraud::TOP/build/fraudctl";
-x $ctl or die "no $ctl, run ./build.sh build\n";
system('gdb -nx --version > /dev/null 2>&1') == 0
    or die "no gdb, install it with ./build.sh deps\n";
$> == 0 or die "not root: nobody else may look into a worker\n";

my $PEOPLE = 100;
my $ZONE = 4 * 1024 * 1024;

# core(nginx, pid): its bytes

sub core {
    my ($nginx, $pid) = @_;
    my $path = "$nginx->{dir}/core";
    my $said = `ulimit -f 1000000; gdb -nx -batch -iex 'set auto-solib-add off' \\
        -iex 'set debuginfod enabled off' -p $pid -ex 'gcore $path' 2>&1`;
    my $status = $?;
    my $core = $nginx->slurp('core');
    unlink $path and $status == 0 or die "no core: $said\n";
    return $core;
}

# maps(pid): of its memory, [begin, end, what may be done, name]

sub maps {
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/maps" or die "/proc/$pid/maps: $!\n";
    return map { /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$/
                 ? [hex $1, hex $2, $3, $4] : () } <$in>;
}

# memory(pid): all of it that can be read

sub memory {
    my ($pid) = @_;
    my $all = '';

    open my $in, '<:raw', "/proc/$pid/mem" or die "/proc/$pid/mem: $!\n";
    for (maps($pid)) {
        my ($begin, $end, $may, $name) = @$_;
        next if $may !~ /^r/ || $name =~ /^\[v/;
        sysseek $in, $begin, 0;
        sysread $in, $all, $end - $begin, length $all;
    }
    return $all;
}

# loaded(core): [begin, end] of the memory that is in it (ELF of 64 bits)

sub loaded {
    my ($core) = @_;
    my ($magic, $class, $at, $size, $n) = unpack 'a4 C x27 Q< x14 S< S<', $core;
    $magic eq "\x7fELF" && $class == 2 or die "no core of 64 bits\n";
    my @loaded;

    for my $i (0 .. $n - 1) {
        my ($type, $begin, $len) = unpack 'L< x12 Q< x8 Q<',
            substr $core, $at + $i * $size, $size;
        push @loaded, [$begin, $begin + $len] if $type == 1 && $len;
    }
    return @loaded;
}

# bytes_of(core, maps...): how many bytes of them are in it

sub bytes_of {
    my ($core, @maps) = @_;
    my $n = 0;

    for my $map (@maps) {
        for (loaded($core)) {
            my $begin = $_->[0] > $map->[0] ? $_->[0] : $map->[0];
            my $end = $_->[1] < $map->[1] ? $_->[1] : $map->[1];
            $n += $end - $begin if $end > $begin;
        }
    }
    return $n;
}

# count(text, bytes...): how many of them are in it

sub count {
    my $text = \shift;
    return scalar grep { index($$text, $_) >= 0 } @_;
}

# pid_bytes(text): the 16 bytes of a pseudonym (RFC 4648, base32)

sub pid_bytes {
    my %value;
    @value{'a' .. 'z', 2 .. 7} = 0 .. 31;
    return pack 'B128', join '', map { sprintf '%05b', $value{$_} }
        split //, $_[0];
}

# title(pid): what nginx calls the process

sub title {
    open my $in, '<', "/proc/$_[0]/cmdline" or return '';
    return (<$in> // '') =~ /nginx: (.*?) process/ ? $1 : '';
}

my $nginx = Fraud->new(http => 'include %DIR%/keys.conf;',
    server => 'location / { fraud off; }', files => { 'keys.conf' => '' });
my $dir = "$nginx->{dir}";

$nginx->put('keys.conf', "fraud_keys $dir/keys; fraud_zone fraud 4m;"
    . 'fraud_policy ' . Sweep::policy_file('asogen') . ';'
    . 'fraud_rate all address rate=1r/m points=9;'
    . "proxy_cache_path $dir/cache keys_zone=cached:1m;");
is(system("$ctl keys rotate -c $dir/nginx.conf > $dir/rotated"), 0, 'secrets');
ok($nginx->reload(server => 'fraud observe; location / { return 200 x; }'
                  . 'location = /control { fraud off; fraud_control; }'),
   'nginx');

my $epoch = int time / 86400;
my @people = map { "10.77.0.$_" } 1 .. $PEOPLE;
$nginx->get('/', from => $_) for @people;
$nginx->get('/', 'User-Agent' => $Sweep::CANARY{agent});

# the zone is in all processes

my %pid = (master => $nginx->{pid}, map { title($_) => $_ } $nginx->workers);
my (%core, %memory);

for my $name ('master', 'worker', 'cache manager') {
    my $pid = $pid{$name} or die "no $name\n";
    $core{$name} = core($nginx, $pid);
    $memory{$name} = memory($pid);
    my @zone = grep { $_->[2] eq 'rw-s' && $_->[1] - $_->[0] == $ZONE }
        maps($pid);
    my @stack = grep { $_->[3] eq '[stack]' } maps($pid);
    is(scalar @zone, 1, "$name: it has the zone");
    is(bytes_of($core{$name}, @zone), 0, "$name: its core has not");
    cmp_ok(bytes_of($core{$name}, @stack), '>', 0, "$name: but the stack");
}
ok(count($core{worker}, $Sweep::CANARY{agent}),
   'worker: what it was doing is found');

# pseudonyms of the zone, asked for only now

my @pids = map { pid_bytes($_) } map {
    $nginx->get('/control', method => 'POST', 'Fraud-Operation' => 'show',
        'Fraud-Identity' => 'address', 'Fraud-Value' => $_)->{body}
        =~ /"([a-z2-7]{26})"/g } @people;
my @secrets = map { pack 'H*', $_ }
    $nginx->slurp("keys/$epoch.keys") =~ /^\S*address@\S+ ([0-9a-f]{32})$/mg;

for my $name (sort keys %core) {
    cmp_ok(count($memory{$name}, @pids), '>=', $PEOPLE,
           "$name: it has the pseudonyms");
    is(count($core{$name}, @pids), 0, "$name: its core has none");
    is(count($core{$name}, @secrets, map { unpack 'H*', $_ } @secrets), 0,
       "$name: nor a secret");
}
is(count($memory{worker}, @secrets), 2, 'worker: it has two secrets');

$nginx->ends;

done_testing;
