# The stores under trust: a bundle or a hashed directory, as the system has them too; what cannot be read is an error
# with its place, and soon.

use lib 't/lib';
use HPKP::Test;
use HPKP::CrossPKI;
use POSIX qw(mkfifo);

my $system = need_file('/etc/ssl/certs/ca-certificates.crt', 't/run.sh installs it');
my $pki = HPKP::CrossPKI->new;
my ($root_a, $root_b) = map { $pki->certificates("root-$_") } qw(a b);

# A site whose policy file has these stores, one a line from line 2 on; the leaf is pinned unless other pins are given.
sub stores {
    my ($trust, %part) = @_;
    my $lines = join '', map { "  $_\n" } @$trust;
    return (pki => $pki, %part, pins_yaml => "trust:\n$lines" . policy(pins => $part{pins} || [qw(www backup-1 backup-2)]));
}

subtest 'unreadable' => sub {
    my $broken = $root_b =~ s/^(.*\n.{10})...../$1AAAAA/mr;
    my @unreadable = (
        # what, its files, what the message says
        [ 'a missing file', {}, qr/cannot be opened.*No such file/ ],
        [ 'an empty file', { 'store' => '' }, qr/no PEM certificate/ ],
        [ 'a file of other things', { 'store' => read_text($pki->dir . '/public/backup-1.pem') }, qr/no PEM certificate/ ],
        [ 'a bundle with a broken certificate', { 'store' => $root_a . $broken . $root_a }, qr/cannot be read, number 2/ ],
        [ 'a bundle that is cut off', { 'store' => $root_a . substr $root_b, 0, 300 }, qr/cannot be read, number 2/ ],
        [ 'an empty directory', { 'store/.empty' => '' }, qr/directory without .*openssl rehash/ ],
        [ 'a directory that nobody hashed', { 'store/a.pem' => $root_a }, qr/directory without .*openssl rehash/ ],
        [ 'a hashed file without certificate', { 'store/01234567.0' => "nothing\n" }, qr/01234567\.0.*no PEM certificate/ ],
    );
    my $place = sub { my ($run, $name, $says) = @_;
        has_finding($run, 'trust-unreadable', 'error', at => ['pins.yaml:3:8'], name => "$name: place, words and remedy",
            says => qr/trust store "bad": \S+conf\/store .*$says.*\n.*PEM bundle.*hashed directory/s) };

    for my $case (@unreadable) {
        my ($name, $files, $says) = @$case;
        my $server = site(stores([ "good: roots/a.pem", 'bad: store' ]), files => { 'roots/a.pem' => $root_a, %$files });
        my $run = $server->test_config;

        findings_are($run, ['trust-unreadable error'], "$name: the only finding");
        $place->($run, $name, $says);
        refused($run, "$name: refused");
    }

    my $server = site(stores([ "good: roots/a.pem", 'bad: store' ]), files => { 'roots/a.pem' => $root_a });
    mkfifo($server->file('conf/store'), 0644) or die "mkfifo: $!";
    my $run = $server->test_config(timeout => 5);
    $place->($run, 'a FIFO', qr/not a regular file|cannot/);
    refused($run, 'a FIFO: refused soon');
    unlink $server->file('conf/store');

    $server->write('conf/store/a.pem', $root_a);
    symlink 'gone.pem', $server->file('conf/store/01234567.0') or die "symlink: $!";
    $place->($server->test_config, 'a link to nowhere', qr/01234567\.0.*No such file/);
    unlink $server->file('conf/store/01234567.0');
    mkfifo($server->file('conf/store/01234567.0'), 0644) or die "mkfifo: $!";
    $place->($server->test_config(timeout => 5), 'a FIFO in a directory', qr/01234567\.0/);

    # Each by its own line; what two servers use is said once.
    $run = site(stores([ 'one: nowhere', 'two: nowhere', 'three: roots/a.pem' ]), files => { 'roots/a.pem' => $root_a },
        more => tls_server(name => 'example.com', extra => 'hpkp_policy pins.yaml;'))->test_config;
    is_deeply([ map { $_->{says} =~ /pins\.yaml:(\d+:\d+)/ } findings($run->{err}) ], [ '2:8', '3:8' ], 'two of three stores');
};

subtest 'paths are relative to the policy file' => sub {
    my @other = (server => 'hpkp_policy policies/www/pins.yaml;');
    my $yaml = "trust: {a: ../../roots/a.pem}\n" . policy(pins => [qw(int root-a backup-1 backup-2)]);
    my $server = site(pki => $pki, @other, files => { 'policies/www/pins.yaml' => $yaml, 'roots/a.pem' => $root_a });
    findings_are($server->test_config, [], 'not to nginx.conf');
    $server->write('conf/policies/www/pins.yaml', $yaml =~ s{\Q../../\E}{}r);
    has_finding($server->test_config, 'trust-unreadable', 'error', says => qr{conf/policies/www/roots/a\.pem cannot be opened});
};

