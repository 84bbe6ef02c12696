# The manual pages and the bash completion of hpkp: they say what --help says, and a pager and a shell take them.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger ();
use File::Temp ();

my $tool = HPKP::Ledger::tool();
my $dir = File::Temp->newdir('hpkp-t-XXXXXX', TMPDIR => 1);
my $writer = need_file(build_dir() . '/hpkp_reference', 'build it: cmake -S . -B build && cmake --build build');
need_tools(qw(man groff bash script shellcheck));
output_of($writer, "$dir");

sub help_of { return output_of($tool, @_, '--help') }

# The commands that a --help lists, and its options: [ 'spelling', ... ], text.
sub commands_in {
    my ($help) = @_;
    my ($list) = $help =~ /^Commands:\n((?:  .*\n)+)/m or return;
    return $list =~ /^  (\S+)/mg;
}

sub options_in {
    my ($help) = @_;
    my @options;
    # What does not fit beside its option is on the next line.
    while ($help =~ /^  ((?:-\S+, )*-\S+)(?: [^\n]*?)?(?:  +|\n {20,})(\S[^\n]*)$/mg) {
        push @options, [ [ split /, /, $1 ], $2 ];
    }
    return @options;
}

# Every command's path, from the top: [], ['pin'], ['ledger'], ['ledger', 'show'] ...
sub paths {
    my @path = @_;
    return ([@path], map { paths(@path, $_) } commands_in(help_of(@path)));
}

my @paths = paths();
cmp_ok(scalar @paths, '>=', 8, 'the commands: ' . join ', ', map { "@$_" } @paths);

# As a reader sees it, on one wide line a paragraph.
my %shown;

sub page {
    my ($name) = @_;
    return $shown{$name} //= do {
        my $run = run_command([ qw(man --warnings -E ascii --no-hyphenation --no-justification -l), "$dir/man/$name.1" ],
            env => { MANWIDTH => 2000, LC_ALL => 'C.UTF-8', MANPAGER => undef, PAGER => undef });
        is($run->{exit}, 0, "$name: man shows it");
        is($run->{err}, '', "$name: without a warning");
        $run->{out};
    };
}

