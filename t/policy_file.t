# The policy file: every way to get it wrong is an error with its place, whatever the file is, and soon.
# (Where the pins come from is pins.t.)

use lib 't/lib';
use HPKP::Test;
use POSIX qw(mkfifo);

my $server = site(server => 'hpkp_policy pins.yaml www;');
my $pin = $server->pki->pin('www');
my $pins = join '', map { qq(      - {pin-sha256: "{{pin:$_}}"}\n) } qw(www backup-1 backup-2);

# A policy with everything after its pins to be filled in.
sub www { return "version: 1\npolicies:\n  www:\n    pins:\n$pins$_[0]" }

# nginx -t with this file, within 5 seconds of the processor.
sub load {
    my ($yaml) = @_;
    $server->write('conf/pins.yaml', $yaml);
    return load_again();
}

sub load_again {
    # Of its own: the machine may be busy. One that hangs is stopped, and that fails.
    my $before = children_seconds();
    my $run = $server->test_config;
    my $seconds = children_seconds() - $before;
    cmp_ok($seconds, '<', 5, 'nginx -t ends soon') if $seconds >= 5;
    ok(!$run->{timed_out}, 'nginx -t ends by itself') if $run->{timed_out};
    return $run;
}

sub children_seconds {
    my (undef, undef, $user, $system) = times;
    return $user + $system;
}

