# Regressions, each named by what broke.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);
use Fraud;
my $show = <<'END';
    add_header X-Fraud "$fraud_score [$fraud_reasons]" always;
    add_header X-Pid "$fraud_address_pid" always;
    fraud_action 100 deny;
END
{   # 1 trust reason
    my $n = Fraud->new(files => {'f.txt' => "127.0.0.0/8\n"}, http => $show, server => 'fraud enforce;
      fraud_list friends $remote_addr file=%DIR%/f.txt trust; location / { empty_gif; }');
    is($n->fraud('/'), '0 [trust.friends=0]', '1 reason trust.NAME');
}
{   # 2 fraud_signal on=response
    my $n = Fraud->new(http => $show, server => 'fraud enforce; fraud_log logs/fraud.log;
      fraud_signal sig if=$arg_a on=response points=40; location / { empty_gif; }
      location /status { fraud off; fraud_status json; }', );
    $n->reload(http => "$show fraud_reputation address half_life=30d;");
    $n->get('/?a=1');
    is($n->status->{signals}{sig}, 1, '2 fraud_signal on=response is counted');
    like($n->fraud('/'), qr/reputation.address=(39|40)/, '2 and teaches');
}
{   # 4 epoch made longer
    my $n = Fraud->new(http => "$show fraud_keys memory epoch=1s;", server => 'fraud enforce; location / { empty_gif; }');
    my %a; for (1..12) { $a{$n->get('/')->{headers}{'x-pid'}} = 1; sleep 0.25 }
    cmp_ok(scalar keys %a, '>=', 3, '4 epoch=1s rotates');
    $n->reload(http => "$show fraud_keys memory epoch=2s;");
    my %b; for (1..32) { $b{$n->get('/')->{headers}{'x-pid'}} = 1; sleep 0.25 }
    cmp_ok(scalar keys %b, '>=', 3, '4 and still after a reload to epoch=2s');
    $n->reload(http => "$show fraud_keys memory epoch=1s;");
}
{   # 5 trap with error_page 404
    my $n = Fraud->new(http => "$show fraud_reputation address half_life=30d;", server => 'fraud enforce; error_page 404 /404; fraud_log logs/fraud.log;
      location = /404 { return 404 "none"; }
      location = /trap { fraud_signal trap points=80; return 404; } location / { empty_gif; }');
    $n->get('/trap');
    like($n->fraud('/'), qr/reputation.address=(79|80)/, '5 trap counts with error_page 404 (uri with return)');
    $n->reload(server => 'fraud enforce; error_page 404 /404.html; location = /404.html { empty_gif; }
      location = /trap { fraud_signal trap points=80; return 404; } location / { empty_gif; }');
    $n->get('/trap', from => '192.0.2.5');
    like($n->fraud('/', from => '192.0.2.5'), qr/reputation.address=(79|80)/, '5 trap counts with error_page 404 (content)');
}
{   # 6 HTTP/0.9
    my $n = Fraud->new(http => "$show fraud_reputation address half_life=30d;", server => 'fraud enforce;
      location = /trap { fraud_signal trap points=80; return 404; } location / { empty_gif; }');
    $n->receive($n->send_raw("GET /trap\r\n"));
    like($n->fraud('/'), qr/reputation.address=(79|80)/, '6 trap counts with HTTP/0.9');
}
{   # 8 error lines by number of workers
    my $n = Fraud->new(workers => 2, files => {'f.txt' => "127.0.0.0/8\n"}, http => $show, server => 'fraud enforce;
      fraud_list friends $remote_addr file=%DIR%/f.txt points=1; location / { empty_gif; } location /status { fraud off; fraud_status json; }');
    $n->replace('f.txt', "x y z\n");
    Fraud::wait_for(sub { $n->error_log =~ /stays in force/ });
    sleep 4;
    is(scalar(() = $n->error_log =~ /stays in force/g), 1, '8 one error line with two workers');
    is($n->status->{faults}{file_refused}, 1, '8 counted once');
}

{
    my $n = Fraud->new(http => 'fraud_log logs/fraud.log;', server => 'fraud enforce; fraud_signal slow if=$arg_slow points=50; fraud_action 50 delay=30s;
      location / { empty_gif; }');
    for (1..900) { my $s = $n->send('/?slow=1'); close $s; }
    $n->get('/') for 1..3;
    Fraud::wait_for(sub { 900 == (() = $n->slurp('logs/fraud.log') =~ /delay/g) }, 20);
    my $log = () = $n->slurp('logs/fraud.log') =~ /delay/g;
    is($log, 900, '7 a client that left while or before it was delayed is noticed at once');
}
{   # 9 with "error_page =" the target answers: it is scored and acts
    my $n = Fraud->new(http => 'fraud_action 90 deny;', server => '
      fraud_signal bad if=$arg_bad points=95;
      location /plain { fraud enforce; empty_gif; }
      location /idiom { fraud enforce; error_page 418 = @app;
        if ($request_method = GET) { return 418; } }
      location /off { fraud off; error_page 404 = @app; return 404; }
      location @app { fraud enforce; empty_gif; }');
    is($n->get("/$_?bad=1")->{status}, 403, "9 $_ is refused")
        for qw(plain idiom off);
    is($n->get("/$_")->{status}, 200, "9 $_ is served")
        for qw(plain idiom off);
}
{   # 10 one file for both logs: nginx reads our buffer as its own
    my $n = Fraud->new(http => 'fraud_log logs/x.log buffer=64k;
      access_log logs/x.log combined buffer=64k;',
      server => 'fraud observe; location / { empty_gif; }');
    is($n->get('/')->{status}, 200, '10 both logs on one file');
}
done_testing;
