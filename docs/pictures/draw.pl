#!/usr/bin/perl
# Draws the pictures of docs/: levels.svg, rollover.svg, paths.svg, design.svg.
#
#     docs/pictures/draw.pl          writes them beside this file
#     docs/pictures/draw.pl DIR      writes them into DIR
#
# Prints nothing. The files are kept in the tree, so that a forge shows them; t/docs_pictures.t holds them to this
# script, and to the checks' own word on what is accepted. Perl's core alone, and the same bytes on every machine.

use strict;
use warnings;
use utf8;

use File::Basename qw(dirname);

my $width = 760;    # as wide as a forge shows a page, so that 12 px are 12 px

# A background of its own: a page may be dark. Blue and orange are told apart by all eyes, and no meaning hangs on a
# colour alone: what is accepted has a disc and a tick, what is refused a square and a cross, and both a word.
my %colour = (
    paper => '#ffffff', ink => '#1a1a1a', quiet => '#4d4d4d', line => '#8c8c8c', shade => '#f0f0f0',
    yes => '#0072b2', no => '#b34700', key => '#d6eaf6', pin_line => '#0072b2',
    A => '#0072b2', B => '#e69f00', X => '#e0e0e0', Y => '#e0e0e0',
);

my $directory = @ARGV ? shift : dirname(__FILE__);
die "usage: $0 [DIR]\n" if @ARGV || !-d $directory;

write_picture('levels', levels());
write_picture('rollover', rollover());
write_picture('paths', paths());
write_picture('design', design());

# ---- the pictures

# Five certificates for one name, and which of them a pin on each level takes.
sub levels {
    my @left = map { 172 + $_ * 117 } 0 .. 4;    # a column a leaf
    my $wide = 110;
    my $to = sub { $left[ $_[0] ] + $wide };     # the right edge of a column
    my ($root, $middle, $leaf) = (24, 92, 160);
    my @parts;

    for my $branch ([ 0, 2, [ 0, 1 ], [2] ], [ 3, 4, [ 3, 4 ] ]) {
        my ($from, $until, @intermediates) = @$branch;
        for my $columns (@intermediates) {
            my $x = ($left[ $columns->[0] ] + $to->($columns->[-1])) / 2;
            push @parts, line($x, $root + 40, $x, $middle);
            push @parts, map { my $at = $left[$_] + $wide / 2; line($at, $middle + 40, $at, $leaf) } @$columns;
        }
    }
    push @parts, map { text(16, $_->[0], $_->[1], weight => 'bold') } [ $root + 25, 'root' ], [ $middle + 25, 'intermediate' ],
        [ $leaf + 34, 'leaf' ];

    push @parts, box($left[0], $root, $to->(2) - $left[0], 40, ["your CA's root"], pinned => 1);
    push @parts, box($left[3], $root, $to->(4) - $left[3], 40, ["another CA's root"]);
    push @parts, box($left[0], $middle, $to->(1) - $left[0], 40, ['intermediate 1'], pinned => 1);
    push @parts, box($left[2], $middle, $wide, 40, ['intermediate 2']);
    push @parts, box($left[3], $middle, $to->(4) - $left[3], 40, ['its intermediate']);
    my @other = ('another key', 'your next one,', "or a thief's");
    push @parts, box($left[0], $leaf, $wide, 62, [ 'your key', "today's", 'certificate' ], pinned => 1);
    push @parts, map { box($left[$_], $leaf, $wide, 62, \@other) } 1, 2, 4;
    push @parts, box($left[3], $leaf, $wide, 62, [ 'your key', 'certified by', 'another CA' ]);

    my @rows = (
        [ 'A pin on your key', 'takes', [ 1, 0, 0, 1, 0 ] ],
        [ 'A pin on', 'intermediate 1 takes', [ 1, 1, 0, 0, 0 ] ],
        [ "A pin on your CA's", 'root takes', [ 1, 1, 1, 0, 0 ] ],
    );
    my $y = 244;
    for my $row (@rows) {
        my ($first, $second, $takes) = @$row;
        push @parts, rectangle(8, $y, $width - 16, 46, fill => 'shade', radius => 6);
        push @parts, text(16, $y + 20, $first, weight => 'bold'), text(16, $y + 37, $second, weight => 'bold');
        push @parts, map { verdict($left[$_] + 22, $y + 23, $takes->[$_], 'taken', 'refused') } 0 .. 4;
        $y += 54;
    }
    return ($y + 4, 'Which certificates a pin accepts, by its level',
        'Five certificates for one name. Your CA has a root with two intermediates. Intermediate 1 certified your key and another key,'
            . ' intermediate 2 another key. Another CA certified your key and another key. A pin on your key takes both certificates'
            . ' with your key, whichever CA certified it, and no other. A pin on intermediate 1 takes the two certificates below it.'
            . " A pin on your CA's root takes the three below that root. No one of them takes the other CA's certificate for another key.",
        @parts);
}

