package Policies;

# Privacy policies for tests: the shipped ones, or such with other settings,
# and what "nginx -t" says of a configuration under them.

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp;
use IO::Socket::UNIX;

use Fraud;

# text(name, setting => value...): a shipped policy but for these lines; its
# comments stay

sub text {
    my ($name, %other) = @_;
    my $path = "$Fraud::TOP/conf/policies/$name.policy";

    open my $in, '<', $path or die "$path: $!\n";
    my $text = do { local $/; <$in> };

    for my $setting (sort keys %other) {
        $text =~ s/^\Q$setting\E = .*(?:\n[ \t]+.*)*/$setting = $other{$setting}/m
            or die "$name has no $setting\n";
    }
    return $text;
}

# files(): all shipped ones, as Fraud->new takes them

sub files {
    return map { ("$_.policy" => text($_)) }
        qw(apsen-mail asergo aseptsoft asogen default kirim-email);
}

# server(name, lines): a server of its own under the policy in NAME.policy

sub server {
    my ($name, $lines) = @_;
    return <<"END";
    server {
        listen unix:%DIR%/$name.sock;
        set_real_ip_from unix:;
        real_ip_header X-Forwarded-For;
        fraud_policy %DIR%/$name.policy;
        $lines
    }
END
}

# ask(nginx, name, uri, from =>, method =>, name => value of a header...): what
# that server answers, as Fraud's get

sub ask {
    my ($nginx, $name, $uri, %headers) = @_;

    my $socket = IO::Socket::UNIX->new(Peer => "$nginx->{dir}/$name.sock")
        or die "$name: $!\n";

    my $from = delete $headers{from};
    my $method = delete $headers{method} || 'GET';
    $headers{'X-Forwarded-For'} = $from if defined $from;

    my $head = join '', map { "$_: $headers{$_}\r\n" }
        grep { defined $headers{$_} } sort keys %headers;

    print $socket "$method $uri HTTP/1.1\r\nHost: localhost\r\n$head"
        . "Connection: close\r\n\r\n";
    return $nginx->receive($socket);
}

# pipeline(nginx, name, uris...): a connection on which all were sent

sub pipeline {
    my ($nginx, $name, @uris) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => "$nginx->{dir}/$name.sock")
        or die "$name: $!\n";
    my $last = pop @uris;

    print $socket map { "GET $_ HTTP/1.1\r\nHost: localhost\r\n\r\n" } @uris;
    print $socket "GET $last HTTP/1.1\r\nHost: localhost\r\n"
        . "Connection: close\r\n\r\n";

    return $socket;
}

# send_all(nginx, name, uris...): so, and how many answers there were

sub send_all {
    my ($nginx, @more) = @_;
    my $raw = $nginx->receive(pipeline($nginx, @more))->{raw};
    my $answers = () = $raw =~ m{HTTP/1\.1 \d}g;
    return $answers;
}

# entries(nginx, policy): those of logs/POLICY.log.HOUR, without the chain

sub entries {
    my ($nginx, $policy) = @_;
    my $path = "$nginx->{dir}/logs/$policy.log";
    my $log = join '', map { $nginx->slurp(s{.*/}{logs/}r) }
        sort glob "$path.[0-9]*";

    $log =~ s/^\{"(?:segment|closed)":.*\n//mg;
    $log =~ s/,"chain":"[0-9a-f]{8}\.[0-9a-f]{64}"\}$/}/mg;
    return $log;
}

# test(http =>, server =>, servers =>, files => { name => text }, user =>): the
# exit status of "nginx -t" and its messages, one a line, [level] first; %DIR%
# is where the files are

sub test {
    my (%conf) = @_;
    my $dir = File::Temp->newdir('fraud-policy-XXXXXX', TMPDIR => 1);
    my %files = (files(), %{ $conf{files} || {} });
    my $modules = join "\n", map { "load_module $_;" }
        grep { length } split ' ', $ENV{TEST_NGINX_LOAD_MODULES} || '';
    my $user = $> == 0 ? 'user ' . ($conf{user} || 'root') . ';' : '';
    my $binary = $ENV{TEST_NGINX_BINARY} || 'nginx';

    mkdir "$dir/logs";
    $conf{$_} //= '' for qw(http server servers);

    my $text = <<"END";
$modules
$user
pid %DIR%/nginx.pid;
error_log %DIR%/logs/error.log;
events { worker_connections 64; }
http {
access_log off;
$conf{http}
server {
listen 127.0.0.1:1;
$conf{server}
}
$conf{servers}
}
END

    $files{'nginx.conf'} = $text;

    for my $name (keys %files) {
        (my $content = $files{$name}) =~ s/%DIR%/$dir/g;
        make_path(dirname("$dir/$name"));
        open my $out, '>', "$dir/$name" or die "$dir/$name: $!\n";
        print $out $content;
        close $out or die "$dir/$name: $!\n";
    }

    my $said = `$binary -t -p $dir/ -c $dir/nginx.conf -e $dir/logs/e 2>&1`;
    my $status = $? >> 8;

    my @messages;
    push @messages, $1 while $said =~ /^nginx: (\[\w+\] .*)$/mg;

    return ($status, map { s/\Q$dir\E/%DIR%/gr } @messages);
}

1;
