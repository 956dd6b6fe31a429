package Directives;

# What the tests of directives share: files for them, and a preprocessor that
# holds a refusal to its whole line, and all else to a clean error log.

use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::Nginx::Util ();

# not the server root: workers' user may not be able to reach that

our $Dir = tempdir(CLEANUP => 1);
chmod 0755, $Dir or die "$Dir: $!";
$ENV{TEST_NGINX_FILES} = $Dir;

# for "user"; its group has another name on each system

$ENV{TEST_NGINX_NOBODY} = "nobody " . getgrgid((getpwnam("nobody"))[3]);

# put(name, text, mode): a file in $TEST_NGINX_FILES

sub put {
    my ($name, $text, $mode) = @_;

    open my $out, ">:raw", "$Dir/$name" or die "$Dir/$name: $!";
    print $out $text;
    close $out or die "$Dir/$name: $!";
    chmod $mode // 0644, "$Dir/$name" or die "$Dir/$name: $!";
}

Test::Nginx::Util::add_block_preprocessor(sub {
    my ($block) = @_;

    $block->set_value("config", "") if !defined $block->config;

    # Test::Nginx's own "user" stands behind http; "--- worker_user" makes it be
    # the one of TEST_NGINX_NOBODY. Who is not root is the workers' user in any
    # case, and can read what is his.

    my $user = defined $block->worker_user;
    $Test::Nginx::Util::WorkerUser = $user ? $ENV{TEST_NGINX_NOBODY} : undef;

    if ($user && $> != 0) {
        $block->set_value($_, undef) for qw(must_die error_log);
    }

    if (!defined $block->must_die) {
        $block->set_value("request", "GET /") if !defined $block->request;
        $block->set_value("no_error_log", ($block->no_error_log || "")
                          . "[error]\n[alert]\n[emerg]\n[crit]\n");
        return;
    }

    # left open are the time, the process and the place in nginx.conf, whose
    # lines are Test::Nginx's

    my ($text) = $block->error_log;
    $text =~ s/\s+\z//;
    $text =~ s/\$(TEST_NGINX_\w+)/$ENV{$1}/g;

    $block->set_value("error_log", [
        qr/\[emerg\] \d+#\d+: \Q$text\E(?: in \S+nginx\.conf:\d+)?$/
    ]);
});

1;
