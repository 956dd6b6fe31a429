package Spool;

# Spools, record by record: what mkflags wrote, and what nobody would write.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use JSON::PP;

my $json = JSON::PP->new->canonical;

my @table = map {
    my $crc = $_;
    $crc = $crc & 1 ? $crc >> 1 ^ 0x82f63b78 : $crc >> 1 for 1 .. 8;
    $crc;
} 0 .. 255;

sub crc {
    my ($text) = @_;
    my $crc = 0xffffffff;

    $crc = $crc >> 8 ^ $table[($crc ^ $_) & 255] for unpack 'C*', $text;
    return $crc ^ 0xffffffff;
}

sub line {
    my ($writer, $seq, $event) = @_;
    my $number = sprintf '%016x', $seq;

    return sprintf "%s %08x %s\n", $number, crc("$writer $number $event"),
        $event;
}

# read(dir): events of all files, decoded, without ends

sub read_dir {
    my ($dir) = @_;
    my @events;

    for my $file (sort glob "$dir/*.spool") {
        open my $in, '<', $file or die "$file: $!\n";
        push @events, map { /^\S+ \S+ (\{.*)$/ ? decode_json($1) : () } <$in>;
    }
    return @events;
}

sub copy { return decode_json($json->encode($_[0])) }

# writer(dir, name): appends to a spool of its own

sub writer {
    my ($class, $dir, $name) = @_;
    return bless { dir => $dir, name => $name, seq => 0 }, $class;
}

sub append {
    my ($self, $bytes) = @_;
    my $file = sprintf '%s/%s.%016x.spool', $self->{dir}, $self->{name}, 0;

    open my $out, '>>', $file or die "$file: $!\n";
    print $out $bytes;
    close $out or die "$file: $!\n";
}

sub raw {
    my ($self, $event) = @_;
    $self->append(line($self->{name}, $self->{seq}, $event));
    return $self->{seq}++;
}

# event(event): as if this writer had raised it

sub event {
    my ($self, $event) = @_;
    $event->{data}{origin}{boot} //= $self->{name};
    $event->{data}{origin}{seq} //= $self->{seq};
    $event->{sequence} //= sprintf '%018d', $self->{seq};
    return $self->raw($json->encode($event));
}

sub as_is { return $_[0]->raw($json->encode($_[1])) }

# fresh(event): a copy without an origin

sub fresh {
    my ($event) = @_;
    my $copy = copy($event);

    delete @{ $copy->{data}{origin} }{qw(boot seq)};
    delete $copy->{sequence};
    return $copy;
}

sub ms {
    my ($time) = @_;
    my ($y, $m, $d, $h, $min, $s, $ms) =
        $time =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)\.(\d+)Z$/ or die $time;

    require Time::Local;
    return 1000 * Time::Local::timegm($s, $min, $h, $d, $m - 1, $y) + $ms;
}

# root(event): its evidence is what it says now

sub root {
    my ($event) = @_;
    my $data = $event->{data};
    my $rule = $data->{rules}[0];
    my $e = $data->{evidence};

    $e->{root} = 'sha256:' . sha256_hex(join '', map { "$_\n" } $event->{id},
        "$rule->{id} $rule->{version}",
        "$rule->{window_s} $rule->{threshold} $rule->{observed}",
        ms($e->{first}) . ' ' . ms($e->{last}), @{ $e->{names} });
    return $event;
}

1;
