use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin", "$FindBin::Bin/../redis", "$FindBin::Bin/../../t/lib";

use Test::More;

use Billing;

# what the billing system is told: each message is carried out once, whatever
# becomes of the answers, and nothing leaves but over TLS that was verified

my @delays = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400);
my $VERIFY = "$Fraud::TOP/conf/receiver/verify.sh";

for my $db (Billing::databases()) {
    note $db;
    my $billing = Billing->new(db => $db);
    my $receiver = Receiver->new(clock => $billing->file('clock'));
    $billing->{webhook} = $receiver;
    $billing->write_conf;

    answers($billing, $receiver);
    schedule($billing, $receiver);
    gone($billing, $receiver);
    crashes($billing, $receiver);
    $billing->verified('the ledger does not mind');
    untold($billing, $receiver);
    $billing->verified('nor what was told late');
    erased($billing, $receiver);
    unsafe($billing, $receiver) if $db eq 'sqlite';
}

verifiers();
done_testing;

# one(billing): one more account is suspected, so one more message

my $account = 0;

sub one {
    my ($billing) = @_;
    $billing->flags(flags => 20, accounts => 1, seed => ++$account,
                    window => 60 + $account, rules => 1);
    $billing->forward(86400);
}

# retried(billing, receiver, tries): the clock goes on until that many came