# The three steps of a change of key, and what becomes of who leaves one out.
sub rollover {
    my @all = qw(A B X Y);
    # title, key served, pins sent, what a client of before holds, what one of now holds
    my @steps = (
        [ [ '1. Announce', 'the new key', 'is pinned only' ], 'A', [@all], [qw(A X Y)], [@all] ],
        [ [ '2. Change', 'the new key', 'is served' ],        'B', [@all], [@all],      [@all] ],
        [ [ '3. Drop', 'the old pin', 'goes' ],               'B', [qw(B X Y)], [@all], [qw(B X Y)] ],
    );
    my @mistake = ([ 'The mistake:', 'pin and key in', 'one reload' ], 'B', [qw(B X Y)], [qw(A X Y)], [qw(B X Y)]);
    my @x = (20, 160, 244, 416, 588);
    my @parts;

    my @legend = ([ 'A', 'the key in use' ], [ 'B', 'the new key' ], [ 'X', '' ], [ 'Y', 'two backups, offline all the time' ]);
    my $x = 20;
    for my $entry (@legend) {
        my ($key, $word) = @$entry;
        push @parts, chip($x, 14, $key);
        $x += 32;
        push @parts, text($x + 4, 32, $word) if length $word;
        $x += 30 + 8 * length $word if length $word;
    }

    my @heads = ([''], [ 'the server', 'has the key' ], [ 'the header', 'has the pins' ], [ 'a client that came', 'before holds' ],
        [ 'a client that', 'comes now holds' ]);
    for my $column (1 .. 4) {
        push @parts, map { text($x[$column], 68 + 16 * $_, $heads[$column][$_], colour => 'quiet') } 0, 1;
    }

    my $y = 98;
    my $row = sub {
        my ($title, $served, $sent, $before, $now) = @{ $_[0] };
        push @parts, rectangle(8, $y, $width - 16, 74, fill => 'shade', radius => 6, line => $_[1] ? 'no' : undef);
        push @parts, text($x[0], $y + 24, $title->[0], weight => 'bold', size => 14);
        push @parts, map { text($x[0], $y + 24 + 18 * $_, $title->[$_]) } 1, 2;
        push @parts, chip($x[1] + 14, $y + 12, $served), chips($x[2], $y + 12, @$sent);
        for my $client ([ $x[3], $before ], [ $x[4], $now ]) {
            my ($at, $held) = @$client;
            my $connects = grep { $_ eq $served } @$held;
            push @parts, chips($at, $y + 12, @$held);
            push @parts, verdict($at + 10, $y + 56, $connects, "connects: has $served", 'locked out');
        }
        $y += 74;
    };
    my $pause = sub {
        push @parts, line(84, $y, 84, $y + 34, arrow => 1);
        push @parts, text(104, $y + 22, $_[0], weight => $_[1]);
        $y += 34;
    };

    $row->($steps[0]);
    $pause->('wait max-age and 5 minutes: who holds a set without B comes by, or forgets it', 'bold');
    $row->($steps[1]);
    $pause->('no client needs a wait here: keep the pin of A as long as you may want to go back to A');
    $row->($steps[2]);
    $y += 22;
    $row->(\@mistake, 1);
    return ($y + 12, 'The three steps of a change of key',
        'Key A is in use, key B is new, X and Y are backups that stay offline. Step 1, announce: the server serves A and sends the pins'
            . ' A, B, X, Y. A client that came before holds A, X, Y, one that comes now A, B, X, Y; both connect. Then wait max-age and'
            . ' five minutes, until nobody holds a set without B. Step 2, change: the server serves B and sends A, B, X, Y. All clients'
            . ' hold A, B, X, Y and connect. No client needs a wait after it. Step 3, drop: the server serves B and sends B, X, Y. Clients'
            . ' hold A, B, X, Y or B, X, Y and connect. The mistake is to send the pin of B and to serve B in one reload: a client that'
            . ' came before holds A, X, Y and is locked out.',
        @parts);
}

