#!/usr/bin/perl

# style.pl FILE...: nginx's dialect in module/, plain limits in lib/ and tools/, and how
# long functions and files are. Reports "file:line: what" and fails on any.
# A file outside lib/ and tools/ is taken for nginx's dialect.

use strict;
use warnings;


my %ceiling = (
    module => { function => 140, file => 900 },
    lib    => { function => 100, file => 450 },
);

my $type = qr/(?:unsigned|struct\s+\w+|\w+_(?:t|s|e|pt|rc)
                |void|char|u_char|short|int|long|float|double|time_t)/x;
my $keyword = qr/if|for|while|switch|return|case|else|do|sizeof|defined|goto/;

my ($file, $side, %size, $bad);


sub report {
    my ($n, $what) = @_;

    print "$file:$n: $what\n";
    $bad++;
}


# the same text with comments, strings and character constants blanked,
# newlines kept

sub code_of {
    my ($text) = @_;

    $text =~ s{ (/\*.*?\*/) | (//[^\n]*)
              | ("(?:[^"\\\n]|\\.)*") | ('(?:[^'\\\n]|\\.)*') }
              { my $s = defined $1 ? $1 : defined $2 ? "/$2" : '';
                defined $1 ? $s =~ s/[^\n]/ /gr
                : defined $2 ? $2
                : defined $3 ? '"' . '_' x (length($3) - 2) . '"'
                : "'" . '_' x (length($4) - 2) . "'" }gsex;

    return $text;
}


# functions: [first line, line of the brace, last line], from 1, and all ends
# of top-level blocks

sub functions_of {
    my ($code) = @_;
    my ($depth, $head, $first, $cont, @functions, $open) = (0, '', 0, 0);
    my $n = 0;

    for my $line (@$code) {
        $n++;

        if ($cont || $line =~ /^\s*#/) {
            $cont = $line =~ /\\$/;
            next;
        }

        if ($depth == 0 && $head eq '') {
            $first = $n;
        }

        for my $part ($line =~ /[{};]|[^{};]+/g) {

            if ($part eq '{') {
                if ($depth++ == 0) {
                    $open = $n;
                }

            } elsif ($part eq '}') {
                if (--$depth == 0 && $head =~ /\)\s*$/ && $head !~ /=/) {
                    push @functions, [$first, $open, $n, $head];
                    $head = '';
                }

            } elsif ($depth == 0) {
                if ($part eq ';') {
                    $head = '';

                } elsif ($head ne '' || $part =~ /\S/) {
                    $head .= "$part ";
                }
            }
        }
    }

    return @functions;
}


sub every_line {
    my ($lines) = @_;
    my $n = 0;

    for my $line (@$lines) {
        $n++;
        report($n, 'wider than 80 columns') if length $line > 80;
        report($n, 'tab') if $line =~ /\t/;
        report($n, 'trailing blank') if $line =~ /[ \r]$/;
    }

    report($n, 'blank line at the end') if $n && $lines->[-1] eq '';
}


sub nginx_head {
    my ($lines) = @_;
    my $n = 3;

    if (@$lines < 8 || $lines->[0] ne '' || $lines->[1] ne '/*'
        || $lines->[2] !~ /^ \* Copyright \(C\) /)
    {
        report(1, 'not a blank line and a copyright comment first');
        return;
    }

    $n++ while $n < @$lines && $lines->[$n - 1] ne ' */';

    if ("@$lines[$n .. $n + 2]" !~ /^  \S/) {
        report($n + 1, 'not two blank lines after the copyright comment');
    }
}


