use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../redis", "$FindBin::Bin/../../t/lib";

use Test::More;
use Time::HiRes qw(sleep);

use Billing;
use Policies;

# the whole story, on the embedded database: an attack by a verified account on
# a real nginx, its flag, the case, what a person decides, what is held, posted,
# appealed against and given back. ./build.sh story shows it.

use constant DAY => 86400;

my $account = 'mallory@example.com';
my $billing = Billing->new(clock => time);
my $receiver = Receiver->new(clock => $billing->file('clock'));
my $dir = $billing->dir;

chmod 0755, $dir;
my $nginx = Fraud->new(
    files => { Policies::files() },
    http => <<"HTTP" . Policies::server('asogen', <<'SERVER'));
    fraud_spool $dir/spool key=$dir/key.pub;
    fraud_session sid;
    fraud_identity account \$upstream_http_x_account verified;
    fraud_reputation account half_life=30d;
    server {
        listen unix:%DIR%/app.sock;
        add_header X-Account \$arg_as always;
        add_header X-Cost 3 always;
        location / { return 200 app; }
    }
HTTP
    fraud enforce;
    fraud_signal stuffing if=$arg_bad points=40;
    fraud_signal scanner if=$arg_bad points=5;
    fraud_flag stuffing account if=$arg_bad count=20 window=10m
               damage=resource_metered amount=1500 currency=EUR;
    add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    location / { proxy_pass http://unix:%DIR%/app.sock:; }
    location = /control { fraud_control; }
SERVER

$billing->{webhook} = $receiver;
$billing->{more} = "[reputation]\ncontrol = http://localhost/control\n"
    . "socket = $nginx->{dir}/asogen.sock\nidentity = account\n";
$billing->write_conf;

my $cookie;

sub request {
    my ($query) = @_;
    my $answer = Policies::ask($nginx, 'asogen', "/?$query", from => '192.0.2.7',
                               defined $cookie ? (Cookie => $cookie) : ());
    my $headers = $answer->{headers};

    ($cookie) = ($headers->{'set-cookie'} // '') =~ /^([^;]+)/
        if !defined $cookie;
    return $headers->{'x-fraud'} // 'none';
}

# step(what): the balances after it

my $step = 0;

sub balances {
    my ($customer, $held, $kept) = map {
        $billing->value('SELECT COALESCE(SUM(balance), 0) FROM account WHERE '
                        . "id LIKE '$_%'")
    } 'cust:', 'sys:fraud_hold', 'sys:fraud_recovery';
    return sprintf 'customer %6.2f  held %6.2f  recovered %6.2f EUR',
                   $customer / 100, $held / 100, $kept / 100;
}

sub step {
    my ($what, $expected) = @_;
    my $now = balances();

    printf "# %d. %-62s %s\n", ++$step, $what, $now;
    is(join(' ', map { $_ + 0 } $now =~ /([\d.]+)/g), $expected, $what);
    $billing->verified('the books are right');
}

sub person {
    my ($who, $verb, $case, @words) = @_;
    return $billing->execute({ program => 'fraudctl' }, 'case', $verb, '-c',
                             $billing->file('conf'), '--as', $who, $case,
                             @words);
}

sub state_of { return $billing->value('SELECT state FROM incident') }

sub run_it {
    is($billing->once, 0, 'run') or diag $billing->{said};
}

my @deposit = ('deposit', '--id', 'D-1', '--policy', 'asogen', '--account',
               $account, '--amount', 10000, '--currency', 'EUR');

run_it();
is(($billing->billing(@deposit))[0], 0, 'a deposit');
step('the customer pays in', '100 0 0');

is(request('as=' . $account), '0 []', 'a customer as any other');
request("bad=1&as=$account") for 1 .. 25;
ok(Fraud::wait_for(sub {
    my @files = glob "$dir/spool/*.spool";
    @files && -s $files[0];
}, 10), 'the attack: nginx described it');
my $flags = do { local (@ARGV, $/) = glob "$dir/spool/*.spool"; <> };
unlike($flags, qr/mallory/, 'and names nobody');
step('an attack by that account, seen by nginx', '100 0 0');

run_it();
my $case = $billing->value('SELECT id FROM incident');
is(state_of(), 'case', 'a rule can only suspect');
step('billing takes the flag: a case, and nothing moves', '100 0 0');

like((person('anna', 'confirm', $case, '--reason', 'evidence', '--amount',
             1500))[2] . (person('anna', 'confirm', $case, '--reason',
             'evidence', '--amount', 1500))[1], qr/evidence|show|opened/,
     'nobody decides without having looked');
my (undef, $evidence) = person('anna', 'show', $case);
like($evidence, qr/stuffing/, 'why: the rule');
note $evidence;
$billing->forward(40);
my ($status, $said, $why) = person('anna', 'confirm', $case, '--reason',
                                   'evidence', '--amount', 1500);
is($status, 0, 'a person confirms') or diag "$said$why";
step('a person confirms: 15.00 are held, the customer is told', '85 15 0');

run_it();
like(request("as=$account"), qr/reputation\.account=\d+/,
     'and nginx knows what billing knows');

$billing->forward(14 * DAY - 60);
run_it();
is(state_of(), 'held', 'not before fourteen days are over');
$billing->forward(3600);
run_it();
step('fourteen days without an objection: posted', '85 0 15');

is((person('clerk', 'appeal', $case, '--reference', 'T-17', '--reason',
           'person'))[0], 0, 'an appeal');
person('bob', 'show', $case);
$billing->forward(40);
my @reverse = ('--reference', 'T-17', '--reason', 'appeal_right', '--amount',
               1500);
is((person('bob', 'reverse', $case, @reverse))[0], 0, 'somebody new judges it');
step('the appeal is right: all of it is given back', '100 0 0');
run_it();

# what the billing system was told, and each once

my @told = map { JSON::PP::decode_json($_->{body})->{type} }
    grep { $_->{effect} } $receiver->messages;
is(join(' ', @told), 'fraud.case.opened fraud.hold.created fraud.hold.posted '
   . 'fraud.post.reversed', 'the billing system knows all of it, in order');
is(scalar(grep { !/"account":"\Q$account\E"/ } map { $_->{body} }
          $receiver->messages), 0, 'of whom');

# all of it once more

my $tables = 'inbox incident transfer account review outbox notice decision '
    . 'refusal resolver dead';

sub everything {
    return join "\n", map { $billing->sql("SELECT '$_', t.* FROM $_ t ORDER BY 2") }
        split ' ', $tables;
}

my $before = everything();
$billing->sql('DELETE FROM progress');
run_it();
$billing->billing(@deposit);
person('anna', 'confirm', $case, '--reason', 'evidence', '--amount', 1500);
person('clerk', 'appeal', $case, '--reference', 'T-17', '--reason', 'person');
person('bob', 'reverse', $case, @reverse);
run_it();
is(everything(), $before, 'a second run of every message changes nothing');
step('everything a second time', '100 0 0');

my (undef, $export) = $billing->ctl('export', '--since', 0, '--csv');
is(scalar(() = $export =~ /^transfer,/mg), 4, 'exported: deposit, hold, post, '
   . 'reversal');
like($export, qr/^incident,\Q$case\E,/m, 'and the incident');
unlike($export, qr/mallory/, 'without the account');
(undef, $export) = $billing->ctl('export', '--since', '2026-01-01', '--json',
                                 '--accounts');
my @rows = map { JSON::PP::decode_json($_) } split /\n/, $export;
is(scalar(grep { $_->{account} eq $account } @rows), 5, 'or with it');

# neither the account nor a secret is where it should not be

my @files = grep { -f && !/\.db|conf$|key$/ } glob "$dir/*";
is(scalar(grep { my $f = $_; local (@ARGV, $/) = $f; (<> // '') =~ /mallory/ }
          @files), 0, 'no log names anybody');
open my $raw, '<:raw', "$dir/billing.db";
my $bytes = do { local $/; <$raw> };
unlike($bytes, qr/mallory/, 'neither does the database');

done_testing;
