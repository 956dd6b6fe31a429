use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use File::Temp;

use Fraud;

# what nginx -t says of configurations that write elsewhere about people

my $policy = "$FindBin::Bin/../conf/policies/asogen.policy";
my $p = "fraud_policy $policy;";
my $off = 'access_log off;';
my $server = 'server { listen 127.0.0.1:1; location / { } }';

my $main = "log_format ids '\$remote_addr \$status';"
    . "log_format plain '\$status \$body_bytes_sent';"
    . "log_format json escape=json '{\"s\":\$status,' '\"u\":\"\${remote_user}\"}';";

# check(http, main, files): the warnings, without the time and the file

sub check {
    my ($http, $more, %files) = @_;
    my $dir = File::Temp->newdir('fraud-XXXXXX', TMPDIR => 1);
    my $binary = $ENV{TEST_NGINX_BINARY} || 'nginx';

    # where nginx's own access log may be
    mkdir "$dir/logs" or die "$dir/logs: $!\n";
    my $modules = join '', map { "load_module $_;\n" }
        grep { length } split ' ', $ENV{TEST_NGINX_LOAD_MODULES} || '';

    $files{'nginx.conf'} = "$modules error_log error.log; pid pid; "
        . ($more // '') . "\nevents { }\nhttp {\n$main\n"
        . join('', map { "${_}_temp_path temp;" }
            qw(client_body proxy fastcgi uwsgi scgi))
        . "\n$http\n}\n";
    for (keys %files) {
        open my $out, '>', "$dir/$_" or die "$dir/$_: $!\n";
        print $out $files{$_};
        close $out;
    }

    my $said = `$binary -t -p $dir/ -c $dir/nginx.conf -e $dir/error.log 2>&1`;
    return "not ok: $said" if $said !~ /test is successful/;
    my @warnings = $said =~ /\[warn\] \d+#\d+: (.*)/g;
    @warnings = $said =~ /\[warn\] (.*)/g if !@warnings;
    s{ in \S+/(\w+\.conf):\d+$}{ in $1} for @warnings;
    return join "\n", @warnings;
}

sub of_log {
    my ($variable, $file) = @_;
    $file //= 'nginx.conf';
    return "\"access_log\" writes \$$variable where a \"fraud_policy\" is in "
        . "force, use the format \"fraud_combined\" in $file";
}

my $default = '"access_log" is not set, and nginx\'s own format "combined" '
    . 'writes $remote_addr where a "fraud_policy" is in force, use the format '
    . '"fraud_combined" or "access_log off"';

sub of_key {
    my ($key, $variable) = @_;
    return "\"${key}_cache_key\" writes \$$variable into files of the cache "
        . 'where a "fraud_policy" is in force, use $uri in nginx.conf';
}

my $cache = 'proxy_cache_path cache keys_zone=c:1m;';
my $pass = 'proxy_pass http://127.0.0.1:1;';

my @cases = (
    ['no policy, no warning', "access_log a.log ids; $server", ''],
    ['access_log off', "$p $off $server", ''],
    ['the default', "$p $server", $default],
    ['combined by name', "$p access_log a.log combined; $server",
        of_log('remote_addr')],
    ['no format', "$p access_log a.log; $server", of_log('remote_addr')],
    ['a raw variable', "$p access_log a.log ids; $server",
        of_log('remote_addr')],
    ['in braces, in the second string', "$p access_log a.log json; $server",
        of_log('remote_user')],
    ['no raw variable', "$p access_log a.log plain; $server", ''],
    ['a raw variable by a map', "$p map \$remote_addr \$m { default \$remote_addr; } "
        . "log_format mapped '\$status \$m'; access_log a.log mapped; $server",
        of_log('remote_addr')],
    ['a map of constants', "$p map \$remote_addr \$m { default 0; } "
        . "log_format mapped '\$status \$m'; access_log a.log mapped; $server",
        ''],
    ['any header', "$p log_format any '\$http_x_any'; "
        . "access_log a.log any; $server", of_log('http_x_any')],
    ['another file', "$p include log.conf; $server",
        of_log('remote_addr', 'log.conf'), '',
        'log.conf' => "access_log a.log ids;\n"],
    ['files by a pattern', "$p $off include site*.conf;",
        of_log('remote_addr', 'site2.conf'), '',
        'site1.conf' => "server { listen 127.0.0.1:1; location / { } }\n",
        'site2.conf' => "server { listen 127.0.0.1:2; "
            . "access_log a.log ids; location / { } }\n"],
    ['a log that no server under the policy has',
        "access_log a.log ids; server { listen 127.0.0.1:1; $p $off "
            . 'location / { } } server { listen 127.0.0.1:2; }', ''],
    ['a log inherited by a server with a policy',
        "access_log a.log ids; server { listen 127.0.0.1:1; $p }",
        of_log('remote_addr')],
    ['a log of a location, and the policy after it',
        "$off server { listen 127.0.0.1:1; location / { "
            . "access_log a.log ids; } $p }", of_log('remote_addr')],
    ['a log of another server',
        "$off server { listen 127.0.0.1:1; access_log a.log ids; } "
            . "server { listen 127.0.0.1:2; $p }", ''],
    ['two logs, one raw', "$p access_log b.log plain; access_log a.log ids; "
        . $server, of_log('remote_addr')],
    ['comments and quotes are no directives',
        "$p $off # access_log a.log ids;\n add_header X '; access_log a ids;';"
            . $server, ''],
    ['a file named by an argument', "$p access_log a-\$arg_user.log plain; "
        . $server, of_log('arg_user')],
    ['kept bodies', "$p $off client_body_in_file_only on; $server",
        '"client_body_in_file_only on" keeps what people send in files where '
        . 'a "fraud_policy" is in force, use "clean" or "off" in nginx.conf'],
    ['bodies that are removed', "$p $off client_body_in_file_only clean; "
        . $server, ''],
    ['cores', "$p $off $server",
        '"worker_rlimit_core" is set, a core has what people sent, use 0 in '
        . 'nginx.conf', 'worker_rlimit_core 10m;'],
    ['cores without a policy', "$off $server", '', 'worker_rlimit_core 10m;'],
    ['a key with a URI', "$p $off $cache proxy_cache_key \$host\$request_uri; "
        . $server, of_key('proxy', 'request_uri')],
    ['a key with an argument', "$p $off fastcgi_cache_key \$uri\$arg_id; "
        . $server, of_key('fastcgi', 'arg_id')],
    ['a key without', "$p $off $cache proxy_cache_key \$host\$uri; "
        . 'server { listen 127.0.0.1:1; location / { proxy_cache c; '
        . "$pass } }", ''],
    ['the default key', "$p $off $cache server { listen 127.0.0.1:1; "
        . "location / { proxy_cache c; $pass } }",
        '"proxy_cache" without "proxy_cache_key" writes $request_uri into '
        . 'files of the cache where a "fraud_policy" is in force, add '
        . '"proxy_cache_key $scheme$proxy_host$uri;" in nginx.conf'],
    ['the format that comes with the module', "$p "
        . "include $FindBin::Bin/../conf/rules/combined.conf; "
        . "access_log a.log fraud_combined; $server", ''],
);

plan tests => scalar @cases;

for (@cases) {
    my ($name, $http, $want, $more, %files) = @$_;
    is(check($http, $more, %files), $want, $name);
}
