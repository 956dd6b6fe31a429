use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use File::Temp;
use Time::HiRes qw(sleep time);

use Fraud;

plan tests => 101;

# secrets that hosts share. Files are written here, so that nothing but their
# bytes is known of the tool; workers are of the user that the tests run as.

my $top = File::Temp->newdir('fraud-keys-XXXXXX', TMPDIR => 1);
my @domains = qw(address log.address log.login log.session login session value);
my %secret;

my $show = <<'END';
    fraud_identity session $cookie_sid kind=session;
    fraud_identity login $arg_user;
    fraud_rate one address rate=1r/h points=10;
    fraud_distinct agents address of=$http_user_agent max=1 window=1h points=2;
    fraud_reputation session half_life=30d;
    fraud_signal bad if=$arg_bad points=50;
    fraud_log logs/fraud.log;
    add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    add_header X-Pid $fraud_address_pid always;
    add_header X-Session "$fraud_session_pid" always;
END

my $gif = 'location / { fraud observe; empty_gif; }'
    . 'location /status { fraud off; fraud_status json; }'
    . 'location /control { fraud off; fraud_control; }';

sub dir {
    my ($name) = @_;
    my $dir = "$top/$name";
    mkdir $dir, 0700 or die "$dir: $!\n" if !-d $dir;
    return $dir;
}

# the same in every directory of a name, random otherwise

sub secret_of {
    my ($name, $epoch, $domain) = @_;
    return $secret{$name}{$epoch}{$domain} //=
        join '', map { sprintf '%02x', int rand 256 } 1 .. 16;
}

sub text_of {
    my ($name, $epoch, $length, @names) = @_;
    @names = @domains if !@names;
    return "fraud-keys 1 $epoch $length " . @names . "\n"
        . join '', map { "$_ " . secret_of($name, $epoch, $_) . "\n" } @names;
}

# put(dir, epoch, text): as the tool does

sub put {
    my ($dir, $epoch, $text) = @_;
    open my $out, '>', "$dir/.new" or die "$dir/.new: $!\n";
    print $out $text;
    close $out or die "$dir/.new: $!\n";
    chmod 0600, "$dir/.new";
    rename "$dir/.new", "$dir/$epoch.keys" or die "$dir/$epoch.keys: $!\n";
}

# files(name, length, from, to): of epochs from now

sub files {
    my ($name, $length, $from, $to, @names) = @_;
    my $now = int(time / $length);

    put(dir($name), $_, text_of($name, $_, $length, @names))
        for map { $now + $_ } $from .. $to;
    return $now;
}

# what follows has most of an epoch of this length before it

sub begin {
    my ($length) = @_;
    sleep 0.1 while time / $length - int(time / $length) > 0.1;
}

sub pid {
    my ($nginx, %more) = @_;
    return $nginx->get('/', from => '192.0.2.1', %more)->{headers}{'x-pid'};
}

# no secret is ever in a log or on a page

sub silent {
    my ($nginx) = @_;
    my $all = $nginx->error_log . $nginx->slurp('logs/fraud.log')
        . $nginx->get('/status')->{raw};
    my $all_secrets = join '|', map { values %$_ } map { values %$_ }
        values %secret;
    return $all !~ /$all_secrets/i;
}

my $length = 86400;

# hosts with the same directory agree, others do not

{
    files('one', $length, -1, 1);
    files('two', $length, -1, 1);
    system('cp', '-a', "$top/one", "$top/copy");

    my %nginx = map { $_ => Fraud->new(workers => 2, server => $gif,
        http => "$show fraud_keys $top/$_;") } qw(one copy two);
    my %pid = map { $_ => pid($nginx{$_}, Cookie => 'sid=a') } keys %nginx;

    like($pid{one}, qr/^[a-z2-7]{26}$/, 'a pid');
    is($pid{copy}, $pid{one}, 'another host has the same');
    isnt($pid{two}, $pid{one}, 'other secrets, another pid');
    is(pid($nginx{one}), $pid{one}, 'it stays') for 1 .. 4;

    my $session = $nginx{one}->get('/', Cookie => 'sid=192.0.2.1')
        ->{headers}{'x-session'};
    like($session, qr/^[a-z2-7]{26}$/, 'a pid of another identity');
    isnt($session, $pid{one}, 'is another');

    is($nginx{copy}->fraud('/', from => '192.0.2.1'), '10 [one=10]',
       'subjects are scored');
    like($nginx{copy}->slurp('logs/fraud.log'), qr/"address":"$pid{one}"/,
         'the same pid is in the log');

    # neither a reload nor a restart changes a pid

    ok($nginx{one}->reload, 'reloaded');
    is(pid($nginx{one}), $pid{one}, 'the same');
    $nginx{one}->ends;
    $nginx{one} = Fraud->new(server => $gif,
                             http => "$show fraud_keys $top/one;");
    is(pid($nginx{one}), $pid{one}, 'the same after a restart');

    ok($nginx{one}->reload(http => "$show fraud_keys memory;"),
       'secrets in memory');
    isnt(pid($nginx{one}), $pid{one}, 'another pid');
    ok($nginx{one}->reload(http => "$show fraud_keys $top/two;"),
       'another directory');
    is(pid($nginx{one}), $pid{two}, 'another pid');

    ok(silent($_), 'no secret is told') for values %nginx;
    $_->ends for values %nginx;
}

