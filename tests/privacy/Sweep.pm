package Sweep;

# A stack with all that may leak, the traffic that tries it, and the search.

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(sha1_hex sha256_hex);
use File::Find ();
use IO::Socket::INET;
use IO::Socket::UNIX;
use MIME::Base64 qw(encode_base64);
use Socket qw(SOCK_DGRAM inet_aton);
use Time::HiRes qw(sleep);

use FindBin;
use lib "$FindBin::Bin/../redis";

use Policies;
use Redis;
use Spool;

use parent -norequire, 'Fraud';

# What goes in, by channel. Addresses are those of real connections, or of a
# proxy that nginx is told to trust.

our %CANARY = (
    v4        => '127.77.3.9',
    v6        => '2001:db8:77::c0de',
    mapped    => '203.0.113.77',
    forwarded => '198.51.100.177',
    proxied   => '203.0.113.199',
    path      => 'pathk4n4ry',
    query     => 'queryk4n4ry',
    email     => 'anna.k4n4ry@mail.example',
    host      => 'hostk4n4ry.example',
    referer   => 'refererk4n4ry.example',
    refquery  => 'refqueryk4n4ry',
    agent     => 'agentk4n4ry',
    cookie    => 'cookiek4n4ry',
    user      => 'userk4n4ry@mail.example',
    password  => 'passk4n4ry',
    form      => 'formk4n4ry',
    json      => 'jsonk4n4ry',
    pan       => '4111111111111111',
    badline   => 'lineK4N4RY',
    header    => 'headerk4n4ry',
    oversized => 'bigk4n4ry',
    method    => 'METHODK',
    sni       => 'snik4n4ry.example',
    upstream  => 'upstreamk4n4ry',
    h2        => 'h2k4n4ry',
    account   => 'accountk4n4ry@mail.example',
    amount    => 'pricek4n4ry',
);

# what plain nginx writes nowhere, whatever its logs

my %NEVER = map { $_ => 1 } qw(password sni);

sub channels { return sort keys %CANARY }

sub never_logged { return $NEVER{$_[0]} }

# What the fields of a policy's security log show of it: no more than that, in
# no other place, and as it was. An e-mail is none of this, wherever it stood.

my %SHOWN = (
    path              => [qw(path badline h2 upstream)],
    referer_host      => [qw(referer)],
    referer_host_path => [qw(referer)],
);