sub retried {
    my ($billing, $receiver, $tries) = @_;

    for my $try (1 .. $tries) {
        $billing->once;
        my $came = () = $receiver->messages;
        return $came if $came != $try;
        $billing->forward($delays[$try - 1] // 0);
    }
    return $tries;
}

sub waiting {
    my ($billing) = @_;
    return $billing->value("SELECT COUNT(*) FROM outbox WHERE state <> 'sent'");
}

sub answers {
    my ($billing, $receiver) = @_;

    for my $case (['500', '500'], ['503, 429', '503', '429'], ['400', '400'],
                  ['a redirection', '302'], ['307', '307'], ['304', '304'],
                  ['lost', 'lost'], ['garbage', 'garbage'], ['slow', 'slow'],
                  ['silence', 'silent'], ['202', '202'], ['204', '204'])
    {
        my ($name, @plan) = @$case;

        $receiver->forget;
        $receiver->plan(@plan);
        one($billing);
        my $well = $plan[0] =~ /^(?:slow|2..)$/;
        my $tries = $well ? 1 : @plan + 1;
        local $ENV{FRAUD_TIMEOUT} = 6 if $plan[0] eq 'silent';
        is(retried($billing, $receiver, $tries), $tries, "$name: attempts");

        my @messages = $receiver->messages;
        my %ids = map { $_->{id} => 1 } @messages;
        is(scalar(keys %ids), 1, 'one id');
        my %times = map { $_->{timestamp} => 1 } @messages;
        is(scalar(keys %times), $tries, 'a time for each attempt');
        is(scalar(grep { !$_->{good} } @messages), 0, 'all signed');
        is(scalar($receiver->effects), 1, 'one effect');
        is(waiting($billing), 0, 'it is known');
    }
}

# ten attempts, no sooner than their time, then a person is asked

sub schedule {
    my ($billing, $receiver) = @_;

    $receiver->forget;
    $receiver->plan('500 always', '500');
    one($billing);
    my $began = $billing->clock;

    for my $try (1 .. 9) {
        $billing->once;
        is(scalar(() = $receiver->messages), $try, "attempt $try");
        $billing->forward(int($delays[$try - 1] * 0.9) - 1);
        $billing->once;
        is(scalar(() = $receiver->messages), $try, 'not before its time');
        $billing->forward($delays[$try - 1] - int($delays[$try - 1] * 0.9) + 1);
    }
    $billing->once;
    is(scalar(() = $receiver->messages), 10, 'the last one');
    cmp_ok($billing->clock - $began, '<=', 76 * 3600, 'in 75 hours');
    like($billing->{said}, qr/"level":"alarm","what":"parked"/, 'alarm');
    $billing->forward(30 * 86400);
    $billing->once;
    is(scalar(() = $receiver->messages), 10, 'no more');

    my (undef, $list) = $billing->billing('outbox', 'list', '--parked');
    my ($id) = $list =~ /^(\S+) fraud\.case\.opened parked 10 0 HTTP 500$/m;
    ok($id, 'it is listed');
    is(($billing->billing('outbox', 'retry', 'nothing'))[0], 2, 'no such one');
    is(($billing->billing('outbox', 'retry', $id))[0], 0, 'once more');
    $receiver->plan();
    $billing->once;
    is(join(' ', $receiver->effects), $id, 'with its old id');
    is(waiting($billing), 0, 'sent');
}

# an endpoint that wants no more gets no more, until somebody says so

sub gone {
    my ($billing, $receiver) = @_;

    $receiver->forget;
    $receiver->plan('410');
    one($billing);
    $billing->once;
    like($billing->{said}, qr/"alarm","what":"endpoint gone"/, '410: alarm');
    one($billing);
    $billing->once;
    is(scalar(() = $receiver->messages), 1, 'it is left alone');
    is(waiting($billing), 2, 'what it should know is kept');
    is(($billing->billing('outbox', 'retry', '--all'))[0], 0, 'all again');
    $billing->once;
    is(scalar($receiver->effects), 2, 'both');
    is(waiting($billing), 0, 'none waits');
}

# killed between claiming and sending, and between the answer and writing it
# down: sent again when the lease is over, and carried out once

sub crashes {
    my ($billing, $receiver) = @_;

    for my $place ('outbox-claimed', 'outbox-answered') {
        $receiver->forget;
        one($billing);
        is($billing->once(FRAUD_FAILPOINT => $place), 137, "killed: $place");
        $billing->once;
        is(waiting($billing), 1, 'somebody may be sending it');
        $billing->forward(61);
        $billing->once;
        is(scalar($receiver->effects), 1, 'one effect');
        is(waiting($billing), 0, 'sent');
    }
}

# who has not been told of a hold is not charged: the time to object begins when
# the billing system takes the message, and if it never does, all goes back

sub untold {
    my ($billing, $receiver) = @_;
    my $end = 14 * 86400 + 1200 + 60;

    is(($billing->billing('deposit', '--id', 'untold', '--policy', 'asogen',
                          '--account', 'user-0', '--amount', 10000,
                          '--currency', 'EUR'))[0], 0, 'a deposit');
    for my $late (0, 1) {
        my $case = held($billing, $receiver);

        $billing->forward($end);
        is($billing->once, 0, 'the time to object would be over');
        is(state_of($billing, $case), 'held', 'nobody was told: not posted');
        $receiver->plan() if $late;
        $billing->forward($late ? 86400 : 2 * 86400);
        $billing->once;
        is(state_of($billing, $case), $late ? 'held' : 'voided',
           $late ? 'told at last' : 'never told: given back');
        next if !$late;
        $billing->forward(3600);
        $billing->once;
        $billing->forward($end - 3600 - 120);
        $billing->once;
        is(state_of($billing, $case), 'held', 'fourteen days from then');
        $billing->forward(120);
        $billing->once;
        is(state_of($billing, $case), 'posted', 'and then it is posted');
    }
    is($billing->value("SELECT COUNT(*) FROM outbox WHERE type ="
                       . " 'fraud.hold.posted' AND state = 'sent'"), 1, 'once');
}

sub state_of {
    my ($billing, $case) = @_;
    return $billing->value("SELECT state FROM incident WHERE id = '$case'");
}

# held(billing, receiver): a hold that the billing system does not hear of

sub held {
    my ($billing, $receiver) = @_;

    $receiver->plan();
    $billing->flags(flags => 20, accounts => 1, seed => ++$account, amount => 5,
                    window => 60 + $account, rules => 1);
    $billing->once;
    my $case = $billing->value("SELECT id FROM incident WHERE state = 'case'"
                               . ' AND amount > 0');
    $receiver->plan('500 always', '500');
    $billing->ctl('case', 'show', '--as', 'anna', $case);
    $billing->forward(40);
    my ($status, undef, $said) = $billing->ctl('case', 'confirm', '--as',
        'anna', $case, '--reason', 'evidence', '--amount', 5);
    is($status, 0, 'held') or diag $said;
    $billing->once;
    return $case;
}

sub erased {
    my ($billing, $receiver) = @_;

    $receiver->forget;
    $receiver->plan('500');
    one($billing);
    $billing->once;
    $billing->sql('DELETE FROM resolver');
    $billing->forward(10);
    $billing->once;
    my ($first, $second) = map { $_->{body} } $receiver->messages;
    like($first, qr/"account":"user-0"/, 'somebody');
    like($second, qr/"account":null\}\}$/, 'nobody, once erased');
    ok(!(grep { /user-0/ } $billing->sql('SELECT body FROM outbox')),
       'no account rests in the outbox');
}

# neither without TLS, nor with a certificate of somebody else