subtest 'a bundle' => sub {
    # As people make them: remarks, the line ends of another system, a root twice.
    my $messy = "# Root A\n$root_a\nIssuer: x\n" . ("$root_b$root_a" =~ s/\n/\r\n/gr);
    my @two = ('one: roots/one.pem', 'two: roots/two.pem');
    my $server = site(stores(\@two, cert => 'www-both', pins => [qw(backup-1 backup-2)]),
        files => { 'roots/one.pem' => $messy, 'roots/two.pem' => $root_b });
    my $finding = has_finding($server->test_config, 'no-pin-in-chain', 'error', name => 'is read, whatever is between');
    is_deeply([ grep { /path/ } @{ $finding->{details} } ],
        [ 'path 1 of 2, to a root in one:', 'path 2 of 2, to a root in one, two:' ], 'each root once, with all its stores');
};

subtest 'a hashed directory' => sub {
    # Two certificates of one subject have one hash, and other suffixes.
    my $server = site(stores(['dir: roots'], pins => [qw(root-b backup-1 backup-2)]), files => {
        'roots/root-a.pem' => $root_a, 'roots/root-b.pem' => $root_b, 'roots/a-by-b.pem' => $pki->certificates('a-by-b'),
        'roots/README' => "not a certificate\n" });
    my $directory = $server->file('conf/roots');
    output_of('openssl', 'rehash', $directory);
    my @names = map { s{.*/}{}r } glob "$directory/*.[0-9]";
    is(scalar @names, 3, "openssl rehash: @names");
    is((grep { /\.1$/ } @names), 1, 'two have one hash');

    my $finding = has_finding($server->test_config, 'path-without-pin', 'error', name => 'every certificate in it is read');
    is_deeply([ sort grep { /^path/ } @{ $finding->{details} } ],
        [ map { "path $_ of 2, to a root in dir:" } 1, 2 ], 'the second as well');

    # openssl rehash names revocation lists alike, but for an r.
    $server->write("conf/roots/$names[0]" =~ s/\.\d$/.r0/r, "a list of revoked certificates\n");
    has_finding($server->test_config, 'path-without-pin', 'error', name => 'revocation lists are passed over');
};

subtest 'the system\'s bundle beside a store' => sub {
    my $real = '/usr/share/ca-certificates/mozilla/ISRG_Root_X1.crt';
    need_file($real, 't/run.sh installs it');
    my %beside = (files => { 'roots/a.pem' => $root_a, 'roots/all.pem' => read_text($system) . $root_a });

    for my $trust ([ "mozilla: $system", 'test: roots/a.pem' ], ['test: roots/all.pem']) {
        my @pins = ('int', 'root-a', 'backup-1', "name: public, certificate: $real");
        my $server = site(stores($trust, %beside, pins => \@pins));
        findings_are($server->test_config, [], "@$trust: accepted, a public root as a backup");
        $server->start;
        my $isrg = 'C5+lpZ7tcVwmwQIMcRtPbsQtWLABXhQzejna0wHFr8M=';   # as its owner publishes it
        my $header = pins_header($server, max_age => 2592000, pins => [qw(int root-a backup-1)]) . qq(; pin-sha256="$isrg");
        one_header(fetch($server, '/'), $header, 'and sent');
        $server->stop;
        $server->no_alerts;

        $server = site(stores($trust, %beside, pins => [ 'backup-1', 'backup-2', "name: public, certificate: $real" ]));
        my $finding = has_finding($server->test_config, 'no-pin-in-chain', 'error', name => 'a public root is on no path');
        is($finding->{details}[0], 'the path, to a root in test:', 'of which there is one');
    }
};

subtest 'a store is no burden on the workers' => sub {
    # Several thousand certificates, all read and parsed at each load.
    my %store = (small => $root_a, large => join '', ($pki->certificates('root-a'), read_text($system)) x 20);
    my %anonymous;

    for my $size (sort keys %store) {
        my $server = site(stores(['test: roots.pem'], pins => [qw(int root-a backup-1 backup-2)]),
            files => { 'roots.pem' => $store{$size} })->start;
        fetch($server, '/');
        $server->reload;
        fetch($server, '/');
        my ($worker) = $server->workers;
        ($anonymous{$size}) = read_text("/proc/$worker/status") =~ /^RssAnon:\s+(\d+) kB/m;
        $server->stop;
        $server->no_alerts;
    }
    note("anonymous memory of a worker: $anonymous{small} KB with one certificate, $anonymous{large} KB with thousands");
    cmp_ok($anonymous{large} - $anonymous{small}, '<', 256, 'nothing of a store stays in a worker (KB more)');
};

done_testing;