# the next epoch: a new pid without reload, the same on all hosts; rates go
# on, what was seen under other secrets does not count twice

{
    my $short = 4;
    my $now = files('short', $short, -1, 12);
    my @nginx = map { Fraud->new(workers => 2, server => $gif,
        http => "$show fraud_keys $top/short epoch=${short}s;") } 1 .. 2;
    my (%pids, $changes, $last, %states, $differ);

    $_->get('/', from => '192.0.2.1', 'User-Agent' => 'a') for @nginx;
    my $end = time + 3.2 * $short;

    while (time < $end) {
        my $begin = int(time / $short);
        my ($one, $two) = map { $_->get('/', from => '192.0.2.1',
            'User-Agent' => 'a')->{headers} } @nginx;

        if (int(time / $short) == $begin) {
            $differ++ if $one->{'x-pid'} ne $two->{'x-pid'};
            $pids{$begin}{$one->{'x-pid'}} = 1;
        }
        $states{$_->{'x-fraud'}}++ for $one, $two;
        sleep 0.2;
    }

    my @all = map { keys %$_ } values %pids;
    is($differ, undef, 'hosts agree all the time');
    cmp_ok(scalar(keys %pids), '>=', 3, 'several epochs');
    is(scalar(grep { keys %{ $pids{$_} } != 1 } keys %pids), 0,
       'one pid in each');
    my %unique = map { $_ => 1 } @all;
    is(scalar(keys %unique), scalar(@all), 'which never comes back');
    ok(!$unique{'-'}, 'no request was without');
    is(join(';', sort keys %states), '10 [one=10]',
       'the rate is carried over, the one agent stays one');
    cmp_ok($nginx[0]->status->{zone}{entries}, '<=', 6,
           'no record is left behind');
    is($nginx[0]->status->{faults}{keyless}, 0, 'no request was keyless');

    ok(silent($_), 'no secret is told') for @nginx;
    $_->ends for @nginx;
}

# no secrets for an epoch: no pseudonym, no scoring by subject, one line; all
# comes back with the file

