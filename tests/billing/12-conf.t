use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../../t/lib", "$FindBin::Bin/../redis";

use Test::More;

use Billing;

# what the operator has to put right: one line, status 2

my $b = Billing->new;
my $dir = $b->dir;
my $head = "[billing]\ndatabase = sqlite:$dir/x.db\npolicies = $dir/policies\n";

sub refuses {
    my ($text, $message, @words) = @_;
    @words = ('run', '--once') if !@words;
    Redis::spew("$dir/bad", $text);
    my ($status, $out, $err) = $b->execute($words[0], '-c', "$dir/bad",
                                           @words[1 .. $#words]);
    $err =~ s/\Q$dir\E/DIR/g;
    is "$status $err", "2 fraud-billing: $message\n", $message;
}

refuses("x = 1\n", 'no "NAME = VALUE" in a section in DIR/bad:1');
refuses("[billing\n", '"[billing" is no section, use [NAME] in DIR/bad:1');
refuses("# a\n[other]\n", 'no section [other], use [billing], [webhook],'
        . ' [reputation] or [authors] in DIR/bad:2');
refuses("[billing]\ndatabase\n", 'no "NAME = VALUE" in a section in DIR/bad:2');
refuses("[billing]\nspool =\n", '"spool" has no value in DIR/bad:2');
refuses("[billing]\nspol = x\n", '[billing] has no setting "spol" in DIR/bad:2');
refuses("[billing]\ngrace = soon\n",
        'grace: "soon" is no time, use e.g. 48h or 7d in DIR/bad:2');
refuses("[billing]\nsecond_person = 50.00\n", 'second_person: "50.00" is no'
        . ' number of minor units, use e.g. 5000 in DIR/bad:2');
refuses("[authors]\nr = " . 'x' x 40 . "\n", '"' . 'x' x 40
        . '" is no login name: at most 39 of a-z, A-Z, 0-9, \'.\', \'_\','
        . ' \'-\' in DIR/bad:2');
refuses('[billing]' . "\nspool = " . 'x' x 5000 . "\n",
        'a line is longer than 4094 in DIR/bad:2');
refuses("[billing]\n",
        'DIR/bad has no "database", use sqlite:PATH or postgresql://...');
refuses("[billing]\ndatabase = sqlite:x\n", 'DIR/bad has no "policies", the'
        . ' directory of all *.policy files');
refuses($head . "spool = a\nstream = b\n",
        'DIR/bad has both "spool" and "stream", use one');
refuses($head . "[webhook]\nurl = http://x/\n",
        'DIR/bad: the url of [webhook] is not https://...');
refuses($head . "[webhook]\nurl = https://x/\n", 'DIR/bad: [webhook] has no'
        . ' "secret", a file of whsec_... lines');
refuses($head, 'DIR/bad has no "key", see "fraud-billing keygen"');
refuses("[billing]\ndatabase = mysql:x\npolicies = $dir/policies\nkey ="
        . " $dir/key\n", 'DIR/bad: the database is neither sqlite:PATH nor'
        . ' postgresql://...');
refuses("[billing]\ndatabase = sqlite:x\npolicies = $dir/none\n",
        'cannot read the policies in DIR/none: No such file or directory');
refuses("[billing]\ndatabase = sqlite:x\npolicies = $dir/spool\n",
        'no *.policy in DIR/spool');

# keys

refuses($head . "key = $dir/none\n",
        'cannot read the key DIR/none: No such file or directory');
chmod 0640, "$dir/key";
refuses($head . "key = $dir/key\n",
        'others may read the key DIR/key, use chmod 600');
chmod 0600, "$dir/key";

open my $in, '<', "$dir/key" or die;
my @lines = <$in>;
Redis::spew("$dir/half", $lines[0]);
Redis::spew("$dir/junk", "$lines[0]secret\n");
chmod 0600, "$dir/half", "$dir/junk";
refuses($head . "key = $dir/half\n",
        'DIR/half has not both keys, see "fraud-billing keygen"');
refuses($head . "key = $dir/junk\n",
        'no key of "fraud-billing keygen" in DIR/junk:2');

my ($status, $out, $err) = $b->execute('keygen', "$dir/key");
is "$status $err", "2 fraud-billing: cannot make $dir/key: File exists\n",
    'a key is not overwritten';
is +(stat "$dir/key")[2] & 0777, 0600, 'and for nobody else';

# a newer key first, the old one still opens what was sealed to it

$b->flags(flags => 3, accounts => 3, rules => 1);
$b->ok_run('keygen', "$dir/newer");
open $in, '<', "$dir/newer" or die;
my ($seal) = grep { /seal-secret/ } <$in>;
Redis::spew("$dir/key", join '', $seal, @lines);
is $b->once, 0, 'with two keys';
is $b->value('SELECT COUNT(*) FROM inbox'), 3, 'seals of the old one open';

# money

my @to = ('--policy', 'asogen', '--account', '-', '--currency', 'EUR');

sub money {
    my ($verb, @more) = @_;
    Redis::spew("$dir/account", "user-1\n");
    my ($status, $out, $err) = $b->billing({ input => "$dir/account" }, $verb,
        $verb eq 'balance' ? @to[0 .. 3] : @to, @more);
    return "$status " . ($out . $err) =~ s/\w+_\w+ |cust:\w+:? //gr;
}

is money('balance'), "1 no such account\n", 'no balance';
is money('deposit', '--amount', 2000, '--id', 'a'), "0 entered\n", 'deposit';
is money('deposit', '--amount', 2000, '--id', 'a'), "0 entered before\n",
    'once';
is money('deposit', '--amount', 3000, '--id', 'a'),
    "1 refused: the id was used for something else\n", 'another amount';
is money('spend', '--amount', 500, '--id', 'a'), "0 entered\n", 'spend';
my $less = "1 refused: there was less on the balance; the id is used up\n";
is money('spend', '--amount', 1501, '--id', 'b'), $less, 'too much';
is money('spend', '--amount', 1501, '--id', 'b'), $less, 'stays refused';
is money('balance'), "0 1500 EUR, held 0\n", 'balance';
is money('deposit', '--amount', 0, '--id', 'c'), '2 fraud-billing: deposit'
    . " needs --amount, --currency and --id\n", 'nothing';

my @by = ('--amount', 100, '--id', 'd', '--ledger');
my @ledger = $b->sql("SELECT id FROM account WHERE id LIKE 'cust:%'");
my $accounts = 'SELECT COUNT(*) FROM account';
my $known = $b->value($accounts);
my ($rc, $told, $why) = $b->billing('deposit', '--currency', 'USD', @by,
                                    @ledger);
like $told, qr/: refused: the account is of another currency; the id is used up$/,
    'another currency';
is $rc, 1, 'is refused';
($rc, $told, $why) = $b->billing('deposit', '--currency', 'EUR', @by, 'cust:typo');
is "$rc $why", '2 fraud-billing: --ledger: the ledger has no account'
    . " \"cust:typo\"\n", 'nobody of that name';
is $b->value($accounts), $known, 'and no account is made of it';
$b->verified;

# words

my ($status, $out, $err) = $b->execute;
is $status, 2, 'no verb';
like $err, qr/^usage: fraud-billing VERB \.\.\.\n\n  dead list/, 'is told of them';
($status, $out, $err) = $b->execute('dance');
is "$status $err", '2 fraud-billing: unknown verb "dance", see fraud-billing'
    . " help\n", 'an unknown one';
($status, $out, $err) = $b->execute('verify', '--help');
is "$status $err", '0 ', 'help';
like $out, qr/^usage: fraud-billing VERB .*^  verify /ms, 'with each';

done_testing;