sub unsafe {
    my ($billing, $receiver) = @_;

    my $url = $receiver->url =~ s/^https/http/r;
    my $conf = do { local (@ARGV, $/) = $billing->file('conf'); <> };
    Redis::spew($billing->file('conf'), $conf =~ s/^url = .*/url = $url/mr);
    my ($status, undef, $said) = $billing->billing('run', '--once');
    is($status, 2, 'http:// is no URL');
    like($said, qr/\[webhook\].*https:/, 'and that is said');
    like($said, qr/\A[^\n]*\n\z/, 'in a line');

    for my $how (['plain', plain => 1], ['another name', certificate => 'other'])
    {
        my ($name, @more) = @$how;
        my $other = Receiver->new(clock => $billing->file('clock'), @more);

        $billing->{webhook} = $other;
        $billing->write_conf;
        one($billing);
        $billing->once;
        is(waiting($billing), 1, "$name: not sent");
        is(scalar(grep { /incident|user|fraud/ }
                  map { ($_->{head} // '') . ($_->{body} // '') }
                  $other->messages), 0, 'and not a byte of it in the clear');
        $other->stop;
        $billing->{webhook} = $receiver;
        $billing->write_conf;
        $billing->forward(10);
        $billing->once;
        is(waiting($billing), 0, 'sent to whom it is for');
    }

    my $stranger = Redis::tls() . '/stranger.crt';
    Redis::spew($billing->file('conf'), $conf =~ s/^ca = .*/ca = $stranger/mr);
    one($billing);
    $billing->once;
    is(waiting($billing), 1, 'another CA: not sent');
}

# the two verifiers for receivers agree on what is ours

sub verifiers {
    my $billing = Billing->new;
    my $dir = $billing->dir;
    my $retired = 'whsec_' . ('QUJD' x 8);
    my $secret = $Receiver::SECRET;
    my $now = $billing->clock;
    my $body = '{"type":"fraud.hold.posted"}';
    my $good = signature($secret, 'tr_1', $now, $body);

    for my $case (
        ['as it is', 0],
        ['a second later', 0, now => 1],
        ['five minutes later', 0, now => 300],
        ['six minutes later', 1, now => 360],
        ['from the future', 1, now => -301],
        ['another id', 1, id => 'tr_2'],
        ['another time', 1, time => $now + 1],
        ['another body', 1, body => $body =~ s/posted/voided/r],
        ['a line feed more', 1, body => "$body\n"],
        ['a point in the id', 1, id => 'tr.1',
         signature => signature($secret, 'tr.1', $now, $body)],
        ['no id', 1, id => '', signature => signature($secret, '', $now, $body)],
        ['a retired secret', 1,
         signature => signature($retired, 'tr_1', $now, $body)],
        ['the new and the retired one', 0,
         signature => signature($retired, 'tr_1', $now, $body) . " $good"],
        ['a part of it', 1, signature => substr $good, 0, -1],
        ['no signature', 1, signature => ''],
        ['a time that is none', 1, time => "0$now",
         signature => signature($secret, 'tr_1', "0$now", $body)],
        ['nine of them', 1, signature => join ' ', ('v1,x') x 8, $good],
    ) {
        my ($name, $expect, %more) = @$case;
        my %m = (id => 'tr_1', time => $now, body => $body,
                 signature => $good, now => 0, %more);
        my $at = $now + $m{now};

        Redis::spew("$dir/body", $m{body});
        Redis::spew("$dir/secrets", "$secret\n");
        $billing->clock($at);
        my ($c) = $billing->execute({ input => "$dir/body" }, 'hook', 'verify',
            '--secret', "$dir/secrets", '--id', $m{id}, '--timestamp',
            $m{time}, '--signature', $m{signature});
        local $ENV{VERIFY_NOW} = $at;
        my $sh = sh($VERIFY, "$dir/body", "$dir/secrets", @m{qw(id time
                    signature)});
        is("$c $sh", "$expect $expect", "in C and shell: $name");
    }

    my $both = "$retired\n$secret\n";
    Redis::spew("$dir/secrets", $both);
    Redis::spew("$dir/body", $body);
    $billing->clock($now);
    local $ENV{VERIFY_NOW} = $now;
    is(sh($VERIFY, "$dir/body", "$dir/secrets", 'tr_1', $now, $good), 0,
       'either secret, while one replaces the other');
}

sub signature {
    my ($secret, $id, $time, $body) = @_;
    my $key = unpack 'H*',
        MIME::Base64::decode_base64($secret =~ s/^whsec_//r);
    open my $out, '>:raw', Redis::dir() . '/signed' or die;
    print $out "$id.$time.$body";
    close $out;
    my $mac = `openssl dgst -sha256 -mac HMAC -macopt hexkey:$key -binary \\
               < @{[Redis::dir()]}/signed | openssl base64 -A`;
    return "v1,$mac";
}

sub sh {
    my ($script, $input, @words) = @_;
    my $pid = fork() // die "fork: $!\n";

    if ($pid == 0) {
        open STDIN, '<', $input;
        { no warnings 'exec'; exec 'sh', $script, @words; }
        POSIX::_exit(127);
    }
    waitpid $pid, 0;
    return $? >> 8;
}
