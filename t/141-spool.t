use FindBin;
use lib "$FindBin::Bin/lib";

use Fcntl qw(:flock);
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use Spool;

# the spool: what is written where, and what happens when it cannot be

my $pid = qr/[a-z2-7]{26}/;
my $rules = 'fraud enforce; fraud_flag theft account if=$arg_f window=30d '
    . 'damage=chargeback;';
my %two = (f => 1, one => 1, two => 1);

# the directive

{
    my $dir = File::Temp->newdir('fraud-keys-XXXXXX', TMPDIR => 1);
    Spool::keygen("$dir/b");
    mkdir "$dir/spool";

    open my $key, '<', "$dir/b.pub" or die;
    my $line = <$key>;
    my %bad = (short => substr($line, 0, 70) . "\n", two => "$line$line",
               none => '', zero => 'fraud-seal 1 ' . '0' x 64 . "\n",
               secret => do { open my $in, '<', "$dir/b.key"; <$in> });

    for my $name (sort keys %bad) {
        open my $out, '>', "$dir/$name" or die;
        print $out $bad{$name};
    }

    my @cases = (
        ["$dir/spool", '"fraud_spool": no key for "%", add "key=FILE" with '
            . "billing's public key"],
        ["$dir/spool key=", '"fraud_spool": no file of a public key is named, '
            . 'use one that "fraud-billing keygen" or "fraudctl escrow '
            . 'keygen" made'],
        ["$dir/spool key=$dir/missing", '"fraud_spool": key file '
            . "\"$dir/missing\" cannot be opened (2: No such file or "
            . 'directory)'],
        (map { ["$dir/spool key=$dir/$_", "\"fraud_spool\": \"$dir/$_\" is no "
            . 'public key, use the public file that "fraud-billing keygen" or '
            . '"fraudctl escrow keygen" made'] } sort keys %bad),
        ["$dir/none key=$dir/b.pub", '"fraud_spool": "' . $dir . '/none" is no '
            . 'directory, make it with mode 0700 for the user of the workers'],
        ["$dir/b.pub key=$dir/b.pub", '"fraud_spool": "' . $dir . '/b.pub" is '
            . 'no directory, make it with mode 0700 for the user of the '
            . 'workers'],
        (map { ["$dir/spool key=$dir/b.pub $_", '"fraud_spool": invalid size "'
            . $_ . '", use 64k to 1024g'] } qw(max=1k max=x segment=63k
                                                max=1025g)),
        ["$dir/spool key=$dir/b.pub max=64k segment=65k", '"fraud_spool": '
            . '"segment=" is larger than "max=" of "%", lower it'],
        (map { ["$dir/spool key=$dir/b.pub $_", '"fraud_spool": invalid '
            . "parameter \"$_\", use \"key=FILE\", \"node=\" 1 to 32 letters, "
            . 'digits and "_", "max=SIZE" or "segment=SIZE"'] }
            'node=a.b', 'node=', 'sync=off'),
    );

    for (@cases) {
        my ($parameters, $message) = @$_;
        $message =~ s/%/$dir\/spool/;
        my ($status, @said) = Policies::test(
            http => "fraud_spool $parameters;");
        my ($emerg) = grep { /^\[emerg\]/ } @said;
        like($emerg // '', qr/^\[emerg\] \Q$message\E in \S+:\d+$/,
             $parameters =~ s/\Q$dir\E//gr);
        unlike("@said", qr/\Q@{[substr $bad{secret}, 20, 64]}\E/,
               'and no key is told');
    }

    my ($status, @said) = Policies::test(http => "fraud_spool $dir/spool "
        . "key=$dir/b.pub; fraud_spool $dir/spool key=$dir/b.pub;");
    like("@said", qr/"fraud_spool" directive is duplicate/, 'twice');
}

# the workers make files in it, whoever reads the configuration

{
    my $dir = File::Temp->newdir('fraud-keys-XXXXXX', TMPDIR => 1);
    chmod 0755, "$dir";
    Spool::keygen("$dir/b");
    mkdir "$dir/spool";
    my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
    my %as = (user => 'nobody ' . getgrgid($gid), http => "fraud_spool $dir/spool "
        . "key=$dir/b.pub;", server => 'fraud observe;');

    chmod 0700, "$dir/spool";
    my ($status, @said) = Policies::test(%as);
    is($said[-1], "[emerg] \"fraud_spool\": no file can be made in "
       . "\"$dir/spool\" by user \"nobody\" of the workers, give it to that "
       . 'user with mode 0700', 'a directory of root');
    chmod 0755, "$dir/spool";
    ($status, @said) = Policies::test(%as);
    like("@said", qr/no file can be made in/, 'that others may look into');
    chown $uid, $gid, "$dir/spool";
    chmod 0500, "$dir/spool";
    ($status, @said) = Policies::test(%as);
    like("@said", qr/no file can be made in/, 'theirs, but read only');
    chmod 0700, "$dir/spool";
    ($status, @said) = Policies::test(%as);
    is($status, 0, 'and theirs');
}

# a worker has its thread from the first flag on

{
    my $s = Spool->new(server => $rules);
    my ($worker) = $s->{nginx}->workers;
    my $threads = sub { scalar(my @t = glob "/proc/$worker/task/*") };

    $s->ask(one => 1, two => 1, as => 'none') for 1 .. 3;
    is($threads->(), 1, 'none without a flag');
    is(() = $s->files, 0, 'nor a file');
    $s->ask(%two, as => "t$_") for 1 .. 3;
    ok($s->settled(3), 'flags');
    is($threads->(), 2, 'one thread for all');
    is(() = $s->files, 1, 'and one file');
    ok($s->{nginx}->stop, 'nginx ends');
    is((map { Spool::records($_) } $s->files)[-1][1], 'end', 'and its writer');
}

# where there is none to be had, or no memory, it serves, tells it once, and tries
# again. ASan ends a process that has no memory.

die "root is needed to limit a worker\n" if $> != 0;
my $binary = $ENV{TEST_NGINX_BINARY} || 'nginx';
for my $limit ('nproc', `$binary -V 2>&1` =~ /-fsanitize=/ ? () : 'as') {
    my $dir = File::Temp->newdir('fraud-spool-XXXXXX', TMPDIR => 1);
    my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
    mkdir "$dir/spool", 0700 or die "$dir/spool: $!\n";
    chown $uid, $gid, "$dir/spool";
    chmod 0711, $dir;

    # whom the limit of processes does not bind is root
    my $s = Spool->new(server => $rules, dir => "$dir/spool",
                       user => 'nobody ' . getgrgid $gid);
    my ($worker) = $s->{nginx}->workers;
    open my $in, '<', "/proc/$worker/statm" or die "$!\n";
    my $size = $limit eq 'nproc' ? 0
        : 4096 * (split ' ', <$in>)[0] + 262144;
    my $may = sub {
        system('runuser', '-u', 'nobody', '--', 'prlimit', '--pid', $worker,
               "--$limit=$_[0]:") == 0 or die "prlimit fails\n";
    };

    my %names = (nproc => 'processes', as => 'address space');
    open my $limits, '<', "/proc/$worker/limits" or die "$!\n";
    my ($most) = map { /^Max $names{$limit} +\S+ +(\S+)/ } <$limits>;
    $may->($size);
    is($s->ask(%two, as => "u$_"), 200, "$limit: no thread") for 1 .. 3;
    is($s->flags->{lost}, 3, 'its flags are lost');
    $may->($most);
    ok(Fraud::wait_for(sub {
        $s->ask(%two, as => 'u1'); my @files = $s->files; @files }),
       'later ones are not');
    ok($s->settled(1), 'nor then');
    my $allowed = qr/"fraud_spool": no thread, flags of this worker are lost /;
    my @lines = $s->{nginx}->error_log =~ /$allowed/g;
    is(scalar(@lines), 1, 'which is told once');
    $s->{nginx}->ends($allowed);
}

# files: of one writer, nobody else's, without a gap, ended

{
    my $s = Spool->new(server => $rules, spool => 'segment=64k');
    my $nginx = $s->{nginx};

    my $begin = Fraud::second();
    $s->ask_all(\%two, map { "a$_" } 1 .. 60);
    my $flags = $s->flags;
    is($flags->{raised}, 60, 'sixty at once');
    cmp_ok($flags->{written}, '<=', 50 * (1 + Fraud::second() - $begin),
           'so many a second are sealed');
    ok($s->settled(60), 'all are written');
    is($s->flags->{waiting}, 0, 'none waits');

    my @files = $s->files;
    cmp_ok(scalar(@files), '>', 1, 'several files');
    is(sprintf('%o', (stat $_)[2] & 07777), '600', 'read by nobody else')
        for @files;
    cmp_ok(-s $_, '<=', 65536, 'none is too large') for @files;
    my $sum = 0;
    $sum += -s $_ for @files;
    is($s->flags->{spool_bytes}, $sum, 'how much there is');

    ok($nginx->stop, 'nginx ends');
    my @records = map { Spool::records($_) } @files;
    is(scalar(grep { !defined } @records), 0, 'every checksum holds');
    is_deeply([map { $_->[0] } @records], [0 .. 60], 'no gap in the numbers');
    is($records[-1][1], 'end', 'the last says so');

    my ($n, $bad) = (0, 0);
    for my $file (@files) {
        my ($first) = $file =~ /\.([0-9a-f]{16})\.spool$/;
        $bad++ if hex $first != $n;
        $n += Spool::records($file);
    }
    is($bad, 0, 'files are named by their first number');
    is(join(' ', sort map { $s->unseal($_) } $s->events),
       join(' ', sort map { "a$_" } 1 .. 60), 'and all sixty are in them');
    is($s->valid($s->events), '', 'the schema has nothing against them');
}

# a file that billing took away is not written to any more; links are not
# followed, and what is no file of the spool does not count

{
    my $s = Spool->new(server => $rules, spool => 'max=64k');

    symlink "$s->{dir}/elsewhere", "$s->{spool}/link.spool" or die;
    open my $out, '>', "$s->{spool}/notes" or die;
    print $out 'x' x 100000;
    close $out;

    $s->ask(%two, as => 'first');
    ok($s->settled(1), 'a flag');
    my ($file) = grep { /\.0{16}\.spool$/ } $s->files;
    unlink $file or die;
    $s->ask(%two, as => 'second');
    ok($s->settled(2), 'another');
    my @left = grep { /[0-9a-f]{16}\.spool$/ } $s->files;
    like("@left", qr{/[0-9a-f]{16}\.0{15}1\.spool$}, 'in a new file');
    is(join(' ', map { $_->[0] } map { Spool::records($_) } @left), '1',
       'which goes on from where the other was');
    ok(!-e "$s->{dir}/elsewhere", 'nothing is written elsewhere');
    $s->{nginx}->ends;
}

# who may only read the directory cannot keep the workers from it

{
    my $s = Spool->new(server => $rules);

    chmod 0755, $s->{dir}, $s->{spool};
    open my $dir, '<', $s->{spool} or die "$s->{spool}: $!\n";
    ok(flock($dir, LOCK_EX | LOCK_NB), 'somebody locks the directory');
    $s->ask(%two, as => 'first');
    ok($s->settled(1), 'a flag is written all the same');
    is(sprintf('%o', (stat "$s->{spool}/.lock")[2] & 07777), '600',
       'what workers lock is theirs');
    $s->{nginx}->ends;
}

# a directory in the place of another is used at once, not when the file is full

{
    my $s = Spool->new(server => $rules);

    $s->ask(%two, as => 'first');
    ok($s->settled(1), 'a flag');
    rename $s->{spool}, "$s->{spool}.old" or die;
    mkdir $s->{spool} or die;
    $s->ask(%two, as => 'second');
    ok($s->settled(2), 'another');
    is(join(' ', map { $s->unseal($_) } $s->events), 'second',
       'is where readers look');
    is(scalar(map { Spool::records($_) } glob "$s->{spool}.old/*"), 1,
       'not where nobody does');
    $s->{nginx}->ends;
}

# two workers, and a reload with flags that wait: each has its own numbers

{
    my $s = Spool->new(server => $rules, workers => 2);
    my $nginx = $s->{nginx};

    $s->ask_all(\%two, map { "b$_" } 1 .. 120);
    ok($nginx->reload, 'reloaded while some wait');
    $s->ask(%two, as => "b$_") for 100 .. 125;
    ok($s->grows(125), 'nothing is missing');

    my %ids = map { $_->{id} => 1 } $s->events;
    is(scalar(keys %ids), 125, 'no more than there were');
    is($s->flags->{lost}, 0, 'none was lost');
    ok($nginx->stop, 'nginx ends');

    my %writers;
    for my $file ($s->files) {
        my ($writer) = $file =~ m{/([0-9a-f]{16})\.};
        push @{ $writers{$writer} }, Spool::records($file);
    }
    for my $writer (values %writers) {
        is_deeply([map { $_->[0] } @$writer], [0 .. $#$writer],
                  'a writer without a gap');
        is($writer->[-1][1], 'end', 'which has ended');
    }
}

# kill -9: what waited is raised again, and what was written has the same id

{
    my $s = Spool->new(server => $rules);
    my $nginx = $s->{nginx};
    my @names = map { "c$_" } 1 .. 250;

    # no answer is read: the first second's seals are not all that is raised
    my $socket = Policies::pipeline($nginx, 'asogen',
                                    Spool::uris(\%two, @names));
    ok(Fraud::wait_for(sub { my @e = $s->events; @e }), 'some are written');
    my ($worker) = $nginx->workers;
    kill 'KILL', $worker;
    ok(Fraud::wait_for(sub {
        my ($now) = $nginx->workers; $now && $now != $worker }), 'killed');

    my $before = $s->events;
    cmp_ok($before, '<', 250, 'some are not');
    is($s->ask_all(\%two, @names), 250, 'all are asked again');
    ok(Fraud::wait_for(sub { $s->flags->{waiting} == 0 }),
       'what was raised is written');

    my %ids;
    push @{ $ids{$s->unseal($_)} }, $_->{id} for $s->events;
    is(join(' ', sort keys %ids), join(' ', sort @names), 'nothing is missing');
    is(scalar(grep { my %own = map { $_ => 1 } @{ $ids{$_} }; keys %own != 1 }
              keys %ids), 0, 'one id for each, however often');
    cmp_ok(scalar(grep { @{ $ids{$_} } == 1 } keys %ids), '>', 0,
           'what was settled is not raised again');
    $nginx->stop;
}

# the same id is what a second writer gives it: a mark that pends, its process
# gone, after the flag got to the disk

{
    my $same = 0;

    for my $try (1 .. 20) {
        my $s = Spool->new(server => $rules);
        $s->ask(%two, as => 'twin');
        1 until (my @e = $s->events) || !sleep 0.001;
        my ($worker) = $s->{nginx}->workers;
        kill 'KILL', $worker;
        Fraud::wait_for(sub {
            my ($now) = $s->{nginx}->workers; $now && $now != $worker });
        $s->ask(%two, as => 'twin');
        $s->grows(2, 1);
        my @events = $s->events;
        $s->{nginx}->stop;
        next if @events != 2;
        $same = $events[0]{id} eq $events[1]{id};
        last;
    }
    ok($same, 'written twice, with one id');
}

# a directory that is not there any more, or takes nothing, or has enough

sub fails {
    my ($what, $allowed, $break, $mend, %conf) = @_;
    my $s = Spool->new(server => $rules, %conf);
    my $nginx = $s->{nginx};

    $s->ask(%two, as => 'first');
    ok($s->settled(1), "$what: one before");
    $break->($s);
    is($s->ask(%two, as => 'second'), 200, 'the request is answered');
    ok(Fraud::wait_for(sub { $nginx->error_log =~ $allowed }), 'it is told');
    is($s->flags->{lost}, 0, 'the flag waits');
    ok(Fraud::wait_for(sub { $s->flags->{lost} == 1 }, 30), 'and is lost');
    $s->ask(%two, as => 'third') for 1 .. 3;
    ok(Fraud::wait_for(sub { $s->flags->{lost} >= 2 }, 30), 'as the next is');
    $mend->($s);
    my $lost = $s->flags->{lost};
    ok(Fraud::wait_for(sub {
        $s->ask(%two, as => 'second');
        grep { $s->unseal($_) eq 'second' } $s->events }),
       'it is raised again when there is room');
    ok(Fraud::wait_for(sub {
        $nginx->error_log =~ /flags are written to "\S+" again, \d+ were lost/ }),
       'which is told, too');

    my @lines = $nginx->error_log =~ /$allowed/g;
    is(scalar(@lines), 1, 'one line for each change');
    unlike($nginx->error_log, qr/second|third/, 'that names nobody');
    $nginx->ends($allowed);

    my %writers;
    for my $file ($s->files) {
        my ($writer) = $file =~ m{/([0-9a-f]{16})\.};
        push @{ $writers{$writer} }, grep { defined } Spool::records($file);
    }
    is_deeply([map { $_->[0] } @$_], [$_->[0][0] .. $_->[-1][0]],
              'numbers have no gap') for values %writers;
}

fails('no directory', qr/flags cannot be written to "\S+", they wait and are then lost \(2: /,
    sub { rename $_[0]{spool}, "$_[0]{spool}.away" },
    sub { rename "$_[0]{spool}.away", $_[0]{spool} });

fails('enough', qr/has reached "max=" of "fraud_spool", flags wait and are then lost/,
    sub { open my $out, '>', "$_[0]{spool}/" . '0' x 16 . '.' . '0' x 16
              . '.spool' or die; print $out 'x' x 65536 },
    sub { unlink "$_[0]{spool}/" . '0' x 16 . '.' . '0' x 16 . '.spool' },
    spool => 'max=64k');

# a full disk, torn records on it

{
    my $dir = File::Temp->newdir('fraud-disk-XXXXXX', TMPDIR => 1);

    die "root is needed for a disk of one's own\n" if $> != 0;
    system('mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', $dir) == 0
        or die "cannot mount a tmpfs\n";

    my $ok = eval {
        fails('full', qr/flags cannot be written to "\S+", they wait and are then lost \(28: /,
            sub {
                my ($s) = @_;
                open my $out, '>', "$dir/fill" or die;
                1 while syswrite $out, 'x' x 1000;
                # the page has room for this one, and half of the next
                $s->ask(%two, as => 'other');
                $s->settled(2) or die;
            },
            sub { unlink "$dir/fill" }, dir => "$dir");
        1;
    };
    my $why = $@;
    system 'umount', $dir;
    die $why if !$ok;
}

done_testing();
