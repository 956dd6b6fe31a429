package Spool;

# What tests of flags share: a policy that permits them, keys, an application
# that vouches for whom ?as= names, and the spool as billing reads it.

use strict;
use warnings;

use File::Temp;
use JSON::PP;

use Fraud;
use Policies;

# crc32c(bytes): RFC 3720, bit by bit

sub crc32c {
    my ($bytes) = @_;
    my $crc = 0xffffffff;

    for my $byte (unpack 'C*', $bytes) {
        $crc ^= $byte;
        $crc = $crc >> 1 ^ ($crc & 1 ? 0x82f63b78 : 0) for 1 .. 8;
    }
    return $crc ^ 0xffffffff;
}

# new(spool => parameters, http =>, server =>, http1 =>, files =>, workers =>):
# an nginx with a server under ASOGEN's policy, and an empty spool

sub new {
    my ($class, %conf) = @_;
    my $self = bless {
        dir => File::Temp->newdir('fraud-spool-XXXXXX', TMPDIR => 1) }, $class;
    my $dir = "$self->{dir}";

    $self->{spool} = delete $conf{dir} || "$dir/spool";
    mkdir $self->{spool} or die "$self->{spool}: $!\n"
        if !-d $self->{spool};
    keygen("$dir/billing");

    my $spool = delete $conf{spool} // '';
    my $server = delete $conf{server};
    my $http = delete $conf{http} // '';

    $self->{nginx} = Fraud->new(%conf,
        files => { Policies::files(), %{ $conf{files} || {} } },
        server => 'location /status { fraud off; fraud_status json; }',
        http => <<"END" . Policies::server('asogen', <<"END2"));
    fraud_spool $self->{spool} key=$dir/billing.pub $spool;
    $http
    server {
        listen unix:%DIR%/app.sock;
        add_header X-Account \$arg_as always;
        add_header X-Cost \$arg_cost always;
        location / { return 200 app; }
        location /fails { return 500 app; }
    }
    fraud_signal one if=\$arg_one points=10;
    fraud_signal two if=\$arg_two points=20;
    fraud_signal after if=\$arg_after on=response points=30;
    fraud_signal ghost if=\$arg_ghost points=40 shadow;
    fraud_signal nought if=\$arg_nought points=0;
END
    fraud_session sid;
    fraud_identity account \$upstream_http_x_account verified;
    $server
    location / { proxy_pass http://unix:%DIR%/app.sock:; }
END2

    return $self;
}

sub keygen {
    my ($name) = @_;
    system("$Fraud::TOP/build/fraudctl", 'escrow', 'keygen', $name) == 0
        or die "no keys\n";
}

# ask(name => value of an argument..., from =>, cookie =>): the status

sub ask {
    my ($self, %args) = @_;
    my %more = (from => delete $args{from} // '192.0.2.1');
    my $path = delete $args{path} // '/';

    $more{$_} = delete $args{$_} for grep { /^[A-Z]/ } keys %args;
    return Policies::ask($self->{nginx}, 'asogen', "$path?"
        . join('&', map { "$_=$args{$_}" } sort keys %args), %more)->{status};
}

# ask_all(args, accounts...): the same of many at once; how many answers

sub ask_all {
    my ($self, $args, @accounts) = @_;
    return Policies::send_all($self->{nginx}, 'asogen',
                              uris($args, @accounts));
}

sub uris {
    my ($args, @accounts) = @_;
    my $query = join '&', map { "$_=$args->{$_}" } sort keys %$args;
    return map { "/?$query&as=$_" } @accounts;
}

sub files {
    my ($self) = @_;
    return sort glob "$self->{spool}/*.spool";
}

# records(file): [seq, text] each, in order; what is torn or changed is undef

sub records {
    my ($path) = @_;
    my ($writer) = $path =~ m{([0-9a-f]{16})\.[0-9a-f]{16}\.spool$}
        or die "$path is no file of a spool\n";
    my @records;

    open my $in, '<', $path or die "$path: $!\n";
    while (my $line = <$in>) {
        push @records, $line =~ /\A([0-9a-f]{16}) ([0-9a-f]{8}) (.*)\n\z/
            && crc32c("$writer $1 $3") == hex $2 ? [hex $1, $3] : undef;
    }
    return @records;
}

# events(): all there are, read, in order of files

sub events {
    my ($self) = @_;
    return map { decode_json($_->[1]) } grep { $_ && $_->[1] ne 'end' }
        map { records($_) } $self->files;
}

# grows(n): whether n events are there, soon; settled(n): and nginx knows

sub grows {
    my ($self, $n, $seconds) = @_;
    return Fraud::wait_for(sub { my @e = $self->events; @e >= $n }, $seconds);
}

sub flags {
    my ($self) = @_;
    return $self->{nginx}->status->{flags};
}

sub settled {
    my ($self, $n) = @_;
    return Fraud::wait_for(sub {
        my $flags = $self->flags;
        return $flags->{waiting} == 0 && $flags->{written} >= $n;
    });
}

# unseal(event): the account in it

sub unseal {
    my ($self, $event, $context) = @_;
    my $tool = "$self->{dir}/unseal";

    system('cc', '-std=c99', "-I$Fraud::TOP/lib", '-o', $tool,
           "$Fraud::TOP/t/lib/unseal.c", "$Fraud::TOP/lib/fraud_seal.c",
           '-lsodium') == 0 or die "cannot compile unseal\n" if !-e $tool;

    open my $out, '-|', $tool, "$self->{dir}/billing.key",
        $context // $event->{id}, $event->{data}{subject}{seal} or die "$!\n";
    my $account = <$out>;
    close $out;
    return $account;
}

# valid(event...): what the schema has against them, nothing if all is well

sub valid {
    my ($self, @events) = @_;
    my $path = "$self->{dir}/events.json";

    open my $file, '>', $path or die "$path: $!\n";
    print $file encode_json(\@events);
    close $file or die "$path: $!\n";

    my $said = `python3 $Fraud::TOP/t/lib/valid.py \\
        $Fraud::TOP/conf/schema/flag-1.0.json $path 2>&1`;
    return $? ? "$said" || 'python3 failed' : '';
}

1;