{
    my $short = 5;
    begin($short);
    my $now = files('gap', $short, -1, 1);
    my $dir = "$top/gap";
    my $nginx = Fraud->new(workers => 2, server => $gif,
        http => "$show fraud_keys $dir epoch=${short}s;");
    my $status = $nginx->status;
    my @known = (from => '192.0.2.1', Cookie => 'sid=1');

    is($status->{faults}{keyless}, 0, 'none is missing');
    my $first = pid($nginx, @known);
    ok(Fraud::wait_for(sub { pid($nginx, @known) eq '-' }), 'the pid ends');
    isnt($first, '-', 'that was one');

    sleep 2 * $short;
    for (1 .. 6) {
        my $headers = $nginx->get('/', @known)->{headers};
        is($headers->{'x-pid'}, '-', 'there is none');
        is($headers->{'x-session'}, '-', 'of no identity') if $_ == 1;
        is($headers->{'x-fraud'}, '0 []', 'nothing is asked of a subject')
            if $_ == 1;
    }
    is($nginx->fraud('/?bad=1', @known), '50 [bad=50]', 'local signals go on');
    cmp_ok($nginx->status->{faults}{keyless}, '>=', 7, 'they are counted');
    like((split /\n/, $nginx->slurp('logs/fraud.log'))[-1],
         qr/"session":"-","address":"-","score":50/, 'the log says "-", too');
    unlike($nginx->slurp('logs/fraud.log'), qr/192\.0\.2|sid/,
           'and no raw name');
    is($nginx->get('/control', method => 'POST', 'Fraud-Operation' => 'reset',
           'Fraud-Identity' => 'address', 'Fraud-Value' => '192.0.2.1')
       ->{status}, 503, 'nobody can be found to be reset');
    my $lost = qr/\[error\].*"fraud_keys": there is no good "\Q$dir\E/;
    is(scalar(() = $nginx->error_log =~ /$lost/g), 1, 'one line says so');
    like($nginx->error_log, qr/run "fraudctl keys rotate \Q$dir\E"/,
         'and what to do');

    # a file half written is no file

    $now = int(time / $short);
    my $text = text_of('gap', $now, $short);
    put($dir, $_, substr(text_of('gap', $_, $short), 0, -30))
        for $now .. $now + 2;
    sleep 2;
    is(pid($nginx, @known), '-', 'half a file is none');
    ok(Fraud::wait_for(sub {
        return $nginx->error_log
            =~ /\[error\].*"fraud_keys": file "\S+\.keys" line 8 has no/;
    }), 'which is told');

    files('gap', $short, 0, 12);
    ok(Fraud::wait_for(sub { pid($nginx, @known) ne '-' }),
       'they are back, without reload');
    ok(Fraud::wait_for(sub { $nginx->error_log
           =~ /\[notice\].*"fraud_keys": secrets of this epoch/ }),
       'which is told');
    sleep 3;    # the other worker looks for itself
    my $keyless = $nginx->status->{faults}{keyless};
    like($nginx->fraud('/', @known), qr/one=10/, 'subjects are scored');
    is($nginx->status->{faults}{keyless}, $keyless, 'no more are counted');
    is(scalar(() = $nginx->error_log =~ /$lost/g), 1, 'it was one line');
    ok(silent($nginx), 'no secret is told');
    $nginx->ends(qr/"fraud_keys"/);
}

# what is in force stays, the next epoch counts as it was last

{
    my $short = 10;
    begin($short);
    my $now = files('again', $short, -1, 1);
    my $nginx = Fraud->new(workers => 1, server => $gif,
        http => "$show fraud_keys $top/again epoch=${short}s;");
    my $pid = pid($nginx);

    $secret{again} = {};
    files('again', $short, 0, 4);
    sleep 1.5;
    is(pid($nginx), $pid, 'another file of this epoch changes nothing');
    Fraud::wait_for(sub { int(time / $short) > $now });
    is($nginx->fraud('/', from => '192.0.2.1'), '10 [one=10]',
       'nor is what happened under it lost in the next');
    my $fresh = Fraud->new(workers => 1, server => $gif,
        http => "$show fraud_keys $top/again epoch=${short}s;");
    my ($a, $b) = map { pid($_) } $nginx, $fresh;
    is($a, $b, 'the next epoch has the secrets of the last file');
    like($a, qr/^[a-z2-7]{26}$/, 'which are some');
    $_->ends for $nginx, $fresh;
}

# a worker that crashes leaves no core, and any other kind of dump would lack
# the zone; one with fraud off does

sub cores {
    my ($fraud) = @_;
    my $nginx = Fraud->new(http => "$show fraud_zone fraud 1m;",
        main => 'worker_rlimit_core 512m; working_directory %DIR%/logs;',
        server => "location / { fraud $fraud; empty_gif; }");

    is($nginx->get('/')->{status}, 200, "fraud $fraud");
    my ($worker) = $nginx->workers;
    open my $in, '<', "/proc/$worker/smaps"
        or die "smaps: $!: only root may look into a worker\n";
    my @maps = split /^(?=[0-9a-f]+-[0-9a-f]+ )/m, do { local $/; <$in> };
    my @zone = grep { /^Size: +1024 kB/m && /^VmFlags:.* sh /m } @maps;

    kill 'ABRT', $worker;
    Fraud::wait_for(sub { $nginx->error_log =~ /exited on signal 6/ });
    my @cores = glob "$nginx->{dir}/logs/*core*";
    $nginx->ends(qr/exited on signal 6/);
    return (scalar @cores, scalar @zone,
            scalar grep { /^VmFlags:.* dd(?: |$)/m } @zone);
}