# ---- name, file with ^^ before the place, id (or several that fit), what the message names
my @wrong = (
    [ 'unknown key', "version: 1\n^^polices: {}\n", 'unknown-key', qr/policies/ ],
    [ 'of a policy', www("    ^^enfroce: {max-age: 1d}\n"), 'unknown-key', qr/enforce/ ],
    [ 'of enforce', www("    enforce: {^^includesubdomains: true, max-age: 1d}\n"), 'unknown-key', qr/includeSubDomains/ ],
    [ 'of enforce, other spelling', www("    enforce:\n      ^^max_age: 1d\n"), 'unknown-key', qr/max-age/ ],
    [ 'of report-only', www("    report-only: {^^report-url: 'https://r.example/'}\n"), 'unknown-key', qr/report-uri/ ],
    [ 'of a guard', www("    guard: {^^untill: 2027-01-01}\n"), 'unknown-key', qr/until/ ],
    [ 'of a pin', "version: 1\npolicies:\n  www:\n    pins:\n      - ^^pin-sha265: '$pin'\n    guard: {}\n",
        'unknown-key', qr/pin-sha256/ ],

    [ 'duplicate key', "version: 1\n^^version: 1\npolicies: {}\n", 'duplicate-key', qr/version/ ],
    [ 'duplicate policy', www("    guard: {}\n  ^^www: {}\n"), 'duplicate-key', qr/www/ ],
    [ 'duplicate in enforce', www("    enforce: {max-age: 1d, ^^max-age: 2d}\n"), 'duplicate-key', qr/max-age/ ],
    [ 'duplicate by quotes', www("    enforce: {max-age: 1d, ^^'max-age': 2d}\n"), 'duplicate-key', qr/max-age/ ],

    [ 'no version', "^^policies:\n  www: {pins: [], guard: {}}\n", 'missing-key', qr/version/ ],
    [ 'no policies', "^^version: 1\n", 'missing-key', qr/policies/ ],
    [ 'no pins', "version: 1\npolicies:\n  www:\n    ^^guard: {}\n", 'missing-key', qr/pins/ ],
    [ 'no max-age', www("    enforce: ^^{includeSubDomains: true}\n"), 'missing-key', qr/max-age/ ],
    [ 'a pin of nothing', "version: 1\npolicies:\n  www:\n    pins:\n      - ^^name: x\n    guard: {}\n", 'missing-key' ],

    [ 'version 2', "version: ^^2\npolicies: {}\n", 'bad-value', qr/version/ ],
    [ 'version a list', "version: ^^[1]\npolicies: {}\n", 'bad-value', qr/version/ ],
    [ 'policies a list', "version: 1\npolicies: ^^[www]\n", 'bad-value', qr/policies/ ],
    [ 'a policy of one word', "version: 1\npolicies:\n  www: ^^pins\n", 'bad-value', qr/www/ ],
    [ 'pins a mapping', "version: 1\npolicies:\n  www:\n    pins: ^^{name: x}\n    guard: {}\n", 'bad-value', qr/pins/ ],
    [ 'pins a word', "version: 1\npolicies:\n  www:\n    pins: ^^x\n    guard: {}\n", 'bad-value', qr/pins/ ],
    [ 'a pin a word', "version: 1\npolicies:\n  www:\n    pins:\n      - ^^x\n    guard: {}\n", 'bad-value' ],
    [ 'a pin a list', "version: 1\npolicies:\n  www:\n    pins:\n      - pin-sha256: ^^['$pin']\n    guard: {}\n", 'bad-value' ],
    [ 'a pin of two kinds', "version: 1\npolicies:\n  www:\n    pins:\n      - {pin-sha256: '$pin', ^^csr: x.csr}\n"
        . "    guard: {}\n", 'bad-value', qr/csr/, 'any column' ],
    [ 'retired: maybe', "version: 1\npolicies:\n  www:\n    pins:\n      - {pin-sha256: '$pin', retired: ^^maybe}\n"
        . "    guard: {}\n", 'bad-value', qr/retired/ ],
    [ 'a name that is a list', "version: 1\npolicies:\n  www:\n    pins:\n      - {pin-sha256: '$pin', name: ^^[x]}\n"
        . "    guard: {}\n", 'bad-value', qr/name/ ],
    [ 'an empty pin', "version: 1\npolicies:\n  www:\n    pins:\n      - pin-sha256: ^^''\n    guard: {}\n",
        'bad-value', qr/pin-sha256/ ],
    [ 'an empty file name', "version: 1\npolicies:\n  www:\n    pins:\n      - csr: ^^''\n    guard: {}\n",
        'bad-value', qr/csr/ ],
    [ 'an empty report-uri', www("    enforce: {max-age: 1d, report-uri: ^^''}\n"), 'bad-value', qr/report-uri/ ],
    [ 'enforce: true', www("    enforce: ^^true\n"), 'bad-value', qr/enforce/ ],
    [ 'guard: []', www("    guard: ^^[]\n"), 'bad-value', qr/guard/ ],
    [ 'trust a list', "version: 1\ntrust: ^^[x]\npolicies: {}\n", 'bad-value', qr/trust/ ],
    [ 'clients a word', www("    guard: {}\n    clients: ^^chain\n"), 'bad-value', qr/clients/ ],
    [ 'clients of no kind', www("    guard: {}\n    clients: [chain, ^^browser]\n"), 'bad-value' ],
    [ 'clients empty', www("    guard: {}\n    clients: ^^[]\n"), 'bad-value', qr/clients/ ],
    [ 'includeSubDomains: 1', www("    enforce: {max-age: 1d, includeSubDomains: ^^1}\n"), 'bad-value', qr/includeSubDomains/ ],
    [ 'allow-mismatch: 5', www("    report-only: {report-uri: 'https://r.example/', allow-mismatch: ^^5}\n"), 'bad-value' ],
    [ 'report-uri a list', www("    enforce: {max-age: 1d, report-uri: ^^['https://r.example/']}\n"), 'bad-value' ],
    (map { [ "max-age $_", www("    enforce: {max-age: ^^$_}\n"), 'bad-value', qr/max-age/ ] }
        '-1', '+5', '1.5', '30x', '1d 1w', '99999999999999999999', '9999999999', '0x10', "''", '[1]', '1d1d', '1e3'),

    # Not before there is a ledger.
    [ 'a ramp that falls', www("    enforce: {max-age: {ramp: [{for: 1d, value: 5m}, {value: ^^1m}]}}\n"),
        'bad-value', qr/fall/ ],
    [ 'guard until no day', www("    guard: {until: ^^2027-02-30}\n"), 'bad-value', qr/2027-02-30/ ],

    # YAML's darker corners.
    [ 'a tab as indentation', "version: 1\npolicies:\n^^\twww: {}\n", 'policy-syntax', qr/tab/ ],
    [ 'a tab after a colon', "version:^^\t1\npolicies: {}\n", 'policy-syntax', qr/tab/ ],
    [ 'a second document', www("    guard: {}\n^^---\nversion: 1\n"), 'policy-syntax', qr/document/ ],
    [ 'an alias', "version: 1\npolicies:\n  www: &a {pins: []}\n  app: ^^*a\n", 'policy-syntax', qr/alias/ ],
    [ 'a merge key', "version: 1\npolicies:\n  www: &a {pins: []}\n  app:\n    <<: ^^*a\n", 'policy-syntax', qr/alias/ ],
    [ 'a tag', "version: 1\npolicies: ^^!!python/object {}\n", 'policy-syntax', qr/tag/ ],
    [ 'a NUL byte', "version: 1\npolicies:\n  w^^\0w: {}\n", 'policy-syntax', qr/NUL/ ],
    [ 'an escape character', "version: 1\npolicies:\n  ^^\e[2J: {}\n", 'policy-syntax', qr/control character/ ],
    [ 'an unclosed bracket', "version: 1\npolicies: {www: [\n", 'policy-syntax' ],
    [ 'an unclosed quote', "version: 1\npolicies: \"x\n", 'policy-syntax' ],
    [ 'a file cut off inside a quote', www("    enforce:\n      max-age: \"30d"), 'policy-syntax' ],
    [ 'a file cut off inside a name', "version: 1\npolicies:\n  www:\n    guard: {}\n    pins:\n$pins"
        . "      - pin-sha256: '{{pin:backup-3}}'\n        name: \"back\n", 'policy-syntax' ],
    [ 'a list at the top', "^^- version: 1\n", 'policy-syntax' ],
    [ 'one word', "^^hello\n", 'policy-syntax' ],
    [ 'an empty file', '', 'policy-syntax' ],
    [ 'comments alone', "# nothing\n# here\n", 'policy-syntax' ],
    [ 'a key that is a list', "version: 1\npolicies:\n  ? ^^[a, b]\n  : {}\n", 'policy-syntax', qr/key/ ],
);

