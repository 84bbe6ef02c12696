# docs/findings.md against the code and a real nginx: a section for each finding; nginx says of each example what the page
# shows, and what the page says to do mends it. How a block becomes files and commands is in t/lib/HPKP/FindingsPage.pm.

use lib 't/lib';
use HPKP::Test;
use HPKP::FindingsPage qw(sections blocks example said mend change run_block alike);
use HPKP::Transcript qw(pattern);

my $root = project_root();
my $page = read_text(need_file("$root/docs/findings.md"));
my @sections = sections($page);
my %section = map { $_->{id} => $_ } @sections;

my $code = read_text("$root/src/core/finding_ids.def");
my @ids = $code =~ /^HPKP_FINDING\(\w+,\s*"([\w-]+)",/mg;
my %severity = $code =~ /^HPKP_FINDING\(\w+,\s*"([\w-]+)",\s*(\w+)\)/mg;
my %level = (error => 'emerg', warning => 'warn', note => 'notice');

# What only time can mend.
my %stays = ('leaf-expires-first' => 'the next certificate is not there yet');

subtest 'the page as a whole' => sub {
    cmp_ok(scalar @ids, '>=', 50, 'the table of findings is read');
    is_deeply([ map { $_->{id} } @sections ], \@ids, 'a section for each finding, in the order of the code');

    my ($index) = $page =~ /^## Which one\n(.*?)^## /ms;
    my @links = ($index // '') =~ /\[([a-z-]+)\]\(#\1\)/g;
    is_deeply([ sort @links ], [ sort @ids ], 'the index has each once');
    my %anchor = map { lc(s/[`,]//gr =~ tr/ /-/r) => 1 } $page =~ /^#+ (.+)$/mg;
    is_deeply([ grep { !$anchor{$_} } $page =~ /\]\(#([^)]+)\)/g ], [], 'links lead somewhere');

    # A block that is not understood is one that nobody runs.
    my @fences = $page =~ /^```/mg;
    is(2 * blocks($page), scalar @fences, 'every block is read');
    my %kind = map { ("$_->{kind} $_->{note}" => 1) } blocks($page);
    my @known = ('nginx ', 'sh ', 'sh elsewhere', 'text ', 'yaml ', 'yaml before');
    is_deeply([ sort keys %kind ], \@known, 'and of a known kind');
};

subtest 'commands of hpkp have the options that are used' => sub {
    my (%used, %help);
    for my $text (split /\bhpkp (?=[a-z])/, $page) {
        my ($command, $rest) = $text =~ /^((?:ledger )?[a-z]+)([^`\n]*)/ or next;
        $used{$command}{$_} = 1 for '--help', $rest =~ /(--[a-z-]+)/g;
    }
    cmp_ok(scalar keys %used, '>=', 6, join ', ', sort keys %used);
    for my $command (sort keys %used) {
        my $help = run_command([ build_dir() . '/hpkp', split(' ', $command), '--help' ]);
        is($help->{exit}, 0, "hpkp $command is there") or next;
        is_deeply([ grep { $help->{out} !~ /\Q$_\E\b/ } sort keys %{ $used{$command} } ], [], "and has its options");
    }
};

my ($setting) = $page =~ /^## The examples\n(.*?)^## /ms;
my @base = blocks($setting // '');
is(join(' ', map { $_->{kind} } @base), 'yaml nginx', 'the policy and the server of the examples');
is(said(example(\@base, { tests => [], example => [] })), '', 'about which nginx has nothing to say');

for my $section (@sections) {
    subtest $section->{id} => sub { try_section($section) };
}

sub try_section {
    my ($section) = @_;
    my $id = $section->{id};
    my @shown = map { $_->{text} } grep { $_->{kind} eq 'text' } @{ $section->{example} };
    is(scalar @shown, 1, 'one message') or return;
    like($shown[0], qr/^\[$level{$severity{$id}}\] hpkp: $id: .*\n(?:.*\n)*?.*hpkp:     remedy: /m, 'which is its own');

    my $try = example(\@base, $section);
    my $text = said($try);
    ok(alike($text) =~ pattern(alike($shown[0])), 'nginx says so') or diag("nginx:\n${text}the page:\n$shown[0]");
    is($try->{exit}, $severity{$id} eq 'error' ? 1 : 0, "$severity{$id}: exit status");

    ok(scalar @{ $section->{mend} }, 'there is something to do');
    ok(eval { mend($try, $section); 1 }, 'and it can be done') or diag($@);
    $text = said($try);
    is($try->{exit}, 0, 'nginx accepts it then') or diag($text);
    if ($stays{$id}) { like($text, qr/hpkp: $id: /, "it stays: $stays{$id}") }
    else             { unlike($text, qr/hpkp: $id: /, 'and it is gone') }
}

subtest 'how much time is left' => sub {
    my ($commands) = $page =~ /^## How much time is left\n(.*?)^## /ms;
    my $try = example(\@base, { tests => [], example => [] });
    my $server = $try->{server}->start;
    my $port = $server->port('p443');
    for my $block (blocks($commands // '')) {
        $block->{text} =~ s/-connect www\.example\.com:443/-connect 127.0.0.1:$port/;
        ok(eval { run_block($try, $block); 1 }, 'the commands work') or diag($@);
    }

    change($try, grep { $_->{kind} eq 'nginx' } @{ $section{'no-pin-in-chain'}{example} });
    refused($server->reload_refused, 'a reload is refused');
    is(fetch($server, '/', port => 'p443')->{status}, 200, 'the old configuration serves on');
    is($server->signal_by_nginx('reopen')->{exit}, 0, 'nginx -s reopen is not refused');
    is($server->signal_by_nginx('quit')->{exit}, 0, 'nor nginx -s quit');
    ok($server->wait_for_end, 'it ends');
};

# The table of what lets a configuration pass that locks clients out.
subtest 'if nothing else helps' => sub {
    my $try = example(\@base, $section{'locks-out-clients'});
    my $nginx = sub { change($try, { kind => 'nginx', text => "$_[0]\n" }); return said($try) };

    like($nginx->('hpkp_lockout warn;'), qr/^\[warn\] hpkp: locks-out-clients: /m, 'hpkp_lockout warn: a warning');
    is($try->{exit}, 0, 'which passes');
    $nginx->('hpkp_lockout refuse;');
    like($nginx->('hpkp_policy off;'), qr/^\[emerg\] hpkp: locks-out-clients: /m, 'without the policy: an error still');
    my @ids = said($try) =~ /hpkp:     ledger: (.*)/ ? split(/, /, $1) : ();
    unlike($nginx->('hpkp_ledger off;'), qr/locks-out-clients/, 'hpkp_ledger off: not a word');
    is($try->{exit}, 0, 'and it passes');

    my $text = $nginx->('hpkp_ledger /var/lib/nginx/hpkp.ledger;');
    like($text, qr/locks-out-clients/, 'back again');
    is(scalar @ids, 2, 'two entries, of two names');
    for my $id (@ids) {
        $try->{ledger_id} = $id;
        run_block($try, { note => '', text => "hpkp ledger forget 0123456789abcdef --reason test\n" });
    }
    unlike(said($try), qr/locks-out-clients/, 'forgotten: nothing to say');
    is($try->{exit}, 0, 'and it passes');
};

done_testing;