sub permitted {
    my ($policy) = @_;
    my $path = policy_file($policy);
    open my $in, '<', $path or die "$path: $!\n";
    my ($fields) = map { /^\s*log\.fields\s*=\s*([^;#]*)/ ? $1 : () } <$in>;
    my @channels = map { @{ $SHOWN{$_} || [] } }
        split /[\s,]+/, $fields // '';
    my @forms = qw(raw begin end);
    return { map { my $channel = $_;
                   map { ("$channel $_ logs/fraud.log" => 1) } @forms }
        @channels };
}

# what makes state of all that the policy lets it make state of

my $PERSONS = <<'END';
    fraud_identity app $cookie_sid kind=session;
    fraud_identity login $arg_email;
    fraud_identity account $upstream_http_x_account verified;
    fraud_rate busy account rate=1r/m on=response points=1;
    fraud_rate guess login rate=1r/m points=9;
    fraud_rate visits app rate=1r/m points=9;
    fraud_distinct agents app of=$http_user_agent max=1 window=1h points=9;
    fraud_distinct pages address of=$uri$arg_q max=2 window=1h points=9;
    fraud_distinct logins address of=$arg_email max=1 window=1h points=9;
    fraud_reputation address half_life=1h;
END
my %RULES = (
    asogen       => $PERSONS . <<'END',
    fraud_spool %DIR%/spool key=%DIR%/billing.pub;
    fraud_signal asked if=$arg_as points=1;
    fraud_flag theft account if=$arg_as window=30d signals=1
        damage=resource_metered amount=$upstream_http_x_cost currency=EUR;
END
    aseptsoft    => $PERSONS,
    'apsen-mail' => $PERSONS . 'fraud_identity device $cookie_sid kind=device; '
        . 'fraud_rate devices device rate=1r/m points=9;',
    asergo       => <<'END',
    fraud_escrow %DIR%/escrow.pub;
    fraud_identity account $upstream_http_x_account verified;
    fraud_rate busy account rate=1r/m on=response points=1;
    fraud_distinct agents address of=$http_user_agent$http_referer max=1
        window=1h points=9;
    fraud_reputation address half_life=1h;
END
);

# formats(): of the status that this module has

my @formats;

sub formats {
    @formats = grep {
        my ($status) = Policies::test(
            server => "location / { fraud_status $_; }");
        $status == 0;
    } qw(json prometheus html) if !@formats;
    return @formats;
}

# log.ip of the policy is keyed

sub names_addresses {
    my ($policy) = @_;
    my $path = policy_file($policy);
    open my $in, '<', $path or die "$path: $!\n";
    return scalar grep { /^\s*log\.ip\s*=\s*keyed\b/ } <$in>;
}

sub policy_file { return "$Fraud::TOP/conf/policies/$_[0].policy" }

sub new {
    my ($class, %conf) = @_;
    my $self = Fraud::new($class, workers => 1, %conf);

    # a copy of all that was sent to syslog
    $self->{syslog} = '';
    return $self;
}

# redis(): a server that hides nothing of what it is told, and all that it is
# told by others, in a file

sub redis {
    my $redis = Redis->new(args => ['--appendonly', 'yes', '--appendfsync',
        'always', '--rdbcompression', 'no', '--slowlog-log-slower-than', 0,
        '--slowlog-max-len', 100000, '--notify-keyspace-events', 'KEA']);
    my $told = "$redis->{dir}/monitor";

    Redis::child(sub {
        open STDOUT, '>', $told;
        open STDERR, '>&', \*STDOUT;
        exec Redis::cli(), '-s', $redis->{path}, 'monitor';
    });
    Fraud::wait_for(sub {
        $redis->cmd('PING');
        return -s $told && -s $told > 3;
    }) or die "no monitor\n";
    return $redis;
}

# redis_text(redis): name => bytes of all that is left of it

sub redis_text {
    my ($redis) = @_;
    my %text;

    $redis->cmd('SAVE');
    for my $query ('SLOWLOG GET 100000', 'ACL LOG', 'CLIENT LIST') {
        my $said = $redis->cmd(split / /, $query);
        $text{"redis $query"} = flat($said);
    }
    File::Find::find(sub {
        -f or return;
        open my $in, '<:raw', $_ or die "$_: $!\n";
        local $/;
        my $name = $File::Find::name =~ s{^\Q$redis->{dir}\E/}{}r;
        $text{"redis $name"} = <$in> // '';
    }, $redis->{dir});
    return %text;
}

sub flat {
    my ($said) = @_;
    return ref $said ? join("\n", map { flat($_) } @$said) : $said // '';
}

sub write_conf {
    my ($self) = @_;
    my $dir = $self->{dir};
    my $policy = $self->{conf}{policy};
    my $module = defined $policy;
    my $modules = join "\n", map { "load_module $_;" }
        grep { length } split ' ', $ENV{TEST_NGINX_LOAD_MODULES} || '';
    my ($fraud, $status, $format, $key) = ('', '', 'combined', '');
    my $enforce = '';

    $self->{port_proxy} //= Fraud::free_port();
    $self->{port_tls} //= Fraud::free_port();
    $self->{port_back} //= Fraud::free_port();
    $self->{port_none} //= Fraud::free_port();
    $self->prepare;

    if ($module) {
        my $file = policy_file($policy);
        $fraud = "fraud observe; fraud_log logs/fraud.log;"
            . " fraud_policy $file;"
            . ' fraud_rate all address rate=1r/m points=9;'
            . ($RULES{$policy} // '')
            . ($self->{conf}{redis}
               ? "fraud_redis unix:$self->{conf}{redis}{path};"
                 . ' fraud_redis_timeout 2s;' : '')
            . " include $Fraud::TOP/conf/rules/combined.conf;";
        $status = join "\n", map { "location = /status/$_ { fraud off; "
            . "access_log off; fraud_status $_; }" } formats();
        $format = 'fraud_combined';
        $enforce = 'fraud enforce;';
        $key = 'proxy_cache_key $scheme$proxy_host$uri;';
    }
    $modules = '' if !$module;

    my $http2 = Fraud::version() >= 1025001 ? '' : 'http2';
    my $http2_on = $http2 ? '' : 'http2 on;';

    $self->put('nginx.conf', $self->expand(<<"END"));
$modules
@{[ $> == 0 ? 'user root;' : '' ]}
daemon off;
pid logs/nginx.pid;
worker_processes $self->{conf}{workers};
worker_rlimit_core 500m;
working_directory %DIR%/cores;
error_log logs/error.log info;
error_log syslog:server=unix:%DIR%/syslog.sock,nohostname info;
events { worker_connections 256; }
http {
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Forwarded-For;
    client_body_temp_path temp/body;
    proxy_temp_path temp/proxy;
    fastcgi_temp_path temp/fastcgi;
    uwsgi_temp_path temp/uwsgi;
    scgi_temp_path temp/scgi;
    proxy_cache_path %DIR%/cache keys_zone=cached:1m;
    limit_req_zone \$binary_remote_addr zone=one:1m rate=1r/m;
    limit_conn_zone \$binary_remote_addr zone=conns:1m;
    client_body_buffer_size 1k;
    client_header_buffer_size 1k;
    large_client_header_buffers 2 2k;
    client_max_body_size 8k;
    rewrite_log on;
    $fraud
    access_log logs/access.log $format;

    server {
        listen 127.0.0.1:$self->{port};
        listen 127.0.0.1:$self->{port_proxy} proxy_protocol;
        listen 127.0.0.1:$self->{port_tls} ssl $http2;
        $http2_on
        server_name site.test;
        ssl_certificate %DIR%/cert.pem;
        ssl_certificate_key %DIR%/cert.key;
        root %DIR%/html;
        location = /generation {
            access_log off;
            return 200 $self->{generation};
        }
        $status
        location /limited/ { limit_req zone=one; }
        location /conns/ {
            limit_conn conns 1;
            limit_rate 1k;
        }
        location /down/ { proxy_pass http://127.0.0.1:$self->{port_none}; }
        location /back/ { proxy_pass http://127.0.0.1:$self->{port_back}; }
        location /account/ {
            $enforce
            proxy_pass http://127.0.0.1:$self->{port_back};
        }
        location /cached/ {
            proxy_cache cached;
            proxy_cache_valid 1m;
            $key
            proxy_pass http://127.0.0.1:$self->{port_back};
        }
        location /auth/ {
            error_log logs/location.log info;
            auth_basic closed;
            auth_basic_user_file %DIR%/users;
        }
        location /rewritten/ { rewrite ^/rewritten/(.*) /gone/\$1 last; }
        location /dir/ { autoindex off; }
        location /denied/ { deny all; }
    }

    server {
        listen 127.0.0.1:$self->{port};
        server_name other.test;
        error_log logs/server.log info;
        error_log syslog:server=unix:%DIR%/syslog.sock,nohostname info;
        location / { root %DIR%/html; }
        location /down/ { proxy_pass http://127.0.0.1:$self->{port_none}; }
    }

    # it vouches for whoever ?as= names
    server {
        listen 127.0.0.1:$self->{port_back};
        access_log off;
        location / {
            add_header X-Back "a";
            add_header X-Account \$arg_as;
            add_header X-Cost \$arg_cost;
            return 200 "back";
        }
    }
}
END
}

sub prepare {
    my ($self) = @_;
    my $dir = $self->{dir};

    for (qw(temp cores spool html html/dir html/conns html/limited)) {
        mkdir "$dir/$_" if !-d "$dir/$_";
    }
    return if -e "$dir/cert.pem";

    $self->put('users', "somebody:{PLAIN}x\n");
    $self->put('html/conns/big', 'x' x 65536);
    Spool::keygen("$dir/$_") for qw(billing escrow);
    system("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=site.test"
        . " -days 2 -keyout $dir/cert.key -out $dir/cert.pem 2>$dir/openssl")
        == 0 or die "openssl req failed\n";
    unlink "$dir/openssl";

    $self->{socket} = IO::Socket::UNIX->new(
        Type => SOCK_DGRAM, Local => "$dir/syslog.sock")
        or die "$dir/syslog.sock: $!\n";
    $self->{socket}->blocking(0);
}

sub generation {
    my ($self) = @_;
    return $self->get('/generation')->{body} // '';
}

sub drain {
    my ($self) = @_;
    my $line;
    while ($self->{socket} && defined $self->{socket}->recv($line, 65536)) {
        last if !length $line;
        $self->{syslog} .= "$line\n";
    }
}

# from(address, port): a connection from there

sub from {
    my ($self, $address, $port) = @_;
    my $socket = IO::Socket::INET->new(
        LocalAddr => $address, PeerAddr => '127.0.0.1',
        PeerPort => $port // $self->{port}, Timeout => $Fraud::PATIENCE)
        or die "no connection: $@\n";
    $socket->autoflush(1);
    return $socket;
}

# ask(bytes, from, port): what comes back, if anything

sub ask {
    my ($self, $bytes, $from, $port) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $socket = $self->from($from // $CANARY{v4}, $port);
    print $socket $bytes;
    my $answer = $self->receive($socket);
    $self->drain;
    return $answer;
}

sub request {
    my ($self, $line, $more, $body) = @_;
    my $length = defined $body ? 'Content-Length: ' . length($body) . "\r\n"
                               : '';
    $line .= ' HTTP/1.1' if $line !~ / HTTP/;
    $more = "Host: site.test\r\n" . ($more // '')
        if ($more // '') !~ /^Host:/m;
    return "$line\r\n${more}Connection: close\r\n$length\r\n" . ($body // '');
}

sub traffic {
    my ($self) = @_;
    my %c = %CANARY;
    my $all = "Host: $c{host}\r\n"
        . "Referer: http://$c{referer}/?r=$c{refquery}\r\n"
        . "User-Agent: $c{agent} $c{email}\r\nCookie: sid=$c{cookie}\r\n"
        . "X-Account: $c{header}\r\n";
    my $uri = "$c{path}/$c{email}?q=$c{query}&email=$c{email}&pan=$c{pan}";
    my $port = $self->{port};

    # every place, with everything

    for my $place ('/', '/limited/', '/limited/', '/limited/', '/down/',
                   '/auth/', '/rewritten/', '/denied/', '/dir/', '/back/')
    {
        $self->ask($self->request("GET $place$uri", $all));
        $self->ask($self->request("GET $place$uri",
            "Host: other.test\r\nReferer: $c{referer}/$c{refquery}\r\n"
            . "Cookie: a=$c{cookie}\r\n"));
    }
    $self->ask($self->request("GET /dir/", $all));
    $self->ask($self->request("GET /down/$c{upstream}?u=$c{upstream}", $all));

    $self->ask($self->request("GET /cached/page?q=$c{query}&e=$c{email}", $all))
        for 1 .. 2;

    # an application that vouches for an account, and says what it cost

    $self->ask($self->request(
        "GET /account/$c{path}?as=$_->[0]&cost=$_->[1]", $all))
        for [$c{account}, $c{amount}], [$c{email}, 1234], [$c{pan}, $c{pan}],
            [$c{oversized} x 60, 1];

    # quotes, as in JSON, and what only looks like nginx's own words

    $self->ask($self->request(
        "GET /{\"mail\":\"$c{email}\",\"pan\":$c{pan}}", $all));
    $self->ask($self->request(
        "GET /x\",client:$c{v4},host:\"$c{path}", $all));
    $self->ask($self->request('GET /%70%61%74%68k4n4ry%0d%0a' . $c{path}));

    # users

    my $basic = encode_base64("$c{user}:$c{password}", '');
    $self->ask($self->request("GET /auth/",
        "Host: site.test\r\nAuthorization: Basic $basic\r\n"));
    $basic = encode_base64("somebody:$c{password}", '');
    $self->ask($self->request("GET /auth/",
        "Host: site.test\r\nAuthorization: Basic $basic\r\n"));

    # bodies: in memory, on disk, refused, sent to nobody

    my $form = "login=$c{user}&password=$c{password}&field=$c{form}";
    my $json = qq({"mail":"$c{email}","field":"$c{json}","card":"$c{pan}"});

    for my $place ('/back/', '/down/', '/') {
        for my $body ($form, $json, $json . ' ' x 4000, $json . ' ' x 9000) {
            $self->ask($self->request("POST $place?form=$c{form}&j=$c{json}",
                $all, $body));
        }
    }

    # before any request: no line, no method, no header

    $self->ask("$c{badline} / nonsense $c{badline}\r\n\r\n");
    $self->ask("$c{method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    $self->ask($c{method} . "{ /$c{badline} HTTP/1.1\r\n\r\n");
    $self->ask("GET /$c{badline} HTTP/9.9\r\n\r\n");
    $self->ask("GET /$c{badline}\r\n");
    $self->ask($self->request('GET /',
        "Host: site.test\r\n$c{header} $c{email}: x\r\n"));
    $self->ask($self->request('GET /',
        "Host: site.test\r\nX-$c{header}: a\0$c{email}\r\n"));
    $self->ask($self->request('GET /',
        "Host: site.test\r\nHost: $c{host}\r\n"));
    $self->ask($self->request('GET /', "Host: $c{host} $c{email}\r\n"));
    $self->ask($self->request('GET /', "Host: site.test\r\nX-Long: "
        . "$c{oversized} " x 400 . "\r\n"));
    $self->ask($self->request('GET /' . $c{oversized} x 400));
    $self->ask($self->request('GET /', "Host: site.test\r\n"
        . 'Cookie: sid=' . $c{cookie} x 400 . "\r\n"));
    $self->ask($self->request("POST /$c{path}",
        "Host: site.test\r\nTransfer-Encoding: $c{header}\r\n"));
    $self->ask($self->request("POST /back/$c{path}",
        "Host: site.test\r\nTransfer-Encoding: chunked\r\n", "zz$c{form}\r\n"));

    # behind proxies

    for my $address ($c{forwarded}, $c{v6}, "::ffff:$c{mapped}",
                     "$c{forwarded}, $c{mapped}")
    {
        for my $place ('/', '/limited/', '/limited/', '/down/', '/auth/') {
            $self->ask($self->request("GET $place$uri",
                "Host: site.test\r\nX-Forwarded-For: $address\r\n"),
                '127.0.0.1');
        }
    }
    $self->ask("PROXY TCP4 $c{proxied} 192.0.2.1 1111 80\r\n"
        . $self->request("GET /$uri"), $c{v4}, $self->{port_proxy});
    $self->ask("PROXY TCP4 $c{proxied} $c{badline}\r\n"
        . $self->request("GET /$uri"), $c{v4}, $self->{port_proxy});

    # TLS: a name, a plain request, no handshake; HTTP/2

    $self->ask($self->request("GET /$uri", $all), $c{v4}, $self->{port_tls});
    $self->ask("\x16\x03\x01\x00\x05$c{badline}", $c{v4}, $self->{port_tls});
    $self->tls("--connect-to ::127.0.0.1:$self->{port_tls}"
        . " https://$c{sni}:$self->{port_tls}/$c{h2}/$uri");
    $self->tls("--http2 --resolve $c{sni}:$self->{port_tls}:127.0.0.1"
        . " -H 'cookie: $c{cookie}' -H '$c{header}: $c{email}'"
        . " -e 'http://$c{referer}/?$c{refquery}' -A $c{agent}"
        . " 'https://$c{sni}:$self->{port_tls}/down/$c{h2}?$c{query}'")
        for 1 .. 2;

    # connections that end early, or are kept

    $self->hold;
    $self->drain;
}

sub tls {
    my ($self, $more) = @_;
    system("curl -sk --interface $CANARY{v4} --max-time 10 -o /dev/null "
        . "$more 2>/dev/null");
    $self->drain;
}

# two at a time where one is allowed, and one that was kept open is cut

sub hold {
    my ($self) = @_;
    my $first = $self->from($CANARY{v4});
    print $first $self->request("GET /conns/big?$CANARY{query}");
    my $some;
    sysread $first, $some, 64;
    $self->ask($self->request("GET /conns/big?$CANARY{query}"));
    close $first;

    my $kept = $self->from($CANARY{v4});
    print $kept "GET /$CANARY{path} HTTP/1.1\r\nHost: site.test\r\n\r\n";
    sysread $kept, $some, 64;
    setsockopt $kept, Socket::SOL_SOCKET(), Socket::SO_LINGER(),
        pack('ii', 1, 0);
    close $kept;

    my $half = $self->from($CANARY{v4});
    print $half "GET /$CANARY{path}";
    close $half;
}

sub get_status {
    my ($self) = @_;
    return join "\n", map { $self->get("/status/$_")->{raw} // '' } formats();
}

# the worker's mapping of the zone is marked as not to be dumped

sub zone_undumped {
    my ($self) = @_;
    my ($worker) = $self->workers;
    my ($shared, $size, $good) = (0, 0, 0);

    # what a sanitizer maps is marked, too, but private
    open my $in, '<', "/proc/$worker/smaps" or return 0;
    while (<$in>) {
        $shared = $1 eq 's' if /^[0-9a-f]+-[0-9a-f]+ ...([sp]) /;
        $size = $1 if /^Size:\s+(\d+) kB/;
        $good = 1 if /^VmFlags:.*\bdd\b/ && $shared && $size >= 64 * 1024;
    }
    return $good;
}

# how many cores a crash of a worker leaves; a sanitizer would take SIGSEGV for
# its own

sub crash {
    my ($self) = @_;
    my ($worker) = $self->workers or die "no worker\n";

    $self->ask($self->request("GET /$CANARY{path}?q=$CANARY{query}"));
    kill 'ABRT', $worker;
    Fraud::wait_for(sub {
        my @now = $self->workers;
        return @now && !grep { $_ == $worker } @now;
    });

    # the core, if any, is whole before the master hears of the end
    my @cores = glob "$self->{dir}/cores/*";
    unlink @cores;
    return scalar @cores;
}

# accounts_in_spool(): whom the flags are about, once billing has opened them

sub accounts_in_spool {
    my ($self) = @_;
    my $billing = bless { dir => "$self->{dir}",
                          spool => "$self->{dir}/spool" }, 'Spool';
    return map { $billing->unseal($_) // 'not opened' } $billing->events;
}

# accounts_in_escrow(): and who is in the lines of the log, once cases have been

sub accounts_in_escrow {
    my ($self) = @_;
    my $dir = "$self->{dir}";
    my @seals = map { $self->slurp("logs/fraud.log" . s/.*fraud\.log//r)
                      =~ /"link_seal":"([\w-]{2,})"/g }
        glob "$dir/logs/fraud.log.[0-9]*";
    my $case = "$Fraud::TOP/build/fraudctl escrow open --state $dir/state"
        . " --case AUP-1 --violation confirmed --key $dir/escrow.key";
    return map { my $said = `$case $_ 2>&1`; chomp $said; $said }
        @seals;
}

# every file that nginx left, but what the test itself put there; all that is
# below the directory of the test counts, a spool in it too

sub artefacts {
    my ($self) = @_;
    my $dir = "$self->{dir}";
    my @names;

    File::Find::find(sub {
        my $name = $File::Find::name;
        $name =~ s{^\Q$dir\E/}{};
        push @names, $name
            if -f && $name !~ m{^(?:nginx\.conf|users|cert\..*|html/.*
                                   |(?:billing|escrow)\..*|unseal)$}x;
    }, $dir);
    return @names;
}

sub artefact {
    my ($self, $name) = @_;
    $self->drain;
    return $name eq 'syslog' ? $self->{syslog} : $self->slurp($name);
}

# search(name => text): hits as "channel encoding place", and hits by place.
# Names of files are searched, too.

sub search {
    my ($self, %more) = @_;
    my %text = (%more, !$self->{dir} ? () : map { $_ => $self->artefact($_) }
        'syslog', $self->artefacts);
    my (@hits, %by);

    for my $place (sort keys %text) {
        my $text = lc "$place\n$text{$place}";

        for my $channel (channels()) {
            my $forms = $self->{forms}{$channel}
                //= forms($channel, $CANARY{$channel});

            for my $form (sort keys %$forms) {
                next if index($text, lc $forms->{$form}) < 0;
                # segments of the security log are one
                my $file = $place =~ s/\.log\K\.\d{10}$//r;
                push @hits, "$channel $form $file";
                $by{$file}++;
            }
        }
    }
    return (\@hits, \%by);
}

# forms(channel, text): how it might have been written

sub forms {
    my ($channel, $text) = @_;
    my %forms = (
        raw     => $text,
        percent => join('', map { sprintf '%%%02x', ord } split //, $text),
        hex     => unpack('H*', $text),
        unicode => join('', map { sprintf '\\u%04x', ord } split //, $text),
        x       => join('', map { sprintf '\\x%02x', ord } split //, $text),
        md5     => md5_hex($text),
        sha1    => sha1_hex($text),
        sha256  => sha256_hex($text),
    );
    (my $special = $text) =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02x', ord $1/ge;
    $forms{escaped} = $special if $special ne $text;

    # what does not depend on the bytes around it
    for my $shift (0 .. 2) {
        my $code = encode_base64(('x' x $shift) . $text, '');
        my $from = $shift == 0 ? 0 : 4;
        $code = substr $code, $from,
            4 * int((length($text) + $shift) / 3) - $from;
        $forms{"base64+$shift"} = $code if length $code >= 8;
    }

    # a long text cut in two is still found
    if (length $text > 10) {
        $forms{begin} = substr $text, 0, 9;
        $forms{end} = substr $text, -9;
    }
    if ($text =~ /^\d+(?:\.\d+){3}$/) {
        my $packed = inet_aton($text);
        $forms{number} = unpack 'N', $packed;
        $forms{bytes} = unpack 'H*', $packed;
        delete @forms{qw(begin end)};
        $forms{binary} = $packed;
    }
    # its network is no one's; "example" is in all
    delete $forms{begin} if $channel eq 'v6';
    delete $forms{end} if $text =~ /\.example$/;
    return \%forms;
}

1;