{
    my ($cores) = cores('off');
    cmp_ok($cores, '>', 0, 'a core with fraud off')
        or diag 'cores have to go to the working directory: set the sysctl '
                . 'kernel.core_pattern to "core"';
    my ($none, $zone, $left_out) = cores('observe');
    is($none, 0, 'no core of a worker');
    is("$zone $left_out", '1 1', 'the zone is left out of any');
}

# nginx -t

sub refused {
    my ($keys, $user) = @_;
    my $dir = File::Temp->newdir('fraud-t-XXXXXX', TMPDIR => 1);
    my $modules = join "\n", map { "load_module $_;" }
        grep { length } split ' ', $ENV{TEST_NGINX_LOAD_MODULES} || '';
    my $binary = $ENV{TEST_NGINX_BINARY} || 'nginx';

    chmod 0755, $dir;
    open my $out, '>', "$dir/nginx.conf" or die "$dir: $!\n";
    $user = $user ? "user $user;" : $> == 0 ? 'user root;' : '';
    print $out "$modules $user error_log $dir/error.log; pid $dir/pid;",
        " events { } http { access_log off; client_body_temp_path $dir/b;",
        " proxy_temp_path $dir/p; fastcgi_temp_path $dir/f;",
        " uwsgi_temp_path $dir/u; scgi_temp_path $dir/s;",
        " $show fraud_log off;" =~ s/fraud_log logs\S+//r, " fraud observe;",
        " fraud_keys $keys; server { listen unix:$dir/s.sock; } }\n";
    close $out;

    my $said = `$binary -t -p $dir/ -c $dir/nginx.conf -e $dir/error.log 2>&1`;
    my @lines = grep { /\[(?:emerg|error|warn)\]/ } split /\n/, $said;
    return join "\n", map { s/^nginx: //r } @lines;
}

{
    my $today = files('good', $length, -1, 1);
    my $good = "$top/good";
    my $file = "$good/$today.keys";
    my $remedy = qq{run "fraudctl keys rotate $good"};
    my $said = '[emerg] "fraud_keys":';
    my $group = getgrgid((getpwnam 'nobody')[3]);

    chmod 0755, $top, $good;
    is(refused($good), '', 'good');
    is(refused("$good epoch=24h"), '', 'a day is the default');
    is(refused("$top/none"), qq{$said directory "$top/none" cannot be read, }
       . qq{run "fraudctl keys rotate $top/none" (2: No such file or }
       . 'directory)', 'no directory');
    my $hour = int(time / 3600);
    is(refused("$good epoch=1h"), qq{$said there is no "$good/$hour.keys" with }
       . "the secrets of this epoch, $remedy", 'no file of this epoch');

    my %bad = (
        'a domain is missing' => [ 'has no secret of "log.login"',
            text_of('good', $today, $length,
                    grep { $_ ne 'log.login' } @domains) ],
        'that of values is missing' => [ 'has no secret of "value"',
            text_of('good', $today, $length, grep { $_ ne 'value' } @domains) ],
        'nonsense' => [ 'line 1 is not "fraud-keys 1 EPOCH LENGTH COUNT"',
                        "nonsense\n" ],
        'another epoch' => [ 'is of another epoch or of epochs of another '
            . 'length', text_of('good', $today + 1, $length) ],
        'another length' => [ 'is of another epoch or of epochs of another '
            . 'length', text_of('good', $today, 43200) ],
    );

    for my $what (sort keys %bad) {
        put($good, $today, $bad{$what}[1]);
        is(refused($good), qq{$said file "$file" $bad{$what}[0], $remedy},
           $what);
    }

    put($good, $today, text_of('good', $today, $length));
    put($good, $today + 1, "nonsense\n");
    is(refused($good), '[error] "fraud_keys": file "' . "$good/"
       . ($today + 1) . '.keys" of the next epoch line 1 is not "fraud-keys 1 '
       . qq{EPOCH LENGTH COUNT", $remedy}, 'a bad one for later');
    put($good, $today + 1, text_of('good', $today + 1, $length));

    chmod 0644, $file;
    is(refused($good), qq{$said file "$file" can be read by everybody, $remedy},
       'a file for everybody');
    chmod 0600, $file;

    is(refused($good, "nobody $group"), qq{$said file "$file" cannot be read }
       . qq{by user "nobody" of the workers, $remedy with "--group" and the }
       . 'group of that user', 'a file that workers cannot read');
    chown 0, (getpwnam 'nobody')[3], $file;
    chmod 0640, $file;
    is(refused($good, "nobody $group"), '', 'by their group they can');
}