# One chain as it is sent, and the two ways that clients go on from it.
sub paths {
    my @parts;
    my ($up, $mid, $down) = (40, 84, 128);

    push @parts, line(150, $mid + 25, 186, $mid + 25, arrow => 1);
    push @parts, line(316, $mid + 25, 356, $up + 25, arrow => 1), line(316, $mid + 25, 356, $down + 25, arrow => 1);
    push @parts, line(520, $down + 25, 560, $down + 25, arrow => 1);
    push @parts, box(16, $mid, 134, 50, [ 'leaf', 'your key' ]);
    push @parts, box(186, $mid, 130, 50, [ 'Example CA a', 'intermediate' ]);
    push @parts, box(356, $up, 164, 50, [ 'Example Root a', 'certified by itself' ], pinned => 1);
    push @parts, box(356, $down, 164, 50, [ 'Example Root a', 'certified by Root b' ], pinned => 1);
    push @parts, box(560, $down, 184, 50, [ 'Example Root b', 'certified by itself' ]);
    push @parts, text(560, $up + 21, 'path 1 ends here on', colour => 'quiet'), text(560, $up + 38, 'new devices', weight => 'bold');
    push @parts, text(560, $down + 70, 'path 2 ends here on', colour => 'quiet'), text(560, $down + 87, 'old devices', weight => 'bold');
    push @parts, text(438, $mid + 31, 'one and the same key', anchor => 'middle', colour => 'yes', weight => 'bold');

    push @parts, text(16, $down + 87, 'an arrow: is certified by', colour => 'quiet');

    my @x = (20, 210, 370, 530);
    my $y = 266;
    push @parts, map { text($x[ $_->[0] ], $y - 10, $_->[1], colour => 'quiet') } [ 0, 'a pin on' ], [ 1, 'new devices' ],
        [ 2, 'old devices' ], [ 3, 'at a load' ];
    my @rows = (
        [ 'your key', 'accepted', 1, 1 ],
        [ 'Example CA a', 'accepted', 1, 1 ],
        [ 'Example Root a', 'warning: root-only-pin', 1, 1 ],
        [ 'Example Root b', 'error: path-without-pin', 0, 1 ],
    );
    for my $row (@rows) {
        my ($what, $finding, @takes) = @$row;
        push @parts, rectangle(8, $y, $width - 16, 34, fill => 'shade', radius => 6);
        push @parts, text($x[0], $y + 22, $what, weight => 'bold');
        push @parts, map { verdict($x[ $_ + 1 ] + 10, $y + 17.5, $takes[$_], 'match', 'locked out') } 0, 1;
        push @parts, text($x[3], $y + 22, $finding);
        $y += 40;
    }
    return ($y + 4, 'One chain, two paths to roots',
        'The leaf is certified by Example CA a, and that by the key of Example Root a. That key has two certificates: one certified by'
            . ' itself, where new devices end path 1, and one certified by Example Root b, through which old devices go on to Example Root b'
            . ' and end path 2. A pin on your key or on Example CA a matches on both paths. So does one on Example Root a; where it matches alone, a'
            . ' load warns: root-only-pin. A pin on Example Root b alone'
            . ' matches for old devices and locks new devices out: a load refuses it as path-without-pin.',
        @parts);
}