sub nginx_line {
    my ($n, $line, $prev) = @_;

    report($n, '// comment') if $line =~ m{//};

    return if $line =~ /^\s*#/;

    report($n, 'no blank line before else')
        if $line =~ /^\s*\}? ?else\b/ && $prev =~ /[^\s\\]/
           && $prev !~ /^\s*#/;
    report($n, "no single space after $1")
        if $line =~ /\b(if|for|while|switch)(?:\(|  +\()/;
    report($n, "space between $1 and its parenthesis")
        if $line =~ /\b(?!(?:$keyword|$type)\b)([a-z_]\w*) \((?!\*)/;
    report($n, 'no space before {') if $line =~ /[)\w]\{/;
    report($n, 'no space after }') if $line =~ /\}\w/;
    report($n, 'no space after a comma') if $line =~ /,[^\s"]/;
    report($n, 'space before a comma or semicolon')
        if $line =~ /\S ;/ && $line !~ /\bfor \(/ || $line =~ /\S ,/;
    report($n, 'space inside parentheses')
        if $line =~ /\( [^;\s\/]/ && $line !~ /\bfor \(/;
    report($n, '* not glued to the name')
        if $line =~ /^\s*(?:static |const )*$type ?\*+ +\w/
           || $line =~ /[(,] ?(?:const )?$type ?\*+ +\w/;
    report($n, 'no space before *')
        if $line =~ /^\s*(?:static |const )*$type\*/
           || $line =~ /[(,] ?(?:const )?$type\*/;
    report($n, 'no space after a cast')
        if $line =~ /\((?:const )?$type \*+\)[\w(]/;
    report($n, 'indentation') if $line =~ /^ {1,3}\S/;
}


# what is between a function and what follows, and how it starts

sub nginx_function {
    my ($lines, $code, $first, $open, $last) = @_;

    report($open, 'brace of a function not alone in column 0')
        if $code->[$open - 1] ne '{';
    report($last, 'end of a function not alone in column 0')
        if $code->[$last - 1] !~ /^\}\s*$/;
    report($first, 'return type not alone on its line')
        if $code->[$first - 1] =~ /\(/;
    report($first + 1, 'function name not in column 0')
        if $code->[$first] !~ /^\w+\(/;

    my $n = $last;
    $n++ while $n < @$lines && $lines->[$n] eq '';

    if ($n < @$lines && $lines->[$n] !~ /^#/ && $n - $last != 2) {
        report($last + 1, 'not exactly two blank lines after a function');
    }

    nginx_locals($code, $open, $last);
}


# the block of declarations that starts a function: names in one column, two
# spaces or more after the longest type

sub nginx_locals {
    my ($code, $open, $last) = @_;
    my ($column, $n);

    for ($n = $open; $n < $last; $n++) {
        $code->[$n] =~ /^\ {4}((?:(?:static|const)\ )*$type)(\ +)(\**)\w
                        (?:[^()=]*;|[^;=]*(=)|.*,$)/x
            or last;

        my $at = 4 + length("$1$2$3");
        $column = $at if !defined $column;

        if ($at != $column) {
            report($n + 1, 'declarations not in one column');

        } elsif (length $2 < 2 && !defined $4) {
            report($n + 1, 'less than two spaces after a type');
        }
    }

    if (defined $column && $n + 1 < $last
        && $code->[$n] =~ /^    (?!$type\b|struct\b|union\b|enum\b|static\b|const\b)\w/)
    {
        report($n + 1, 'no blank line after the declarations');
    }
}


sub nginx_blanks {
    my ($lines, $functions) = @_;
    my ($blank, $n) = (0, 0);

    for my $line (@$lines) {
        $n++;
        $blank = $line eq '' ? $blank + 1 : 0;
        report($n, 'third blank line') if $blank == 3;
    }

    for my $f (@$functions) {
        for $n ($f->[0] .. $f->[2] - 1) {
            if ($lines->[$n - 1] eq '' && $lines->[$n] eq '') {
                report($n + 1, 'two blank lines inside a function');
            }
        }
    }
}


sub check {
    open my $in, '<', $file or die "$file: $!\n";
    my $text = do { local $/; <$in> };
    close $in;

    report(1, 'no newline at the end') if $text !~ /\n\z/;

    my @lines = split /\n/, $text =~ s/\n\z//r, -1;
    my @code = split /\n/, code_of($text =~ s/\n\z//r), -1;
    s/ +$// for @code;
    my @functions = functions_of(\@code);
    my $limit = $ceiling{$side};

    every_line(\@lines);

    if ($side eq 'lib') {
        report(1, 'no licence line first')
            if $lines[0] !~ m{^/\* SPDX-License-Identifier: };
    }

    if ($side eq 'module') {
        nginx_head(\@lines);
        nginx_blanks(\@lines, \@functions);
        nginx_line($_ + 1, $code[$_], $_ ? $lines[$_ - 1] : '') for 0 .. $#code;
        nginx_function(\@lines, \@code, @$_) for @functions;
    }

    return if $file !~ /\.c$/;

    push @{ $size{$side}{file} }, scalar @lines;
    report(scalar @lines, "file longer than $limit->{file} lines")
        if @lines > $limit->{file};

    for my $f (@functions) {
        my $n = $f->[2] - $f->[0] + 1;

        push @{ $size{$side}{function} }, $n;
        report($f->[0], "function of $n lines, ceiling $limit->{function}")
            if $n > $limit->{function};
    }
}


sub spread {
    my @n = sort { $a <=> $b } @{ $_[0] || [] };

    return 'none' if !@n;
    return sprintf '%d, median %d, p90 %d, longest %d', scalar @n,
                   $n[$#n * 0.5 + 0.5], $n[$#n * 0.9 + 0.5], $n[-1];
}


for (@ARGV) {
    $file = $_;
    $side = $file =~ m{(?:^|/)(?:lib|tools(?:/billing)?)/[^/]*$} ? 'lib' : 'module';
    check();
}

for $side (sort keys %size) {
    print "$side: functions ", spread($size{$side}{function}),
          "; files ", spread($size{$side}{file}), "\n";
}

exit($bad ? 1 : 0);