for my $case (@wrong) {
    my ($name, $text, $id, $says, $loose) = @$case;
    my @at;

    if ((my $mark = index $text, '^^') >= 0) {
        my $before = substr $text, 0, $mark;
        my $line = 1 + ($before =~ tr/\n//);
        my $column = 1 + length $before =~ s/.*\n//sr;
        @at = ("pins.yaml:$line:" . ($loose ? '' : $column));
        substr($text, $mark, 2) = '';
    }
    my $run = load($text);
    has_finding($run, $id, 'error', at => \@at, says => $says, name => $name);
    refused($run, "$name: refused");
}

subtest 'size, depth and bombs' => sub {
    my $bomb = "version: 1\na0: &a0 [x]\n";
    $bomb .= "a$_: &a$_ [" . join(',', ('*a' . ($_ - 1)) x 10) . "]\n" for 1 .. 9;
    my $run = load($bomb);
    has_finding($run, 'policy-syntax', 'error', at => ['pins.yaml:3:10'], says => qr/alias/, name => 'a billion laughs');

    for my $deep (
        [ 'brackets', 'x: ' . '[' x 500_000 ], [ 'braces', 'x: ' . '{a: ' x 200_000 ],
        [ 'dashes', '- ' x 400_000 ], [ 'question marks', '? ' x 400_000 ],
    ) {
        $run = load("$deep->[1]\n");
        refused($run, "very deep $deep->[0]");
        has_finding($run, 'policy-syntax', 'error', at => ['pins.yaml:1:']);
    }

    my $good = www("    guard: {}\n");
    my $full = $server->fill_in($good);
    my $comment = '#' . 'x' x 98 . "\n";
    my $fill = 1024 * 1024 - length $full;
    my $padding = ($comment x ($fill / 100)) . '#' x ($fill % 100);
    accepted(load($good . $padding), 'exactly 1 MiB');
    $run = load($good . $padding . '#');
    has_finding($run, 'policy-unreadable', 'error', at => ['pins.yaml'], says => qr/1048576|1 MiB/, name => 'a byte more');
    refused($run, 'is refused');

    $run = load(www("    clients: [" . join(', ', ('x') x 100_000) . "]\n    guard: {}\n"));
    refused($run, 'a hundred thousand mistakes');
    cmp_ok(length $run->{err}, '<', 30_000_000, 'do not flood the log');
};

subtest 'accepted all the same' => sub {
    my $good = www("    enforce: {max-age: 1d}\n");

    for my $case (
        [ 'a byte order mark', "\xef\xbb\xbf$good" ], [ 'CRLF', $good =~ s/\n/\r\n/gr ],
        [ 'both', "\xef\xbb\xbf" . $good =~ s/\n/\r\n/gr ], [ 'no newline at the end', $good =~ s/\n\z//r ],
        [ 'a document start', "---\n$good" ], [ 'a document end', "$good...\n" ], [ 'comments', "# a\n$good# b\n" ],
        [ 'an anchor nobody uses', $good =~ s/pins:\n/pins: &p\n/r ],
        [ 'seconds', www("    enforce: {max-age: 86400}\n") ], [ 'mixed units', www("    enforce: {max-age: 1w 2d}\n") ],
        [ 'the largest max-age that is short enough', www("    enforce: {max-age: 5184000}\n") ],
        [ 'a ramp', www("    enforce:\n      max-age: {ramp: [{for: 1d, value: 5m}, {for: 7d, value: 1h}, {value: 30d}]}\n") ],
        [ 'the last day of a guard', www("    guard: {until: 2099-06-01}\n") ],
        [ 'all kinds of clients', www("    enforce: {max-age: 1d}\n    clients: [chain, sent, leaf]\n") ],
        [ 'names in UTF-8', $good =~ s/\{pin-sha256/{name: "clé 1", pin-sha256/r ],
    ) {
        my $run = load($case->[1]);
        accepted($run, $case->[0]);
        unlike($run->{err}, qr/hpkp: /, "$case->[0]: in silence");
    }
    $server->write('elsewhere.yaml', $good);
    unlink $server->file('conf/pins.yaml');
    symlink $server->file('elsewhere.yaml'), $server->file('conf/pins.yaml') or die "symlink: $!";
    accepted(load_again(), 'a symbolic link');
    unlink $server->file('conf/pins.yaml');
};

subtest 'no file to read' => sub {
    my $path = $server->file('conf/pins.yaml');

    unreadable('a missing file', qr/No such file/);
    symlink 'nowhere', $path or die "symlink: $!";
    unreadable('a dangling link', qr/No such file/);
    unlink $path;
    symlink 'pins.yaml', $path or die "symlink: $!";
    unreadable('a link to itself', qr/symbolic links/);
    unlink $path;
    mkdir $path or die "mkdir: $!";
    unreadable('a directory', qr/directory/);
    rmdir $path;
    mkfifo($path, 0644) or die "mkfifo: $!";
    unreadable('a FIFO', qr/not a regular file/);
    unlink $path;
    symlink '/dev/zero', $path or die "symlink: $!";
    unreadable('a device', qr/not a regular file/);
    unlink $path;

    # Root reads everything, so this nginx -t is somebody else's.
    $server->write('conf/pins.yaml', www("    guard: {}\n"));
    chmod 0, $path;
    readable_by_all();
    my $run = $server->test_config(before => $> == 0 ? [qw(setpriv --reuid 65534 --regid 65534 --clear-groups --)] : []);
    has_finding($run, 'policy-unreadable', 'error', at => ['pins.yaml'], says => qr/Permission denied/, name => 'no permission');
    chmod 0644, $path;
};

subtest 'which policy' => sub {
    my $both = www("    guard: {}\n") . "  app:\n    pins:\n$pins    guard: {}\n";

    set_directive('hpkp_policy pins.yaml www;');
    accepted(load($both), 'one of two, by name');
    set_directive('hpkp_policy pins.yaml nosuch;');
    my $run = load($both);
    has_finding($run, 'unknown-policy', 'error', says => qr/nosuch.*(?:www.*app|app.*www)/s, at => ['nginx.conf:'],
        name => 'no such name');
    refused($run, 'is refused');

    set_directive('hpkp_policy pins.yaml;');
    $run = load($both);
    has_finding($run, 'unknown-policy', 'error', says => qr/www.*app|app.*www/s, name => 'no name, two policies');
    accepted(load(www("    guard: {}\n")), 'no name, one policy');

    set_directive('hpkp_policy off www;');
    is($server->test_config->{exit}, 1, 'off has no name');

    for my $bad ('hpkp_policy;', 'hpkp_policy pins.yaml www more;', 'hpkp_strict maybe;', 'hpkp_emit sometimes;',
        'hpkp_secure nodollar;', 'hpkp_served_chain;') {
        set_directive($bad);
        $run = $server->test_config;
        is($run->{exit}, 1, "$bad is refused");
        like($run->{err}, qr/\[emerg\].*nginx\.conf:\d+/, 'by nginx, with its line');
    }
};

done_testing;

sub set_directive {
    my ($directive) = @_;
    $server->configure(http => tls_server(extra => $directive));
}

sub unreadable {
    my ($name, $says) = @_;
    my $run = load_again();

    has_finding($run, 'policy-unreadable', 'error', at => ['pins.yaml'], says => $says, name => $name);
    refused($run, "$name: refused");
}

# For a load by another user: module, certificate and key where anybody can read them, and a log that anybody can write.
sub readable_by_all {
    my $pki = $server->pki->dir;
    my $http = tls_server(extra => 'hpkp_policy pins.yaml;');

    $server->write('conf/cert.pem', read_text("$pki/chains/www.pem"));
    $server->write('conf/key.pem', read_text("$pki/keys/www.pem"));
    write_text($server->file('module.so'), read_text($server->{module}));
    $http =~ s/ssl_certificate \S+;/ssl_certificate cert.pem;/;
    $http =~ s/ssl_certificate_key \S+;/ssl_certificate_key key.pem;/;
    $server->configure(http => $http, module => $server->file('module.so'));
    output_of('chmod', '-R', 'a+rwX', map { $server->file($_) } qw(logs temp));
    unlink $server->file('nginx.pid');
    chmod 0777, $server->prefix;
}