subtest 'manual pages' => sub {
    my %wanted = map { join('-', 'hpkp', @$_ ? $_->[0] : ()) => 1 } @paths;
    is_deeply([ sort map { m{([^/]+)\.1$} } glob "$dir/man/*" ], [ sort keys %wanted ], 'one of the program and of each command');

    for my $name (sort keys %wanted) {
        my $text = page($name);
        my @titles = $text =~ /^([A-Z][A-Z ]+)$/mg;
        is_deeply([ grep { my $wanted = $_; !grep { $_ eq $wanted } @titles } 'NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'EXIT STATUS',
                'SEE ALSO' ], [], "$name: its sections");
        my $run = run_command([ qw(groff -man -ww -z), "$dir/man/$name.1" ]);
        is($run->{out} . $run->{err}, '', "$name: groff has no complaint");
        unlike($text, qr/\\[a-z(&]/, "$name: no troff is left in it");
        like($text, qr/^ +\Q$_\E\(1\)|, \Q$_\E\(1\)/m, "$name: points to $_") for grep { $_ ne $name } sort keys %wanted;
        like(output_of(qw(lexgrog), "$dir/man/$name.1"), qr/: "\Q$name\E - \S/, "$name: whatis can find it");
    }
    like(page('hpkp-ledger'), qr{^FILES\n +/\S+/hpkp\.ledger$}m, 'FILES has the ledger');
};

subtest 'what --help says is in the page' => sub {
    for my $path (@paths) {
        my $help = help_of(@$path);
        my $text = page(join '-', 'hpkp', @$path ? $path->[0] : ());
        # A command below another has a part of its page.
        ($text) = $text =~ /^   \Qhpkp @$path\E\n(.*?)(?=^   \S|^[A-Z])/ms if @$path > 1;
        my ($what) = $help =~ /^(\S[^\n]*)/;
        like($text, qr/\Q$what\E/, "hpkp @$path: what it is for");
        my @options = options_in($help);
        ok(@options >= 1 && grep({ $_->[0][-1] eq '--help' } @options), "hpkp @$path: --help lists options");
        for my $option (@options) {
            my ($names, $words) = @$option;
            my $term = join ', ', @$names;
            like($text, qr/^ +\Q$term\E(?: [^\n]*)?(?:\n +|  +)\Q$words\E/m, "hpkp @$path: $term");
        }
    }
};

# What bash would offer: the words of the line, the last one being completed.
sub offered {
    my @words = @_;
    my $script = '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hpkp; [[ ${#COMPREPLY[@]} -eq 0 ]] || printf "%s\n" "${COMPREPLY[@]}"';
    my $run = run_command([ qw(bash --norc --noprofile -u -c), $script, 'bash', "$dir/hpkp.bash", 'hpkp', @words ]);
    is($run->{exit}, 0, "hpkp @words: completed") or diag($run->{err});
    is($run->{err}, '', 'in silence');
    return [ split /\n/, $run->{out} ];
}

subtest 'completion' => sub {
    output_of('bash', '-n', "$dir/hpkp.bash");
    like(output_of('bash', '--norc', '-c', ". $dir/hpkp.bash; complete -p hpkp"), qr/-o default .*-F _hpkp hpkp/, 'registered');
    is(run_command([ qw(shellcheck -s bash), "$dir/hpkp.bash" ])->{out}, '', 'shellcheck finds nothing');

    for my $path (@paths) {
        my $help = help_of(@$path);
        my @commands = commands_in($help);
        is_deeply([ grep { my $c = $_; !grep { $_ eq $c } @{ offered(@$path, '') } } @commands ], [], "hpkp @$path: its commands");
        my @spellings = sort map { @{ $_->[0] } } options_in($help);
        is_deeply([ sort @{ offered(@$path, '-') } ], \@spellings, "hpkp @$path: its options");
    }

    is_deeply(offered('che'), ['check'], 'a command begun');
    is_deeply(offered('ledger', 'f'), ['forget'], 'and below another');
    is_deeply(offered('ledger', '--ledger', 'show', 'cl'), ['close'], 'a value that reads like a command is none');
    is_deeply(offered('ledger', '--ledger', '=', 'show', 'cl'), ['close'], 'with = too');
    is_deeply(offered('frob', ''), offered(''), 'what is no command leads nowhere');
    is_deeply(offered(qw(check pins.yaml --str)), ['--strict'], 'an option after other words');
    is_deeply(offered(qw(check --format), ''), [qw(text json)], 'the values of --format');
    is_deeply(offered(qw(check --format j)), ['json'], 'one begun');
    is_deeply(offered(qw(check --format = j)), ['json'], '--format=j, as bash splits it');
    is_deeply(offered(qw(check --format =)), [qw(text json)], '--format=');
    is_deeply(offered(qw(ledger show --format), ''), [qw(text json)], 'below another command');
    is_deeply(offered(qw(check --format xml), ''), [], 'then files, which bash finds by itself');
    is_deeply(offered(qw(check --chain -)), [], 'an option\'s value is no option');
    offered('check', "\$(touch $dir/run)`touch $dir/run`", "\$(touch $dir/run)");
    ok(!-e "$dir/run", 'nothing that stands in the line is run');
};

subtest 'in a shell, by the tab key' => sub {
    my $work = "$dir/work";
    mkdir $work;
    write_text("$work/pins of mine.yaml", '');
    my @typed = ("hpkp che\t--form\tj\t", "hpkp check pi\t", "hpkp check --chain=pi\t", "hpkp led\tsho\t--al\t");
    # The words that arrive, each in brackets.
    my $rc = "PS1=; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; . $dir/hpkp.bash; hpkp() { printf '<%s>' got \"\$@\"; echo; }";
    my $run = run_command([ 'script', '-q', '-c', 'bash --norc --noprofile -i', '/dev/null' ], directory => $work, timeout => 15,
        env => { TERM => 'dumb', HISTFILE => undef }, stdin => join "\n", $rc, @typed, "exit\n");
    my @got = $run->{out} =~ /^(<got>.*?)\r?$/mg;
    is_deeply(\@got, [ '<got><check><--format><json>', '<got><check><pins of mine.yaml>', '<got><check><--chain=pins of mine.yaml>',
            '<got><ledger><show><--all>' ], 'commands, options, values and files') or diag($run->{out});
};

done_testing;
