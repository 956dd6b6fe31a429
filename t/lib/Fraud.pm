package Fraud;

# An nginx of a test's own, for what data-driven blocks cannot say: signals,
# time, several connections at once. Everything is in one temporary directory.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp;
use IO::Select;
use IO::Socket::INET;
use POSIX qw(:sys_wait_h);
use Test::More ();
use Time::HiRes qw(sleep time clock_gettime CLOCK_MONOTONIC);

use Ends;
use Ports;

our $TOP = abs_path(dirname(__FILE__) . '/../..');

# a slow (sanitized) nginx on a busy machine still answers in this time
our $PATIENCE = 30;

# new(http =>, server =>, main =>, workers =>, http2 =>, realip =>, files =>
# { name => text }): start

sub new {
    my ($class, %conf) = @_;
    my $dir = File::Temp->newdir('fraud-XXXXXX', TMPDIR => 1);
    my $self = bless { conf => {%conf}, dir => $dir, generation => 0 }, $class;

    mkdir "$dir/logs" or die "$dir/logs: $!\n";

    my $files = delete $self->{conf}{files} || {};
    $self->put($_, $files->{$_}) for keys %$files;

    for (1 .. 20) {
        $self->{port} = free_port();
        $self->write_conf;
        return $self if $self->launch;
    }

    die 'nginx does not start: ' . $self->error_log . "\n";
}

sub launch {
    my ($self) = @_;
    my $binary = $ENV{TEST_NGINX_BINARY} || 'nginx';

    $self->{pid} = fork() // die "fork: $!\n";

    if ($self->{pid} == 0) {
        open STDOUT, '>>', "$self->{dir}/logs/out";
        open STDERR, '>&', \*STDOUT;
        no warnings 'exec';
        exec $binary, '-p', "$self->{dir}/", '-c', "$self->{dir}/nginx.conf",
            '-e', "$self->{dir}/logs/error.log";
        POSIX::_exit(1);
    }

    my $up = wait_for(sub {
        waitpid($self->{pid}, WNOHANG) and return 1;
        return $self->generation eq $self->{generation};
    });

    return $up && kill 0, $self->{pid};
}

sub free_port { return Ports::free() }

sub write_conf {
    my ($self) = @_;
    my %conf = (main => '', http => '', server => '', workers => 1,
                http2 => 0, realip => 1, user => 'root', %{ $self->{conf} });
    my $modules = join "\n", map { "load_module $_;" }
        grep { length } split ' ', $ENV{TEST_NGINX_LOAD_MODULES} || '';
    my $user = $> == 0 ? "user $conf{user};" : '';
    my ($listen, $http2, $realip) = ('', '', '');

    chmod 0711, $self->{dir} or die "$self->{dir}: $!\n"
        if $conf{user} ne 'root';
    if ($conf{realip}) {
        $realip = 'set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;';
    }

    if ($conf{http2}) {
        ($listen, $http2) = version() >= 1025001 ? ('', 'http2 on;')
                                                 : (' http2', '');
    }

    $self->put('nginx.conf', $self->expand(<<"END"));
$modules
$user
daemon off;
pid logs/nginx.pid;
worker_processes $conf{workers};
worker_rlimit_nofile 4096;
error_log logs/error.log info;
$conf{main}
events { worker_connections 2048; }
http {
    access_log off;
    $realip
    client_body_temp_path temp;
    proxy_temp_path temp;
    fastcgi_temp_path temp;
    uwsgi_temp_path temp;
    scgi_temp_path temp;
    $conf{http}
    server {
        listen 127.0.0.1:$self->{port}$listen;
        $http2
        location = /generation { fraud off; return 200 $self->{generation}; }
        $conf{server}
    }
}
END
}

sub version {
    my $text = `$ENV{TEST_NGINX_BINARY} -v 2>&1` if $ENV{TEST_NGINX_BINARY};
    $text ||= `nginx -v 2>&1`;
    return $text =~ m{/(\d+)\.(\d+)\.(\d+)} ? $1 * 1000000 + $2 * 1000 + $3
                                            : 0;
}

# %DIR% in a configuration is the directory

sub expand {
    my ($self, $text) = @_;
    $text =~ s/%DIR%/$self->{dir}/g;
    return $text;
}

# reload(http =>, server =>, ...): with these parts changed, and wait until no
# worker of the old configuration is left

sub reload {
    my ($self, %conf) = @_;

    $self->{conf} = { %{ $self->{conf} }, %conf };
    $self->{generation}++;
    $self->write_conf;

    my %old = map { $_ => 1 } $self->workers;
    kill 'HUP', $self->{pid};

    return wait_for(sub {
        my @now = $self->workers;
        return @now && !grep({ $old{$_} } @now)
            && $self->generation eq $self->{generation};
    });
}

sub workers {
    my ($self) = @_;
    my @workers;

    for my $path (glob '/proc/[0-9]*/stat') {
        open my $in, '<', $path or next;
        my $line = <$in> // next;
        push @workers, $1
            if $line =~ /^(\d+) \(.*\) \S (\d+) / && $2 == $self->{pid};
    }
    return @workers;
}

