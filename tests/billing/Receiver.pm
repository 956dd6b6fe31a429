package Receiver;

# The user's billing system: takes webhooks over TLS, believes what is signed
# and of now, carries each id out once, and misbehaves as it is told.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256);
use IO::Socket::SSL;
use JSON::PP;
use MIME::Base64;
use Time::HiRes qw(sleep);

use Fraud;
use Redis;

our $SECRET = 'whsec_' . encode_base64('receiver' x 4, '');

# new(clock => FILE): started, with a certificate of Redis::tls; plain => 1
# without TLS, control => 1 stands for nginx's fraud_control

sub new {
    my ($class, %more) = @_;
    my $dir = Redis::dir() . '/receiver' . int rand 1e9;
    my $self = bless { dir => $dir, secret => $SECRET, owner => $$, %more },
        $class;

    mkdir $dir or die "$dir: $!\n";
    Redis::spew("$dir/secret", "$self->{secret}\n");
    $self->start;
    return $self;
}

sub start {
    my ($self) = @_;
    my $ca = Redis::tls();

    for (1 .. 20) {
        $self->{port} //= Fraud::free_port();
        my $listen = IO::Socket::INET->new(
            LocalAddr => '127.0.0.1', LocalPort => $self->{port}, Listen => 20,
            ReuseAddr => 1) or delete $self->{port}, next;
        my $name = $self->{certificate} // 'server';

        $self->{pid} = Redis::child(sub { $self->serve($listen, $ca, $name) });
        close $listen;
        return;
    }
    die "no port for the receiver\n";
}

sub url { return "https://localhost:$_[0]{port}/hooks" }
sub ca { return Redis::tls() . '/ca.crt' }
sub secret_file { return "$_[0]{dir}/secret" }

# plan(words): how the next messages are answered: a status, "lost" (carried
# out, and no answer), "silent", "slow" (two seconds), "garbage"; then 200

sub plan {
    my ($self, @words) = @_;
    Redis::spew("$self->{dir}/plan.new", join '', map { "$_\n" } @words);
    rename "$self->{dir}/plan.new", "$self->{dir}/plan";
}

sub next_word {
    my ($self) = @_;
    open my $in, '<', "$self->{dir}/plan" or return 200;
    chomp(my @words = <$in>);
    close $in;
    my $word = shift @words // return 200;
    unshift @words, $word if $word =~ s/ always$//;
    @words = ("$word always") if @words && $words[0] eq $word;
    $self->plan(@words);
    return $word;
}

sub serve {
    my ($self, $listen, $ca, $name) = @_;
    my (%effect, @silent);

    $SIG{PIPE} = 'IGNORE';

    while (my $raw = $listen->accept) {
        my $client = $self->{plain} ? $raw
            : IO::Socket::SSL->start_SSL($raw, SSL_server => 1,
                SSL_cert_file => "$ca/$name.crt",
                SSL_key_file => "$ca/$name.key");

        if (!$client) {
            $self->note({ handshake => "$IO::Socket::SSL::SSL_ERROR" });
            close $raw;
            next;
        }
        my $message = read_message($client);
        next if !$message;
        my $word = $self->next_word;
        my $good = $self->verify($message);
        my $new = $good && $word =~ /^(?:2..|lost|slow)$/
            && !$effect{ $message->{id} }++;

        $self->note({ %$message, good => $good, effect => $new ? 1 : 0,
                      word => $word });
        sleep 2 if $word eq 'slow';
        $word = 200 if $word eq 'slow';
        $word = 401 if !$good && !$self->{control};
        push(@silent, $client), next if $word eq 'silent';
        print $client "HTTP/1.1 $word X\r\nContent-Length: 0\r\n"
            . "Location: http://127.0.0.1:$self->{port}/\r\n"
            . "Connection: close\r\n\r\n" if $word =~ /^\d+$/;
        print $client "SSH-2.0-\r\n\r\n" if $word eq 'garbage';
        close $client;
    }
}

sub read_message {
    my ($client) = @_;
    my ($head, $line, %field) = ('');

    while (defined($line = <$client>) && $line =~ /\S/) {
        $head .= $line;
        $field{lc $1} = $2 if $line =~ /^([\w-]+): *(.*?)\r?\n/;
    }
    return if $head eq '';
    my $body = '';
    my $left = $field{'content-length'} // 0;

    while ($left > 0 && (my $n = read $client, my $part, $left)) {
        $body .= $part;
        $left -= $n;
    }
    return { head => $head, body => $body, id => $field{'webhook-id'} // '',
             timestamp => $field{'webhook-timestamp'} // '',
             signature => $field{'webhook-signature'} // '' };
}

sub now {
    my ($self) = @_;
    return time if !$self->{clock};
    open my $in, '<', $self->{clock} or return time;
    return int <$in>;
}

sub verify {
    my ($self, $m) = @_;
    my $key = decode_base64($self->{secret} =~ s/^whsec_//r);
    my $mine = 'v1,' . encode_base64(hmac_sha256(
        "$m->{id}.$m->{timestamp}.$m->{body}", $key), '');

    return $m->{id} =~ /^[^.]+$/ && $m->{timestamp} =~ /^\d+$/
        && abs($self->now - $m->{timestamp}) <= 300
        && (grep { $_ eq $mine } split ' ', $m->{signature}) ? 1 : 0;
}

sub note {
    my ($self, $message) = @_;
    open my $out, '>>', "$self->{dir}/log";
    print $out JSON::PP->new->ascii->canonical->encode($message), "\n";
}

# messages(): all that came, as they were; effects(): the ids carried out

sub messages {
    my ($self) = @_;
    open my $in, '<', "$self->{dir}/log" or return;
    return map { decode_json($_) } <$in>;
}

sub effects {
    my ($self) = @_;
    return map { $_->{id} } grep { $_->{effect} } $self->messages;
}

sub forget { unlink "$_[0]{dir}/log" }

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;

    local ($?, $!);
    kill 'KILL', $pid;
    waitpid $pid, 0;
    Redis::guard('-', $pid);
}

sub DESTROY {
    my ($self) = @_;
    $self->stop if $self->{owner} == $$;
}

1;