# The way of data through a load, and what becomes of it.
sub design {
    my @lane = ([ 8, 216, 'nginx', 'src/nginx, in C' ], [ 274, 212, 'a child process', 'src/core, in C++' ], [ 536, 216, 'files', '' ]);
    my @step = ([ 'read', 'policies, pins' ], [ 'gather', 'servers, names, chains' ], [ 'find paths', 'to every root' ],
        [ 'recall', 'what clients may hold' ], [ 'check', 'all findings at once' ], [ 'record', 'what will be sent' ], [ 'render', 'headers, lines' ]);
    my ($top, $high, $pitch) = (66, 42, 60);
    my $y = sub { $top + $_[0] * $pitch };
    my $middle = sub { $y->($_[0]) + $high / 2 };
    my $end = $y->(6) + $high + 14;
    my ($after, $workers) = ($end + 24, $end + 24 + $pitch + 10);
    my @parts;

    for my $lane (@lane) {
        my ($x, $wide, $name, $where) = @$lane;
        my $bottom = $x == 274 ? $end : $workers + $high + 14;
        push @parts, rectangle($x, 16, $wide, $bottom - 16, fill => 'shade', radius => 6);
        push @parts, text($x + $wide / 2, 36, $name, anchor => 'middle', weight => 'bold', size => 14);
        push @parts, text($x + $wide / 2, 54, $where, anchor => 'middle', colour => 'quiet') if length $where;
    }
    push @parts, map { box(290, $y->($_), 180, $high, $step[$_]) } 0 .. $#step;
    push @parts, map { line(380, $y->($_) + $high, 380, $y->( $_ + 1 ), arrow => 1) } 0 .. $#step - 1;

    push @parts, box(24, $y->(1), 184, $high, [ 'what it would serve', 'before it rebuilds anything' ]);
    push @parts, line(208, $middle->(1), 290, $middle->(1), arrow => 1);
    push @parts, box(24, $y->(6), 184, $high, [ 'goes on, or refuses', 'and serves on as before' ]);
    push @parts, line(290, $middle->(6), 208, $middle->(6), arrow => 1);
    push @parts, box(24, $after, 184, $high, [ 'settle, withdraw, close', 'what became of the load' ]);
    push @parts, line(116, $y->(6) + $high, 116, $after, arrow => 1);
    push @parts, line(208, $after + $high / 2, 552, $after + $high / 2, arrow => 1);
    push @parts, box(24, $workers, 184, $high, [ 'workers', 'add a ready header' ], pinned => 1);
    push @parts, line(116, $after + $high, 116, $workers, arrow => 1);
    push @parts, line(208, $workers + $high / 2, 290, $workers + $high / 2, arrow => 1);
    push @parts, text(298, $workers + $high / 2 + 4.5, 'responses; no file is opened', colour => 'quiet');

    push @parts, box(552, $y->(0), 184, $high, [ 'policy file', 'and what it names' ]);
    push @parts, line(552, $middle->(0), 470, $middle->(0), arrow => 1);
    push @parts, box(552, $y->(2), 184, $high, [ 'trust stores', "the clients' roots" ]);
    push @parts, line(552, $middle->(2), 470, $middle->(2), arrow => 1);
    push @parts, box(552, $y->(3), 184, $after + $high - $y->(3), [ 'ledger', 'written before anything', 'is sent' ]);
    push @parts, line(552, $middle->(3), 470, $middle->(3), arrow => 1);
    push @parts, line(470, $middle->(5), 552, $middle->(5), arrow => 1);

    return ($workers + $high + 28, 'The way of data through a load',
        'Three columns. nginx, in C, hands over what it would serve, before it rebuilds anything. A child process, in C++, takes seven'
            . ' steps: read, gather, find paths, recall, check, record, render. It reads the policy file and what that names, the trust'
            . ' stores, and the ledger; and it records in the ledger what will be sent. nginx then goes on, or refuses and serves on as'
            . ' before. Afterwards it tells the ledger what became of the load: settle, withdraw or close. Its workers add a ready header'
            . ' to responses and open no file.',
        @parts);
}

# ---- what they are made of

