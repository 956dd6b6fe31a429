use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use Policies;

# the escrow: an account in a line of the log, that only a case opens

my $dir = File::Temp->newdir('fraud-escrow-XXXXXX', TMPDIR => 1);
my $ctl = "$Fraud::TOP/build/fraudctl";

# ctl(words...): the exit status, and what it says

sub ctl {
    my @words = map { "'$_'" } @_;
    my $said = `$ctl @words 2>&1`;
    return ($? >> 8, $said);
}

is((ctl('escrow', 'keygen', "$dir/e"))[0], 0, 'a pair of keys');
is((ctl('escrow', 'keygen', "$dir/f"))[0], 0, 'and another');
is((ctl('escrow', 'keygen', "$dir/e"))[0], 2, 'none is written over');
is(sprintf('%o %o', map { (stat "$dir/e.$_")[2] & 07777 } qw(key pub)),
   '600 644', 'one is secret');

# nginx -t

my $account = 'fraud_identity account $upstream_http_x_account verified;';
my $warn = '[warn] "link_seal" of a log is always "-" without "fraud_escrow", '
    . 'add "fraud_escrow FILE" with a public key';

sub warned {
    my ($lines, $policy) = @_;
    my (undef, @said) = Policies::test(servers => Policies::server(
        $policy // 'asergo', "fraud observe; $lines"));
    return scalar grep { index($_, $warn) == 0 } @said;
}

is(warned('fraud_log logs/a;'), 1, 'a log without its seals');
is(warned("fraud_log logs/a; fraud_escrow $dir/e.pub;"), 0, 'one with them');
is(warned(''), 0, 'no log');
is(warned('fraud_log logs/a;', 'asogen'), 0, 'another policy');

my ($status, @said) = Policies::test(http => "fraud_escrow $dir/e.key;");
like("@said", qr/\[emerg\] "fraud_escrow": "\Q$dir\E\/e.key" is no public key, use the public file that /,
     'the secret one is refused');

# lines

my $nginx = Fraud->new(files => { Policies::files() },
    http => <<'HTTP' . Policies::server('asergo', <<"SERVER"));
    server {
        listen unix:%DIR%/app.sock;
        add_header X-Account $arg_as always;
        location / { return 200 app; }
    }
HTTP
    fraud enforce;
    fraud_escrow $dir/e.pub;
    fraud_log logs/asergo.log;
    $account
    fraud_identity login \$arg_login;
    fraud_signal wall if=\$arg_wall points=90;
    fraud_action 90 deny;
    location / { proxy_pass http://unix:%DIR%/app.sock:; }
SERVER

# seals(n, uris...): what the n lines say that these requests bring

sub seals {
    my (@uris) = @_;
    my $seen = () = Policies::entries($nginx, 'asergo') =~ /\n/g;

    Policies::send_all($nginx, 'asergo', @uris);
    Fraud::wait_for(sub {
        my $now = () = Policies::entries($nginx, 'asergo') =~ /\n/g;
        $now == $seen + @uris });
    my @lines = split /\n/, Policies::entries($nginx, 'asergo');
    return map { decode_json($_)->{link_seal} } @lines[$seen .. $#lines];
}

my @args = ('escrow', 'open', '--state', "$dir/state", '--now', 1795305600);
my @case = (@args, '--case', 'AUP-1', '--violation', 'confirmed',
            '--key', "$dir/e.key");

my ($one, $two) = seals('/?as=maxilla', '/?as=maxilla');
like($one, qr/^[\w-]{116}$/, 'a seal');
isnt($one, $two, 'two of one account differ');
is((ctl(@case, $one))[1], "maxilla\n", 'a case opens it');
is((ctl(@case, $two))[1], "maxilla\n", 'and the other');

is(join(' ', seals('/', '/?login=maxilla', '/?as=maxilla&wall=1',
                   '/?as=' . 'x' x 513)),
   '- - - -', 'nobody, a claimed name, a response of ours, too long a name');
my ($long) = seals('/?as=' . 'x' x 512);
is((ctl(@case, $long))[1], 'x' x 512 . "\n", 'the longest');

# fifty a second

sleep 1.1;
my $begin = Fraud::second();
my @many = seals(map { "/?as=m$_" } 1 .. 200);
my $sealed = grep { $_ ne '-' } @many;
cmp_ok($sealed, '>=', 50, 'fifty at once');
cmp_ok($sealed, '<=', 50 * (1 + Fraud::second() - $begin), 'and a second');

unlike(Policies::entries($nginx, 'asergo') . $nginx->error_log, qr/maxilla/,
       'nobody is named');
$nginx->ends;

# opening: what is lacking, and what stays of it

for (['a case', @args, '--violation', 'confirmed', '--key', "$dir/e.key", $one],
     ['a violation', @args, '--case', 'AUP-1', '--key', "$dir/e.key", $one],
     ['one that is confirmed', @args, '--case', 'AUP-1', '--violation',
      'suspected', '--key', "$dir/e.key", $one],
     ['a key', @args, '--case', 'AUP-1', '--violation', 'confirmed', $one],
     ['a seal', @case],
     ['the secret key', @args, '--case', 'AUP-1', '--violation', 'confirmed',
      '--key', "$dir/e.pub", $one]) {
    my ($what, @words) = @$_;
    my ($status, $said) = ctl(@words);
    is($status, 2, "without $what");
    unlike($said, qr/maxilla/, 'nothing is told');
}

sub rows {
    open my $in, '<', "$dir/state/escrow.log" or return ();
    return <$in>;
}

is(scalar(my @before = rows()), 3, 'three openings are on record');
my ($other, $said) = ctl(@args, '--case', 'AUP-1', '--violation', 'confirmed',
                         '--key', "$dir/f.key", $one);
is($other, 2, 'another key does not open');
is(scalar(@before = rows()), 4, 'and that is on record');
unlike(join('', rows()), qr/maxilla|$one/, 'nobody, and no seal');

my $last = '0' x 64;
for (rows()) {
    my $row = decode_json($_);
    is($row->{before}, $last, 'a row follows on the one before');
    is($row->{case}, 'AUP-1', 'its case');
    $last = sha256_hex($_);
}

ctl(@case, $one) for 1 .. 16;
is(scalar(@before = rows()), 20, 'twenty');
is((ctl(@case, $one))[0], 2, 'and no more on this day');
is((ctl(@case, '--now', 1795305600 + 86400, $one))[1], "maxilla\n",
   'but on the next');

{
    my @rows = rows();
    $rows[3] =~ s/AUP-1/AUP-2/;
    open my $out, '>', "$dir/state/escrow.log" or die;
    print $out @rows;
    close $out;
    my ($status, $said) = ctl(@case, '--now', 1795305600 + 3 * 86400, $one);
    is($status, 2, 'a row was changed');
    like($said, qr/escrow\.log:5: the chain of openings is broken, no seal is opened until somebody looked into it/,
         'and no seal is opened');
}

done_testing();
