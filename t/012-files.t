use FindBin;
use lib "$FindBin::Bin/lib";

use File::Basename qw(basename);
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use Test::Nginx::Socket;
use Directives;

repeat_each(1);

plan tests => repeat_each() * (blocks() * 2 + 9 + 2 + ($> == 0 ? 0 : 6));

no_long_string();

# readable by none, by root, by all

Directives::put("closed.txt", "192.0.2.0/24\n", 0000);
Directives::put("private.txt", "192.0.2.0/24\n", 0600);
Directives::put("public.txt", "192.0.2.0/24\n");

mkdir "$Directives::Dir/private" or die "private: $!";
Directives::put("private/list.txt", "192.0.2.0/24\n");
chmod 0700, "$Directives::Dir/private";

Directives::put("long.txt", "short\n" . "x" x 65536 . "\n");

# sparse
Directives::put("large.txt", "");
truncate "$Directives::Dir/large.txt", 1024 * 1024 * 1024 + 1;

if ($> == 0) {
    like(said("private.txt"), qr/"fraud_list": file "\Q$Directives::Dir\E\/private\.txt" cannot be read by user "[\w-]+" of the workers/,
         "workers have a user also where none is configured");

} else {
    like(said("private.txt"), qr/test is successful/, "workers are who we are");
}

like(said("closed.txt", $> == 0 ? qw(runuser -u nobody --) : ()),
     qr/\[emerg\] "fraud_list": file "\Q$Directives::Dir\E\/closed\.txt": cannot be opened: permission denied, correct it or the path in /,
     "a file that is not readable is refused");

run_tests();

# what nginx says, run by the command if one is given, of a file in a
# configuration that names no user; nobody may reach no other nginx than a copy

sub said {
    my ($file, @as) = @_;
    my $dir = tempdir(CLEANUP => 1);
    my ($binary, @modules) = map { copy_of($_, $dir) }
        $ENV{TEST_NGINX_BINARY} || "nginx",
        split " ", $ENV{TEST_NGINX_LOAD_MODULES} || "";
    my $load = CORE::join " ", map { "load_module $_;" } @modules;

    open my $out, ">", "$dir/nginx.conf" or die "$dir: $!";
    print $out <<"END";
$load
pid $dir/nginx.pid;
error_log stderr;
events { }
http {
    access_log off;
    fraud observe;
    fraud_list bad \$remote_addr file=$Directives::Dir/$file points=50;
    server { listen unix:$dir/nginx.sock; }
}
END
    close $out or die "$dir: $!";
    chmod 0755, $dir;
    chown +(getpwnam "nobody")[2, 3], $dir if @as;
    return scalar `@as $binary -t -p $dir/ -c $dir/nginx.conf -e $dir/e 2>&1`;
}

sub copy_of {
    my ($path, $dir) = @_;
    return $path if $path !~ m{/};
    my $copy = "$dir/" . basename($path);
    copy($path, $copy) or die "$path: $!";
    chmod 0755, $copy;
    return $copy;
}

__DATA__

=== TEST 1: every form of a list is accepted
--- http_config
    fraud observe;
    fraud_list a $remote_addr file=$TEST_NGINX_SERVER_ROOT/html/nets.txt points=0;
    fraud_list b $remote_addr file=../html/nets.txt type=network points=100;
    fraud_list c $http_user_agent file=../html/words.txt type=string points=1;
    fraud_list d $remote_addr file=../html/nets.txt trust;
    fraud_list e "$arg_a-$arg_b" points=1 file=../html/words.txt type=string;
--- user_files
>>> nets.txt
# networks and addresses, comments and blanks
192.0.2.0/24
  198.51.100.7 ; one address

2001:db8::/32
0.0.0.0/32
::/128
>>> words.txt
# comment
a b
ä
--- error_code: 200



=== TEST 2: a list has a file
--- http_config
    fraud_list bad $remote_addr points=50;
--- must_die
--- error_log
"fraud_list": signal "bad" has no file, add "file=PATH"



=== TEST 3: a list's file has a name
--- http_config
    fraud_list bad $remote_addr file= points=50;
--- must_die
--- error_log
"fraud_list": invalid "file=", use the path of a file



=== TEST 4: a list's type is network or string
--- http_config
    fraud_list bad $remote_addr file=x type=cidr points=50;
--- must_die
--- error_log
"fraud_list": invalid "type=cidr", use "network" or "string"



=== TEST 5: a list has points or is trusted
--- http_config
    fraud_list bad $remote_addr file=x;
--- must_die
--- error_log
"fraud_list": signal "bad" has no points, add "points=" 0 to 100 or "trust"



=== TEST 6: a list that is trusted has no points
--- http_config
    fraud_list bad $remote_addr file=x trust points=50;
--- must_die
--- error_log
"fraud_list": signal "bad" has both "points=" and "trust", remove one



=== TEST 7: a list's points are at most 100
--- http_config
    fraud_list bad $remote_addr file=x points=101;
--- must_die
--- error_log
"fraud_list": invalid "points=101", use 0 to 100



=== TEST 8: unknown parameter of a list
--- http_config
    fraud_list bad $remote_addr file=x points=50 nocase;
--- must_die
--- error_log
"fraud_list": unknown parameter "nocase", see the table of directives in README.md



=== TEST 9: a list's name has letters, digits and "_" only
--- http_config
    fraud_list b.d $remote_addr file=x points=50;