sub write_picture {
    my ($name, $height, $title, $description, @parts) = @_;
    my $path = "$directory/$name.svg";

    open my $file, '>:raw:utf8', $path or die "$path: $!\n";
    print {$file} qq(<svg xmlns="http://www.w3.org/2000/svg" width="$width" height="$height" viewBox="0 0 $width $height" role="img"),
        qq( aria-labelledby="$name-title $name-desc" font-family="Verdana, 'DejaVu Sans', Arial, sans-serif" font-size="12">\n),
        qq(<title id="$name-title">), escape($title), qq(</title>\n<desc id="$name-desc">), escape($description), qq(</desc>\n),
        qq(<!-- drawn by docs/pictures/draw.pl -->\n),
        qq(<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">),
        qq(<path d="M0 0 L8 4 L0 8 z" fill="$colour{line}"/></marker></defs>\n),
        rectangle(0.5, 0.5, $width - 1, $height - 1, fill => 'paper', line => 'line', radius => 8), @parts, "</svg>\n";
    close $file or die "$path: $!\n";
}

sub escape {
    my ($text) = @_;
    my %entity = ('&' => 'amp', '<' => 'lt', '>' => 'gt', '"' => 'quot');
    return $text =~ s/([&<>"])/&$entity{$1};/gr;
}

sub text {
    my ($x, $y, $words, %how) = @_;
    my $more = join '', $how{size} ? qq( font-size="$how{size}") : '', $how{weight} ? qq( font-weight="$how{weight}") : '',
        $how{anchor} ? qq( text-anchor="$how{anchor}") : '';
    return sprintf qq(<text x="%s" y="%s" fill="%s"%s>%s</text>\n), $x, $y, $colour{ $how{colour} // 'ink' }, $more, escape($words);
}

sub line {
    my ($from_x, $from_y, $to_x, $to_y, %how) = @_;
    return sprintf qq(<line x1="%s" y1="%s" x2="%s" y2="%s" stroke="%s" stroke-width="1.5"%s/>\n), $from_x, $from_y, $to_x, $to_y,
        $colour{line}, $how{arrow} ? ' marker-end="url(#arrow)"' : '';
}

sub rectangle {
    my ($x, $y, $wide, $high, %how) = @_;
    my $line = $how{line} ? sprintf ' stroke="%s" stroke-width="%s"', $colour{ $how{line} }, $how{thick} // 1 : '';
    return sprintf qq(<rect x="%s" y="%s" width="%s" height="%s" rx="%s" fill="%s"%s/>\n), $x, $y, $wide, $high, $how{radius} // 0,
        $colour{ $how{fill} }, $line;
}

# A certificate: its first line is its name. Pinned: one of those whose pins the picture speaks of.
sub box {
    my ($x, $y, $wide, $high, $lines, %how) = @_;
    my @look = $how{pinned} ? (fill => 'key', line => 'pin_line', thick => 2) : (fill => 'paper', line => 'line');
    my $top = $y + $high / 2 - 8.5 * @$lines + 13;
    my @text = map {
        text($x + $wide / 2, $top + 17 * $_, $lines->[$_], anchor => 'middle', $_ ? () : (weight => 'bold'))
    } 0 .. $#$lines;
    return (rectangle($x, $y, $wide, $high, radius => 4, @look), @text);
}

# A key, by its letter.
sub chip {
    my ($x, $y, $key) = @_;
    return (rectangle($x, $y, 28, 28, radius => 5, fill => $key, line => 'ink'),
        text($x + 14, $y + 19, $key, anchor => 'middle', weight => 'bold', size => 14, colour => $key eq 'A' ? 'paper' : 'ink'));
}

sub chips {
    my ($x, $y, @keys) = @_;
    return map { chip($x + 33 * $_, $y, $keys[$_]) } 0 .. $#keys;
}

sub verdict {
    my ($x, $y, $yes, $yes_word, $no_word) = @_;
    my $mark = $yes
        ? qq(<circle cx="$x" cy="$y" r="9" fill="$colour{yes}"/>\n)
        . sprintf(qq(<path d="M%s %s l3 4 l6 -7" fill="none" stroke="%s" stroke-width="2.2"/>\n), $x - 4.5, $y + 0.5, $colour{paper})
        : rectangle($x - 8.5, $y - 8.5, 17, 17, fill => 'paper', line => 'no', thick => 2)
        . sprintf(qq(<path d="M%s %s l8 8 m0 -8 l-8 8" fill="none" stroke="%s" stroke-width="2.2"/>\n), $x - 4, $y - 4, $colour{no});
    return ($mark, text($x + 15, $y + 4.5, $yes ? $yes_word : $no_word));
}
