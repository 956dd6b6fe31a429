#!/usr/bin/perl

# statements.t: tests/privacy/README.md has all 126 statements of the policies,
# quotes are what the texts say, and the tests it names are there.

use strict;
use warnings;
use utf8;

use FindBin;
use Test::More;

binmode $_, ':utf8' for Test::More->builder->output,
                        Test::More->builder->failure_output;

my $TOP = "$FindBin::Bin/../..";

my %LAST = (A => 26, E => 23, T => 23, K => 30, P => 24);
my %SEED = (A => 'asogen', E => 'asergo', T => 'aseptsoft',
            K => 'kirim-email', P => 'apsen-mail');

sub slurp {
    my ($path) = @_;
    open my $in, '<:utf8', $path or die "$path: $!\n";
    local $/;
    return <$in>;
}

sub squeeze { return $_[0] =~ s/\s+/ /gr }

my %seed = map { $_ => squeeze(slurp("$FindBin::Bin/seeds/$_.txt")) }
    values %SEED;

# missing(seed, quote): the parts of it, between ellipses, that are not there

sub missing {
    my ($seed, $quote) = @_;
    return grep { index($seed{$seed}, $_) < 0 }
        map { s/^ | $//gr } split / ?… ?/, squeeze($quote);
}

# the search itself

is(join('|', missing('asogen', 'creation of invoices … no such words')),
   'no such words', 'words that are not in a text are found out');
is(join('|', missing('asogen', "creation of\n invoices")), '',
   'but not those that are');

# the table

my $readme = slurp("$FindBin::Bin/README.md");
my (%rows, @bad, @unshown);

while ($readme =~ /^\| ([AETKP])(\d+) \| “(.*?)” \| (.*?) \| (.*) \|$/mg) {
    my ($letter, $n, $quote, $setting, $shown) = ($1, $2, $3, $4, $5);
    push @bad, "$letter$n twice" if $rows{"$letter$n"}++;
    push @bad, "$letter$n: $_" for missing($SEED{$letter}, $quote);
    push @unshown, "$letter$n" if $shown !~ /\w/ || $setting !~ /\w/;
}
is(join("\n", @bad), '', 'what is quoted stands in the texts');
is("@unshown", '', 'each has a setting, and a test or a reason');
is(join(' ', sort keys %rows), join(' ', sort map {
       my $letter = $_;
       map { "$letter$_" } 1 .. $LAST{$letter}
   } keys %LAST), 'all statements are in the table');
is(scalar keys %rows, 126, 'which are 126');

my %tests = map { $_ => 1 } $readme =~ /^\| PT(\d+) \|/mg;
is(join(' ', sort { $a <=> $b } keys %tests), join(' ', 1 .. 22),
   'and the 22 tests');

# settings are those of the module

my %settings = map { $_ => 1 }
    slurp("$TOP/conf/policies/default.policy") =~ /^([a-z.]+) = /mg;
my @unknown = grep { !$settings{$_} }
    $readme =~ /^\| [AETKP]\d+ \| “.*?” \| `([a-z.]+)` \|/mg;
is("@unknown", '', 'settings are those of a policy');

# the tests that are named

my (%files, @gone, $named);

while ($readme =~ /`((?:t|tests)\/[\w.\/-]+)`: `(.*?)`/g) {
    my ($file, $name) = ($1, $2);
    $named++;
    $files{$file} //= -e "$TOP/$file" ? slurp("$TOP/$file") : '';
    push @gone, "$file: $name" if index($files{$file}, $name) < 0;
}
cmp_ok($named, '>', 126, 'tests are named');
is(join("\n", @gone), '', 'and are there');

# comments of policy files

for my $letter (sort keys %SEED) {
    my $name = $SEED{$letter};
    my $text = slurp("$TOP/conf/policies/$name.policy");
    my @comments = map { s/^#[ ]?//mgr } $text =~ /((?:^#.*\n)+)/mg;
    my (@wrong, @ids, $quotes);

    for my $comment (@comments) {
        while ($comment =~ /“(.*?)”/sg) {
            $quotes++;
            push @wrong, missing($name, $1);
        }
        push @ids, map { split /,\s*/ } $comment =~ /\[([A-Z]\d+(?:,\s*[A-Z]\d+)*)\]/g;
    }
    cmp_ok($quotes, '>', 10, "$name: the policy file quotes");
    is(join("\n", @wrong), '', '... what the text says');
    is(join(' ', grep { !$rows{$_} || !/^$letter/ } @ids), '',
       '... statements of its own');
}

done_testing;
