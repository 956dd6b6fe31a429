use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use Policies;

# the rules for policies with "automation = none": attacks are recognised,
# limited and eliminated, by request and by network, and nobody is remembered

my $rules = "$Fraud::TOP/conf/rules";
my %files = Policies::files();

for my $name (qw(baseline none)) {
    open my $in, '<', "$rules/$name.conf" or die "$rules/$name.conf: $!\n";
    local $/;
    $files{"$name.conf"} = <$in> =~ s{file=fraud/rules/}{file=$rules/}gr;
}

my $agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101';

for my $policy (qw(kirim-email default)) {
    my $nginx = Fraud->new(files => \%files,
        http => 'include %DIR%/baseline.conf;'
            . Policies::server($policy, <<'END'),
        include %DIR%/none.conf;
        fraud_action 50 limit;
        fraud_action 60 deny;
        fraud enforce;
        add_header X-Fraud "$fraud_score $fraud_reasons" always;
        location / { root %DIR%/none; }
        location /page { empty_gif; }
END
        server => 'location /status { fraud off; fraud_status json; }');

    my $ask = sub {
        my ($from, $uri, %more) = @_;
        return Policies::ask($nginx, $policy, $uri, from => $from,
                             'User-Agent' => $agent, %more);
    };

    # requests that are attacks, from anywhere, each for itself

    my $fired = 0;
    for my $uri ('/page?f=../../../../etc/passwd', '/page/.git/config',
                 '/page?id=1%20UNION%20SELECT%20NULL,NULL')
    {
        my $answer = $ask->('198.51.100.' . ++$fired, $uri);
        is($answer->{status}, 403, "$policy: $uri is eliminated");
    }
    is($ask->('198.51.100.9', '/page', 'User-Agent' => 'sqlmap/1.7')->{status},
       403, "$policy: a scanner, too");
    is($ask->('198.51.100.1', '/page')->{status}, 200,
       "$policy: who sent one is not remembered");

    # one network looks for what is not there, from all its addresses

    my $last = 0;
    for my $n (1 .. 90) {
        $last = $n;
        last if $ask->('203.0.113.' . (1 + $n % 200), "/unknown-$n")->{status}
            == 429;
    }
    cmp_ok($last, '>', 60, "$policy: probing: 60 pages are looked for");
    cmp_ok($last, '<', 80, "$policy: ... and then it is limited");
    is($ask->('203.0.113.250', '/page')->{status}, 429,
       "$policy: ... its network, that is");
    is($ask->('203.0.114.1', '/page')->{status}, 200,
       "$policy: ... and no other");

    for my $n (1 .. 40) {
        $last = $n;
        last if $ask->("192.0.2.$n", "/x$n.php")->{status} == 429;
    }
    cmp_ok($last, '>', 15, "$policy: scripts: 15 are looked for");
    cmp_ok($last, '<', 25, "$policy: ... and then it is limited");

    # IPv6: a site

    for my $n (1 .. 40) {
        $last = $n;
        last if $ask->(sprintf('2001:db8:5:%x::1', $n), "/y$n.asp")->{status}
            == 429;
    }
    cmp_ok($last, '<', 25, "$policy: a site of IPv6");
    is($ask->('2001:db8:6:1::1', '/page')->{status}, 200,
       "$policy: ... and no other");

    # networks, nobody else: five of IPv4, two of IPv6

    my $status = $nginx->status;
    cmp_ok($status->{zone}{entries}, '<=', 5 * 7,
           "$policy: as many subjects as networks");
    is($status->{faults}{keyless}, 0, "$policy: all were counted");
    unlike(join('', map { $nginx->slurp($_) } 'logs/error.log'),
           qr/203\.0\.113|192\.0\.2|198\.51/, "$policy: nobody is in a log");
    $nginx->ends(qr{open\(\) "-" failed});
}

done_testing;