--- must_die
--- error_log
"fraud_list": invalid name "b.d", use a name of 1 to 32 letters, digits and "_"



=== TEST 10: a list that is not there is refused
--- http_config
    fraud_list bad $remote_addr file=$TEST_NGINX_SERVER_ROOT/html/none.txt points=50;
--- must_die
--- error_log
"fraud_list": file "$TEST_NGINX_SERVER_ROOT/html/none.txt": cannot be opened: no such file, correct it or the path



=== TEST 11: a list in a directory's place is refused
--- http_config
    fraud_list bad $remote_addr file=$TEST_NGINX_SERVER_ROOT/html points=50;
--- must_die
--- error_log
"fraud_list": file "$TEST_NGINX_SERVER_ROOT/html": is not a regular file, correct it or the path



=== TEST 12: a list of more than 1 GiB is refused
--- http_config
    fraud_list bad $remote_addr file=$TEST_NGINX_FILES/large.txt points=50;
--- must_die
--- error_log
"fraud_list": file "$TEST_NGINX_FILES/large.txt": is larger than 1 GiB, correct it or the path



=== TEST 13: an empty list is refused
--- http_config
    fraud_list bad $remote_addr file=$TEST_NGINX_SERVER_ROOT/html/empty.txt points=50;
--- user_files
>>> empty.txt
--- must_die
--- error_log
"fraud_list": file "$TEST_NGINX_SERVER_ROOT/html/empty.txt": no address or network at all, correct it or the path



=== TEST 14: a list of comments only is refused
--- http_config
    fraud_list bad $remote_addr file=$TEST_NGINX_SERVER_ROOT/html/notes.txt points=50;
--- user_files
>>> notes.txt
# nothing
# yet
--- must_die
--- error_log
"fraud_list": file "$TEST_NGINX_SERVER_ROOT/html/notes.txt" line 2: no address or network at all, correct it



=== TEST 15: a list's line that is no network is refused
--- http_config
    fraud_list bad $remote_addr file=$TEST_NGINX_SERVER_ROOT/html/nets.txt points=50;
--- user_files
>>> nets.txt
# networks
192.0.2.0/24
192.0.2.256
198.51.100.0/24
--- must_die
--- error_log
"fraud_list": file "$TEST_NGINX_SERVER_ROOT/html/nets.txt" line 3: not an address or network, correct it



=== TEST 16: a network with bits outside its prefix is refused
--- http_config
    fraud_list bad $remote_addr file=$TEST_NGINX_SERVER_ROOT/html/nets.txt points=50;
--- user_files
>>> nets.txt
192.0.2.0/24
192.0.2.1/24
--- must_die
--- error_log
"fraud_list": file "$TEST_NGINX_SERVER_ROOT/html/nets.txt" line 2: bits set outside the prefix, correct it



=== TEST 17: a prefix longer than the address is refused
--- http_config
    fraud_list bad $remote_addr file=$TEST_NGINX_SERVER_ROOT/html/nets.txt points=50;
--- user_files
>>> nets.txt
192.0.2.0/33
--- must_die
--- error_log
"fraud_list": file "$TEST_NGINX_SERVER_ROOT/html/nets.txt" line 1: not a prefix length for this address, correct it



=== TEST 18: an empty list of strings is refused
--- http_config
    fraud_list bad $http_user_agent file=$TEST_NGINX_SERVER_ROOT/html/empty.txt
        type=string points=50;
--- user_files
>>> empty.txt
--- must_die
--- error_log
"fraud_list": file "$TEST_NGINX_SERVER_ROOT/html/empty.txt": no string at all, correct it or the path



=== TEST 19: a string of more than 65535 bytes is refused
--- http_config
    fraud_list bad $http_user_agent file=$TEST_NGINX_FILES/long.txt type=string
        points=50;
--- must_die
--- error_log
"fraud_list": file "$TEST_NGINX_FILES/long.txt" line 2: string too long, correct it



=== TEST 20: a file that workers could not read again is refused
--- worker_user
--- http_config
    fraud observe;
    fraud_list bad $remote_addr file=$TEST_NGINX_FILES/private.txt points=50;
--- must_die
--- error_log
"fraud_list": file "$TEST_NGINX_FILES/private.txt" cannot be read by user "nobody" of the workers, who read it again when it is replaced, change its mode or owner, or that of its directory



=== TEST 21: a file in a directory that workers cannot enter is refused
--- worker_user
--- http_config
    fraud observe;
    fraud_list bad $remote_addr file=$TEST_NGINX_FILES/private/list.txt points=50;
--- must_die
--- error_log
"fraud_list": file "$TEST_NGINX_FILES/private/list.txt" cannot be read by user "nobody" of the workers, who read it again when it is replaced, change its mode or owner, or that of its directory



=== TEST 22: a file that workers can read again is accepted
--- worker_user
--- http_config
    fraud observe;
    fraud_list bad $remote_addr file=$TEST_NGINX_FILES/public.txt points=50;



=== TEST 23: a file that workers do not read, as the module is off, is accepted
--- worker_user
--- http_config
    fraud_list bad $remote_addr file=$TEST_NGINX_FILES/private.txt points=50;



=== TEST 24: a trusted list is no shadow
--- http_config
    fraud_list good $remote_addr file=x trust shadow;
--- must_die
--- error_log
"fraud_list": signal "good" has both "trust" and "shadow", remove one
