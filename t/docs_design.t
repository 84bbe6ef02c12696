# docs/design.md against the tree: every path on it is there, every name is in the file that it is said to be in, the steps
# are those of the code and of the picture, and what it says of the whole tree (who prints, who knows nginx, who writes the
# ledger) holds.

use lib 't/lib';
use HPKP::Test;

my $root = project_root();
my $page = read_text(need_file("$root/docs/design.md"));
my @rows = grep { /^\|/ && !/^\| -/ } split /\n/, $page;

sub is_path {
    my ($word) = @_;
    return $word =~ m{^[\w./-]+$} && ($word =~ m{/} || $word =~ /^(?:README\.md|CMakeLists\.txt|config)$/);
}

# All the text of a file, or of the files below a directory.
my %text;

sub text_of {
    my ($path) = @_;
    my @files = -d "$root/$path" ? split /\n/, output_of('find', "$root/$path", '-type', 'f') : "$root/$path";
    return $text{$path} //= join '', map { read_text($_) } @files;
}

sub has_word {
    my ($path, $word) = @_;
    $word =~ s/^\w+:://;
    return text_of($path) =~ /(?<![A-Za-z0-9])\Q$word\E(?!\w)/;
}

subtest 'paths' => sub {
    my %named = map { $_ => 1 } grep { is_path($_) } $page =~ /`([^`\n]+)`/g;
    cmp_ok(scalar keys %named, '>', 50, 'paths are found on the page');
    is_deeply([ grep { !-e "$root/$_" } sort keys %named ], [], 'all are in the tree');
    is_deeply([ grep { !-e "$root/docs/$_" } map { s/#.*//r } grep { !/^https:/ } $page =~ /\]\(([^)]+)\)/g ], [], 'links too');
    cmp_ok(() = $page =~ /\n/g, '<=', 150, 'it is one page');
};

# `src/core/pin.cpp` (`of_spki`): in that file. Others: somewhere in the sources.
subtest 'names' => sub {
    my ($in_place, $anywhere, @lost) = (0, 0);
    my $rest = $page;
    while ($rest =~ s/((?:`[^`\n]+`,\s+)*`[^`\n]+`)\s\(((?:`[^`\n]+`,? ?)*)[^)`]*\)/ /) {
        my ($paths, $names) = ($1, $2);
        my @paths = grep { is_path($_) } $paths =~ /`([^`]+)`/g;
        next if !@paths;
        for my $name (grep { !is_path($_) } $names =~ /`([^`]+)`/g) {
            $in_place++;
            push @lost, "$name in @paths" if !grep { has_word($_, $name) } @paths;
        }
    }
    for my $name (grep { !is_path($_) && /^[\w:]+$/ } $rest =~ /`([^`\n]+)`/g) {
        $anywhere++;
        push @lost, $name if !has_word('src', $name);
    }
    is_deeply(\@lost, [], 'all are where the page says');
    cmp_ok($in_place, '>', 25, 'names of a file are found on the page');
    cmp_ok($anywhere, '>', 10, 'and others');
};

subtest 'the way of data' => sub {
    my ($table) = $page =~ /^## The way of data\n(.*?)^## /ms;
    my @steps = grep { !/^(?:step|hand over|send)$/ } map { /^\| ([a-z ]+?) \|/ ? $1 : () } split /\n/, $table;
    is_deeply(\@steps, [ 'read', 'gather', 'find paths', 'recall', 'check', 'record', 'render' ], 'the steps of the table');
    my @drawn = map { $_->[1] } sort { $a->[0] <=> $b->[0] } map { [/^<text x="380" y="([\d.]+)"[^>]*font-weight="bold"[^>]*>([^<]+)</] }
        grep { /^<text x="380"[^>]*font-weight="bold"/ } split /\n/, read_text("$root/docs/pictures/design.svg");
    shift @drawn;    # the column's head
    is_deeply(\@drawn, \@steps, 'are those of the picture');

    my ($judge) = read_text("$root/src/core/session.cpp") =~ /^LoadResult judge\((.*?)^\}/ms;
    my @at = map { index $judge, $_ } ' gather(', 'recall_into(', 'run_checks(', '.record(', 'render_emissions(', 'proofs_of(';
    is_deeply([ sort { $a <=> $b } @at ], \@at, 'and of judge(), in their order') or diag("@at");
    cmp_ok($at[0], '>=', 0, 'which has them all');
};

sub files_with {
    my ($pattern, @directories) = @_;
    my @files = split /\n/, output_of('find', (map { "$root/$_" } @directories), '-name', '*.[ch]*');
    return [ sort map { s{^\Q$root/\E}{}r } grep { read_text($_) =~ $pattern } @files ];
}

subtest 'what holds for all of it' => sub {
    is_deeply(files_with(qr/\bstd::c(?:out|err|log)\b|\b(?:f?printf|syslog|perror)\s*\(/, 'src/core'), [], 'the core prints nothing');
    is_deeply(files_with(qr/#\s*include\s*[<"]ngx_|\bngx_\w+\s*\(/, 'src/core'), [], 'and knows nothing of nginx');
    is_deeply(files_with(qr/#\s*include\s*[<"](?!hpkp\.h)\w+\.hpp/, 'src/nginx'), [], 'nginx\'s side knows one header of the core');
    is_deeply(files_with(qr/\bhpkp_ledger_(?:settle|withdraw|close)\(/, 'src/nginx'), ['src/nginx/ngx_http_hpkp_ledger.c'],
        'one file tells the ledger');
    is_deeply(files_with(qr/\bhpkp_session_run\(/, 'src/nginx'), ['src/nginx/ngx_http_hpkp_load.c'], 'one file loads');
    is_deeply(files_with(qr/\bsqlite3_\w+\(/, 'src'), [ 'src/core/ledger/database.cpp', 'src/core/ledger/database.hpp' ],
        'one pair of files calls SQLite');
    is_deeply(files_with(qr/\bfork\(/, 'src'), ['src/core/child_process.cpp'], 'one file forks');
};

done_testing;