sub generation {
    my ($self) = @_;
    my $text;

    if ($self->{conf}{http2}) {
        $text = `curl -sS --http2-prior-knowledge $self->{curl_more} \\
                 http://127.0.0.1:$self->{port}/generation 2>/dev/null`
            for $self->{curl_more} //= '--max-time 5';
    } else {
        $text = $self->get('/generation')->{body};
    }
    return $text // '';
}

# send(uri, from =>, method =>, body =>, name => value of a header...): a
# connection on which a request was sent

sub send {
    my ($self, $uri, %more) = @_;
    my $method = delete $more{method} || 'GET';
    my $from = delete $more{from};
    my $body = delete $more{body};

    $more{'X-Forwarded-For'} = $from if defined $from;
    $more{'Content-Length'} = length $body if defined $body;

    my $head = join '', map { "$_: $more{$_}\r\n" } sort keys %more;

    return $self->send_raw("$method $uri HTTP/1.1\r\nHost: localhost\r\n"
        . "Connection: close\r\n$head\r\n" . ($body // ''));
}

sub send_raw {
    my ($self, $bytes) = @_;
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $self->{port},
        Timeout => $PATIENCE) or return;

    $socket->autoflush(1);
    local $SIG{PIPE} = 'IGNORE';
    print $socket $bytes;
    return $socket;
}

# receive(socket): all up to its end, as { status, headers, body, raw }

sub receive {
    my ($self, $socket) = @_;
    my $raw = '';
    my $end = time + $PATIENCE;

    while ($socket) {
        IO::Select->new($socket)->can_read($end - time) or last;
        sysread($socket, $raw, 65536, length $raw) or last;
    }

    my ($head, $body) = split /\r\n\r\n/, $raw, 2;
    my ($line, @lines) = split /\r\n/, $head // '';
    my %headers;

    for (@lines) {
        my ($name, $value) = split /:\s*/, $_, 2;
        $headers{lc $name} = $value;
    }

    return {
        status  => ($line // '') =~ m{^HTTP/\S+ (\d+)} ? $1 : 0,
        headers => \%headers,
        body    => $body // '',
        raw     => $raw,
    };
}

sub get {
    my ($self, $uri, %more) = @_;
    return $self->receive($self->send($uri, %more));
}

# fraud(uri, ...): what the header X-Fraud of its response says

sub fraud {
    my ($self, $uri, %more) = @_;
    return $self->get($uri, %more)->{headers}{'x-fraud'} // 'none';
}

sub status {
    my ($self, $uri) = @_;
    require JSON::PP;
    return JSON::PP::decode_json($self->get($uri // '/status')->{body});
}

# second(): of the clock by which seals are counted

sub second { return int clock_gettime(CLOCK_MONOTONIC) }

# wait_for(condition, seconds): whether it came true in that time

sub wait_for {
    my ($condition, $seconds) = @_;
    my $end = time + ($seconds // $PATIENCE);

    while (1) {
        return 1 if $condition->();
        return 0 if time > $end;
        sleep 0.05;
    }
}

sub put {
    my ($self, $name, $text) = @_;
    open my $out, '>', "$self->{dir}/$name" or die "$name: $!\n";
    print $out $text;
    close $out or die "$name: $!\n";
}

# as an operator should: the file is never seen half written

sub replace {
    my ($self, $name, $text) = @_;
    $self->put("$name.new", $text);
    rename "$self->{dir}/$name.new", "$self->{dir}/$name"
        or die "$name: $!\n";
}

sub slurp {
    my ($self, $name) = @_;
    open my $in, '<', "$self->{dir}/$name" or return '';
    local $/;
    return <$in> // '';
}

sub error_log {
    my ($self) = @_;
    return $self->slurp('logs/error.log') . $self->slurp('logs/out');
}

sub signal {
    my ($self, $signal) = @_;
    kill $signal, $self->{pid};
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return 0;

    # a test's own exit status is not that of its nginx
    local ($?, $!);

    kill 'TERM', $pid;
    my $gone = wait_for(sub { waitpid($pid, WNOHANG) });
    my $status = $?;

    if (!$gone) {
        kill 'KILL', $pid;
        waitpid $pid, 0;
        return 0;
    }
    return $status == 0;
}

# ends(allowed): two tests, an orderly end and nothing bad in the error log but
# lines that match ${allowed}

sub ends {
    my ($self, $allowed) = @_;

    Test::More::ok($self->stop, 'nginx ends in order');
    my @bad = grep { /\[(?:error|alert|emerg|crit)\]|Sanitizer|runtime error/
                     && !($allowed && /$allowed/) }
        split /\n/, $self->error_log;
    Test::More::is("@bad", '', 'nothing bad in the error log');
}

sub DESTROY {
    my ($self) = @_;
    $self->stop;
}

1;
