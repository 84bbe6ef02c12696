# hpkp check: the tool's verdict on a policy and chains is nginx's own, word for word, before nginx sees them.

use lib 't/lib';
use HPKP::Test;
use HPKP::CrossPKI;
use HPKP::Ledger qw(ledger_file entries day);
use JSON::PP ();

my $tool = HPKP::Ledger::tool();
my $pki = HPKP::PKI->new;
my $report = 'https://reports.example.net/pkp';

# The clock stands still: a second that passes between the two would be a difference of words.
sub still { return site(clock => day(0), @_) }

# hpkp check of what this server is configured with; names => [], chains => [], ledger, policy where they differ.
sub check {
    my ($server, %part) = @_;
    my $dir = $server->pki->dir;
    my @names = map { ('--host', $_) } @{ $part{names} || ['www.example.com'] };
    my @chains = map { ('--chain', "$dir/chains/$_.pem") } @{ $part{chains} || ['www'] };

    return run_command([ $server->by_its_clock($ENV{HPKP_PRELOAD} // ''), $tool, 'check', $part{policy} // $server->file('conf/pins.yaml'),
            @chains, @names, '--ledger', $part{ledger} // ledger_file($server), @{ $part{more} || [] } ]);
}

my %severity_of = (emerg => 'error', warn => 'warning', notice => 'note');

# What nginx -t says: its exit status, and the lines of its findings as the tool should print them, without the places
# in nginx.conf, which it cannot know. From its log, since notes do not go to a terminal.
sub nginx_t {
    my ($server) = @_;
    my $mark = $server->log_mark;
    my $exit = $server->test_config->{exit};
    my @lines;

    for (split /\n/, $server->log_since($mark)) {
        my ($level, $line) = /\[(\w+)\] \d+#\d+: hpkp: (.*)/ or next;
        # What was proved is no finding: t/proofs.t.
        next if $line =~ /^\d+ errors?, \d+ warnings?: configuration refused/ || $level eq 'info';
        $line =~ s/^([\w-]+: )in \S*nginx\.conf:\d+(?:, in \S*nginx\.conf:\d+)*: /$1/
            or $line =~ s/^([\w-]+: \S+?)(?:, in \S*nginx\.conf:\d+)+: /$1: /;
        push @lines, $line =~ /^ / ? $line : "$severity_of{$level}: $line";
    }
    return ($exit, @lines);
}

sub said_by_tool {
    my ($text) = @_;
    return grep { /^ / || /^(?:error|warning|note): / } split /\n/, $text;
}

# One configuration, both asked: the same lines, and the same answer.
sub same_words {
    my ($name, $server, $ids, %part) = @_;
    my ($exit, @nginx) = nginx_t($server);
    my $run = check($server, %part);
    my @said = said_by_tool($run->{out});
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is_deeply(\@said, \@nginx, "$name: the same words") or diag(join "\n", 'nginx:', @nginx, 'tool:', $run->{out}, $run->{err});
    is_deeply([ sort map { /^(error|warning): ([\w-]+): / ? "$2 $1" : () } @said ], [ sort @$ids ], "$name: about this") or diag($run->{out});
    is($run->{exit}, $exit, "$name: exit $exit from both");
    is($run->{err}, '', "$name: nothing on stderr");
    like($run->{out}, $run->{exit} ? qr/^\d+ errors?, \d+ warnings?: nginx would refuse this$/m : qr/^0 errors, \d+ warnings?: nginx would accept this$/m,
        "$name: the verdict");
    return $run;
}

sub enforced { return policy(enforce => "{max-age: 30d, $_[0]}") }

# Name, findings, then the parts of site(); check => what the tool is asked beside it.
my @cases = (
    [ 'no pin in the chain', ['no-pin-in-chain error'], cert => 'www-unpinned', check => { chains => ['www-unpinned'] } ],
    [ 'one pin', [ 'too-few-pins error', 'no-backup-pin error', 'single-backup warning' ], pins_yaml => policy(pins => ['www']) ],
    [ 'every pin is in the chain', [ 'no-backup-pin error', 'single-backup warning' ], pins_yaml => policy(pins => [qw(www int-a)]) ],
    [ 'a pin of a superfluous certificate', [ 'no-pin-in-chain error', 'off-path-pin warning' ], cert => 'www-superfluous',
        pins_yaml => policy(pins => [qw(int-b backup-1 backup-2)]), check => { chains => ['www-superfluous'] } ],
    [ 'clients that look at the leaf', ['leaf-without-pin error'],
        pins_yaml => policy(pins => [qw(int-a backup-1 backup-2)], clients => '[leaf]') ],
    [ 'and at what is sent', [ 'sent-without-pin error', 'no-pin-in-chain error' ], cert => 'www-unpinned',
        pins_yaml => policy(clients => '[chain, sent]'), check => { chains => ['www-unpinned'] } ],
    [ 'the root alone', ['root-only-pin warning'], cert => 'www-with-root',
        pins_yaml => policy(pins => [qw(root-a backup-1 backup-2)]), check => { chains => ['www-with-root'] } ],
    [ 'an expired leaf', [ 'no-pin-in-chain error', 'chain-expired warning' ], cert => 'expired', check => { chains => ['expired'] } ],
    [ 'a leaf that ends first', [ 'leaf-expires-first warning', 'max-age-long warning' ], pins_yaml => policy(enforce => '{max-age: 900d}') ],
    [ 'a report-uri that is none', ['report-uri-invalid error'], pins_yaml => enforced('report-uri: "ftp://x.example/"') ],
    [ 'a report-uri on the pinned host', ['report-uri-self error'], pins_yaml => enforced('report-uri: "https://www.example.com/pkp"') ],
    [ 'report-only without report-uri', ['report-only-needs-report-uri error'], pins_yaml => policy(report_only => '{}') ],
    [ 'report-only that may not match', ['no-pin-in-chain warning'], cert => 'www-unpinned', check => { chains => ['www-unpinned'] },
        pins_yaml => policy(report_only => qq({report-uri: "$report", allow-mismatch: true})) ],
    [ 'a pin that is none', ['bad-pin error'], pins_yaml => policy(pins => [ 'www', 'backup-1', 'backup-2', 'pin-sha256: "AAAA"' ]) ],
    [ 'a pin twice', ['duplicate-pin error'], pins_yaml => policy(pins => [qw(www backup-1 backup-2 www)]) ],
    [ 'a misspelt key', ['unknown-key error'], pins_yaml => policy(enforce => '{max-aeg: 30d}') =~ s/\}\n\z/, max-age: 30d}\n/r ],
    [ 'no YAML', ['policy-syntax error'], pins_yaml => "version: 1\npolicies:\n\twww: {}\n" ],
    [ 'a CSR that is not there', ['pin-source error'], pins_yaml => policy(pins => [ 'www', 'backup-1', 'backup-2', 'csr: gone.csr' ]) ],
    [ 'a store that is not there', ['trust-unreadable error'], pins_yaml => "trust: {a: stores/a.pem}\n" . policy() ],
    [ 'a guard that is over', ['guard-over warning'], pins_yaml => policy(guard => '{until: 2020-01-01}') ],
    [ 'a name that the certificate lacks', ['name-not-covered warning'], name => 'www.example.com nothere.example.com',
        check => { names => [qw(www.example.com nothere.example.com)] } ],
    [ 'a name that is an address', ['ip-host warning'], name => 'www.example.com 192.0.2.1',
        check => { names => [qw(www.example.com 192.0.2.1)] } ],
    [ 'a name without a dot', [ 'name-not-covered warning', 'unqualified-host warning' ], name => 'www.example.com localhost',
        check => { names => [qw(www.example.com localhost)] } ],
    [ 'nothing wrong', [] ],
    [ 'nothing wrong, and no names given', [], check => { names => [] } ],
);

for my $case (@cases) {
    my ($name, $ids, %part) = @$case;
    my $asked = delete $part{check} || {};
    subtest $name => sub { same_words($name, still(%part), $ids, %$asked) };
}

subtest 'a path without pin, by the stores of the policy' => sub {
    my $cross = HPKP::CrossPKI->new;
    my $stores = join ', ', map { "$_: " . $cross->dir . "/certs/root-$_.pem" } qw(a b);
    my $server = still(pki => $cross, cert => 'www-both', pins_yaml => "trust: {$stores}\n" . policy(pins => [qw(root-a backup-1 backup-2)]));
    my %chain = (chains => ['www-both']);
    my $run = same_words('paths are drawn', $server, [ 'path-without-pin error', 'root-only-pin warning' ], %chain);

    # Other stores, given by hand: what the policy names does not count.
    $run = check($server, %chain, more => [ '--trust', 'only=' . $cross->dir . '/certs/root-a.pem' ]);
    unlike($run->{out}, qr/path-without-pin/, '--trust NAME=FILE: no other path there');
    $run = check($server, %chain, more => [ map { ('--trust', "$_=" . $cross->dir . "/certs/root-$_.pem") } qw(a b) ]);
    like($run->{out}, qr/^error: path-without-pin: /m, 'two of them');
    for my $wrong ('nofile', '=x', 'x=') {
        $run = check($server, %chain, more => [ '--trust', $wrong ]);
        is($run->{exit}, 2, "--trust $wrong: exit 2");
        is($run->{err}, "hpkp: --trust \"$wrong\" is not NAME=FILE\n", 'says what is wanted');
    }
};

subtest 'several chains' => sub {
    my $both = policy(pins => [qw(www www-rsa backup-1 backup-2)]);
    my $server = still(certs => [qw(www www-rsa)], pins_yaml => $both);
    my $run = same_words('both match', $server, [], chains => [qw(www www-rsa)]);
    is(() = $run->{out} =~ /^policy www matches the chain of www\.example\.com by pin "(?:www|www-rsa)"$/mg, 2, 'says by which pins');

    $server->write('conf/pins.yaml', policy(pins => [qw(backup-1 backup-2 backup-3)],
            report_only => '{report-uri: "https://reports.example.net/", allow-mismatch: true}'));
    unlike(check($server, chains => ['www'])->{out}, qr/matches/, 'a mismatch that is allowed is none');

    $server->write('conf/pins.yaml', policy());
    same_words('one does not', $server, ['no-pin-in-chain error'], chains => [qw(www www-rsa)]);
    same_words('and alone', still(), [], chains => ['www']);
};

subtest 'a policy of several' => sub {
    my $yaml = policy() . policy(name => 'app', pins => [qw(int-b backup-1 backup-2)]) =~ s/^version.*\npolicies:\n//r;
    my $server = still(pins_yaml => $yaml, server => 'hpkp_policy pins.yaml www;');
    same_words('named', $server, [], more => [qw(--name www)]);
    $server->configure(http => tls_server(extra => 'hpkp_policy pins.yaml app;'));
    same_words('the other', $server, ['no-pin-in-chain error'], more => [qw(--name app)]);
    $server->configure(http => tls_server(extra => 'hpkp_policy pins.yaml;'));
    same_words('none', $server, ['unknown-policy error']);
    $server->configure(http => tls_server(extra => 'hpkp_policy pins.yaml frob;'));
    same_words('one that is not there', $server, ['unknown-policy error'], more => [qw(--name frob)]);
};

subtest 'files on disk' => sub {
    my $server = still(files => { 'backup.key' => read_text($pki->dir . '/keys/backup-1.pem') });
    same_words('a backup\'s key beside the policy', $server, ['backup-key-online warning']);
    unlink $server->file('conf/backup.key');
    chmod 0666, $server->file('conf/pins.yaml');
    same_words('a policy that all can write', $server, ['file-writable warning']);
};

subtest 'what clients hold' => sub {
    my $server = still()->start;
    $server->set_clock(day(1));
    $server->stop;

    # The trap: pins that fit the new chain, and clients that hold the old ones.
    $server->set_clock(day(3));
    $server->write('conf/pins.yaml', policy(pins => [qw(int-b backup-1 backup-2)]));
    $server->configure(http => tls_server(cert => 'www-unpinned', name => 'www.example.com example.com', extra => 'hpkp_policy pins.yaml;'));
    my %new = (chains => ['www-unpinned'], names => [qw(www.example.com example.com)]);
    my $run = same_words('pins swapped', $server, ['locks-out-clients error'], %new);
    my $until = day(31, 300);
    like($run->{out}, qr/would be accepted from \Q$until\E UTC \(in 28 days\)/, 'from when on it would be accepted');
    same_words('names of the certificate', $server, ['locks-out-clients error'], %new, names => []);

    # That date, asked for in advance.
    my $asked = sub { return check($server, %new, more => [ '--at', $_[0] ]) };
    $run = $asked->($until);
    is($run->{exit}, 0, '--at that date: accepted') or diag($run->{out});
    unlike($run->{out}, qr/locks-out/, 'nothing said of it');
    $run = $asked->(day(31, 299));
    is($run->{exit}, 1, 'a second before: refused');
    my ($day) = day(33) =~ /^(\S+)/;
    is($asked->($_)->{exit}, 0, "--at $_: accepted") for $day, "${day}T00:00:00Z", "$day 00:00 UTC";

    is(check($server, chains => ['www-renewed'])->{exit}, 0, 'the backup that was pinned is accepted now');

    $run = check($server, %new, ledger => 'off');
    is($run->{exit}, 0, '--ledger off: accepted');
    like($run->{out}, qr/^warning: ledger-off: /m, 'which it says');
    $run = check($server, %new, names => ['other.example.org']);
    unlike($run->{out}, qr/locks-out/, 'other names: clients of those hold nothing');
    is_deeply([ map { $_->{open} ? 1 : () } entries($server) ], [], 'and nothing is open in the ledger: the tool only asked');
};

subtest 'no ledger yet' => sub {
    my $server = still(ledger => 'fresh');
    my $run = check($server);
    is($run->{exit}, 0, 'accepted') or diag($run->{out}, $run->{err});
    is($run->{err}, 'hpkp: there is no ledger ' . ledger_file($server) . ": what clients hold is not known (if nginx has it elsewhere: --ledger FILE)\n", 'says that there is none');
    is_deeply([ 0, said_by_tool($run->{out}) ], [ nginx_t($server) ], 'in nginx\'s words');
    ok(!-e ledger_file($server), 'and makes none');

    write_text(ledger_file($server), "no ledger\n" x 1000);
    same_words('a broken one', $server, ['ledger-corrupt error']);
    is(read_text(ledger_file($server)), "no ledger\n" x 1000, 'and left as it is');
};

subtest 'names that nginx takes' => sub {
    my $server = still();
    my @check = ($tool, 'check', $server->file('conf/pins.yaml'), '--chain', $pki->dir . '/chains/www.pem', qw(--ledger off --host));
    for my $name ('_', '--', 'a_b.example.com', '~^www\.', 'www.*', '.example.com', '192.0.2.1') {
        my $run = run_command([ @check, $name ]);
        is($run->{exit}, 0, $name) or diag($run->{out}, $run->{err});
        is($run->{out} =~ /regex-host/ ? 1 : 0, $name =~ /[~*]/ ? 1 : 0, 'with its warning');
    }
    is(run_command([ @check, $_ ])->{exit}, 2, "$_: exit 2") for 'www.example.com,shop.example.com', 'a b', "\xc3\xa4.example.com", '*.*.com';
};

subtest 'what a terminal would obey' => sub {
    my $server = still();
    my ($key, $crt, $yaml) = map { $server->file("temp/esc.$_") } qw(key crt yaml);
    output_of(qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 400 -subj), "/CN=a\e[31mb", '-keyout', $key, '-out', $crt);
    write_text($yaml, policy(pins => [ "certificate: $crt", map { 'pin-sha256: "' . $pki->pin($_) . '"' } qw(backup-1 backup-2) ]));
    my $run = run_command([ $tool, 'check', $yaml, '--chain', $crt, qw(--ledger off) ]);
    like($run->{out}, qr/^policy www matches the chain of a\?\[31mb by pin /m, 'a name with an escape');
    unlike($run->{out}, qr/\e/, 'nowhere');
};

subtest '--strict' => sub {
    my $server = still(pins_yaml => policy(pins => [qw(www backup-1)]));
    is(check($server)->{exit}, 0, 'a warning: accepted');
    my $run = check($server, more => ['--strict']);
    is($run->{exit}, 1, '--strict: refused');
    like($run->{out}, qr/^warning: single-backup: .*^0 errors, 1 warning: nginx would refuse this$/ms, 'says so');
    is(check(site(), more => ['--strict'])->{exit}, 0, 'without a warning: accepted');
};

subtest 'JSON' => sub {
    my $server = still(cert => 'www-unpinned');
    my $run = check($server, chains => ['www-unpinned'], more => [qw(--format json)]);
    is($run->{exit}, 1, 'refused');
    my $json = JSON::PP::decode_json($run->{out});
    is($json->{version}, 1, 'version');
    ok(!$json->{accepted}, 'not accepted');
    my ($finding) = grep { $_->{id} eq 'no-pin-in-chain' } @{ $json->{findings} };
    is_deeply([ sort keys %$finding ], [qw(details id place remedy see severity what)], 'what a finding has');
    is_deeply([ $finding->{severity}, $finding->{place} ],
        [ 'error', { file => $server->file('conf/pins.yaml'), line => 3, column => 3 } ], 'severity and place');
    my $text = check($server, chains => ['www-unpinned'])->{out};
    for my $part ($finding->{what}, $finding->{remedy}, @{ $finding->{details} }) {
        like($text, qr/\Q$part\E$/m, "as in the text: $part");
    }
    $json = JSON::PP::decode_json(check(site(), more => [qw(--format json)])->{out});
    ok($json->{accepted}, 'accepted');
    is_deeply([ map { $_->{id} } grep { $_->{severity} ne 'note' } @{ $json->{findings} } ], [], 'and nothing found');
};

subtest '--key' => sub {
    my $server = still();
    my $keys = $pki->dir . '/keys';
    my $proof = sub { return check($server, more => [ '--key', @_ ]) };
    my $run = $proof->("$keys/www.pem");
    is($run->{exit}, 0, 'the key in use');
    like($run->{out}, qr{^the key in \Q$keys\E/www\.pem is the pin "www" of policy "www"$}m, 'which pin it is');
    like($run->{out}, qr/is that of the leaf in the chain of www\.example\.com$/m, 'and which leaf');
    $run = $proof->("$keys/backup-1.pem");
    is($run->{exit}, 0, 'a backup key');
    like($run->{out}, qr/is the pin "backup-1" of.*is that of no leaf of the chains$/ms, 'which pin it is, and that it is not in use');
    is($proof->($pki->dir . '/public/backup-1.pem')->{exit}, 0, 'its public key');
    $run = $proof->("$keys/unpinned.pem");
    is($run->{exit}, 1, 'a key that nobody pinned: an error');
    like($run->{out}, qr/^error: .*is no pin of policy "www": pin-sha256="\Q@{[ $pki->pin('unpinned') ]}\E"/m, 'with its pin');

    my $json = JSON::PP::decode_json($proof->("$keys/backup-2.pem", qw(--format json))->{out});
    is_deeply($json->{key}, { file => "$keys/backup-2.pem", leaf => JSON::PP::false, pinned => JSON::PP::true,
            'pin-sha256' => $pki->pin('backup-2'), policies => [ { pin => 'backup-2', policy => 'www' } ] }, 'in JSON');
    is(JSON::PP::decode_json(check($server, more => [qw(--format json)])->{out})->{key}, undef, 'null without --key');
    for my $none ('/dev/null', $server->file('conf/pins.yaml'), $server->file('missing')) {
        $run = $proof->($none);
        is_deeply([ $run->{exit}, $run->{out} ], [ 2, '' ], "$none: exit 2");
        like($run->{err}, qr/^hpkp: [^\n]*\Q$none\E[^\n]*\n\z/, 'one line, which names it');
    }
};

subtest 'input' => sub {
    my $server = still();
    my $file = sub { return $server->file("temp/$_[0]") };
    my $chain = $pki->dir . '/chains/www.pem';
    my $noise = join '', map { chr(($_ * 7919) % 256) } 1 .. 5000;
    write_text($file->('noise'), $noise);
    write_text($file->('huge'), "-----BEGIN CERTIFICATE-----\n" . 'A' x (10 << 20));
    write_text($file->('cut'), substr read_text($chain), 0, 400);
    write_text($file->('empty'), '');
    POSIX::mkfifo($file->('fifo'), 0600) or die "mkfifo: $!\n";
    mkdir $file->('dir');

    for my $name (qw(noise huge cut empty fifo dir missing)) {
        my $path = $file->($name);
        my $run = run_command([ $tool, 'check', $server->file('conf/pins.yaml'), '--chain', $path, '--ledger', 'off' ], timeout => 5);
        is($run->{exit}, 2, "a chain file: $name: exit 2") or diag($run->{out}, $run->{err});
        like($run->{err}, qr/^hpkp: [^\n]*\Q$path\E[^\n]*\n\z/, 'one line, which names it');
        is($run->{out}, '', 'and nothing else');
    }
    for my $name (qw(huge fifo dir missing)) {
        my $path = $file->($name);
        my $run = run_command([ $tool, 'check', $path, '--chain', $chain, '--ledger', 'off' ], timeout => 5);
        is($run->{exit}, 2, "a policy file: $name: exit 2") or diag($run->{out}, $run->{err});
        like($run->{err}, qr/^hpkp: [^\n]*\Q$path\E[^\n]*\n\z/, 'one line, which names it');
    }
    for my $name (qw(noise cut empty)) {
        my $run = run_command([ $tool, 'check', $file->($name), '--chain', $chain, '--ledger', 'off' ], timeout => 5);
        is($run->{exit}, 1, "a policy file: $name: findings");
        unlike($run->{out}, qr/[^\n\x20-\x7e\x80-\xff]/, 'nothing in it that a terminal would obey');
    }
    my @check = ($tool, 'check', $server->file('conf/pins.yaml'), '--chain', $chain, '--ledger', 'off');
    for my $name (qw(--key --at --ledger --host --name --trust --passin)) {
        my $run = run_command([ @check, $name, '' ]);
        is("$run->{exit} $run->{out}", '2 ', "$name '', a shell variable that is not set: exit 2");
        like($run->{err}, qr/$name/, 'and says which');
    }
    like(run_command([ @check, '--trust', 'own=/nowhere.pem' ])->{err}, qr{^hpkp: --trust own: /nowhere\.pem cannot be opened}, 'no such store');
    is(run_command([ @check, qw(--passin pass:x) ])->{exit}, 2, '--passin without a key');
    is(run_command([ 'bash', '-c', 'exec "$0" check <(cat "$1") --chain "$2" --ledger off', $tool, $check[2], $chain ])->{exit}, 2,
        'a policy by a pipe: what it names is found from where it is');
    my %words = ("$tool nocmd" => 'hpkp has no command "nocmd"', "$tool foo ledger" => 'hpkp has no command "foo"', "$tool ledger foo" => 'hpkp ledger has no command "foo"');
    like(run_command([ split / /, $_ ])->{err}, qr/^\Q$words{$_}\E$/m, $words{$_}) for sort keys %words;
    is(run_command([ 'sh', '-c', "exec $tool $_ > /dev/full" ])->{exit}, 2, "$_ to a full disk: exit 2") for '--help', 'check --help', '--version';
    for my $usage ([], ['pins.yaml'], [qw(pins.yaml --chain)], [ 'pins.yaml', '--chain', $chain, '--frob' ],
        [ $server->file('conf/pins.yaml'), '--chain', $chain, '--at', 'tomorrow' ],
        [ $server->file('conf/pins.yaml'), '--chain', $chain, '--format', 'xml' ]) {
        my $run = run_command([ $tool, 'check', @$usage ]);
        is($run->{exit}, 2, "check @$usage: exit 2");
        like($run->{err}, qr/\S/, 'says why');
    }
    like(run_command([qw(env NO_COLOR=), $tool, qw(check --help)])->{out}, qr/--chain.*--host.*--ledger/s, '--help names the options');
};

done_testing;
