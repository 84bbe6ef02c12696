# hpkp init: whatever it writes, hpkp check and nginx take without an error, and the pins are those of every path.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger ();
use HPKP::CrossPKI;
use File::Temp ();
use JSON::PP ();
use POSIX qw(mkfifo);

my $tool = HPKP::Ledger::tool();
my $dir = File::Temp->newdir;
my ($plain, $cross) = (HPKP::PKI->new, HPKP::CrossPKI->new);
my @uri = ('--report-uri', 'https://reports.example.org/pins');
my @advised = map { ('--backup', $plain->dir . "/csr/$_.pem") } qw(backup-1 backup-2);

sub init { my (@arguments) = @_; return run_command([ $tool, 'init', @arguments ], timeout => 10) }

my %store = map { $_ => write_text("$dir/$_.pem", ($_ eq 'plain-a' ? $plain : $cross)->certificates($_ =~ s/plain-a/root-a/r)) }
    qw(plain-a root-a root-b);

# case, PKI, chains, level, stores, the pins wanted
my @cases = (
    [ 'EC, leaf',              $plain, ['www'],         'leaf',         ['plain-a'], ['www'] ],
    [ 'EC, intermediate',      $plain, ['www'],         'intermediate', ['plain-a'], ['int-a'] ],
    [ 'EC, root',              $plain, ['www'],         'root',         ['plain-a'], ['root-a'] ],
    [ 'RSA, leaf',             $plain, ['www-rsa'],     'leaf',         ['plain-a'], ['www-rsa'] ],
    [ 'RSA, intermediate',     $plain, ['www-rsa'],     'intermediate', ['plain-a'], ['int-a'] ],
    [ 'RSA, root',             $plain, ['www-rsa'],     'root',         ['plain-a'], ['root-a'] ],
    [ 'both, leaf',            $plain, [qw(www www-rsa)], 'leaf',       ['plain-a'], [qw(www www-rsa)] ],
    [ 'private, leaf',         $plain, ['www'],         'leaf',         [],          ['www'] ],
    [ 'private, intermediate', $plain, ['www'],         'intermediate', [],          ['int-a'] ],
    [ 'private, root sent',    $plain, ['www-with-root'], 'root',       [],          ['root-a'] ],
    [ 'self-signed',           $plain, ['self-signed'], 'leaf',         [],          ['self-signed'] ],
    [ 'crossed, intermediate', $cross, ['www-crossed'], 'intermediate', [qw(root-a root-b)], ['int'] ],
    [ 'crossed, root',         $cross, ['www-crossed'], 'root',         [qw(root-a root-b)], [qw(root-a root-b)] ],
    [ 'crossed, one store',    $cross, ['www-crossed'], 'root',         ['root-b'],  ['root-b'] ],
    [ 'two intermediates',     $cross, [qw(www www-by-b)], 'intermediate', [qw(root-a root-b)], [qw(int int-b)] ],
    [ 'mesh, root',            $cross, ['www-mesh'],    'root',         [qw(root-a root-b)], [qw(root-a root-b)] ],
);

for my $case (@cases) {
    my ($name, $pki, $chains, $level, $stores, $want) = @$case;
    subtest $name => sub {
        my @chains = map { ('--chain', $pki->dir . "/chains/$_.pem") } @$chains;
        my @trust = map { ('--trust', "$_=$store{$_}") } @$stores;
        my $run = init(@chains, '--level', $level, @trust, @advised, @uri);
        is($run->{exit}, 0, 'exit 0') or diag($run->{err});
        my %name_of = map { $pki->pin($_) => $_ } @$want;
        is_deeply([ sort map { $name_of{$_} // $_ } $run->{out} =~ /pin-sha256: "(.{44})"/g ],
            [ sort @$want, map { $plain->pin($_) } qw(backup-1 backup-2) ], 'the pins') or diag($run->{out});
        @$stores ? is($run->{err}, '', 'nothing to note') : like($run->{err}, qr/private PKI/, 'the private PKI is said');

        my $file = write_text("$dir/pins.yaml", $run->{out});
        my $check = run_command([ $tool, 'check', $file, @chains, '--ledger', 'off' ]);
        is($check->{exit}, 0, 'hpkp check takes it') or diag($check->{out});
        like($check->{out}, qr/^0 errors, /m, 'without an error');

        # Two certificates of one kind of key cannot stand in one server: a server each.
        my ($first, @more) = @$chains;
        my $server = site(pki => $pki, cert => $first, pins_yaml => $run->{out}, ledger => 'fresh',
            more => join '', map { tls_server(cert => $_, name => "$_.example.com", port => $_, extra => 'hpkp_policy pins.yaml;') } @more);
        my $nginx = $server->test_config;
        accepted($nginx, 'nginx takes it');
        unlike($nginx->{err}, qr/\[emerg\]/, 'without an error');
    };
}

my @www = ('--chain', $plain->dir . '/chains/www.pem', '--level', 'leaf');

subtest 'backups' => sub {
    my $base = $plain->dir;
    for my $form ("csr/backup-1.pem", "csr/backup-1.der", "public/backup-1.pem", "public/backup-1.der") {
        my $run = init(@www, @uri, '--backup', "$base/$form");
        like($run->{out}, qr/backup 1 .*\n\s+pin-sha256: "\Q@{[ $plain->pin('backup-1') ]}\E"/, $form);
        like($run->{err}, qr/one backup: two are the advice/, 'one alone');
    }
    my $run = init(@www, @uri, '--backup', "$base/keys/backup-1.pem", '--backup', "$base/certs/int-b.pem");
    is($run->{exit}, 0, 'a private key, and another authority: exit 0');
    like($run->{err}, qr/backup-1\.pem is a private key: .*offline/, 'the key belongs elsewhere');
    unlike($run->{err}, qr/two are the advice/, 'and two there are');
    like($run->{out}, qr/\Q@{[ $plain->pin($_) ]}\E/, "has $_") for qw(backup-1 int-b);

    my $locked = "$dir/locked.key";
    output_of(qw(openssl pkcs8 -topk8 -passout pass:secret -in), "$base/keys/backup-1.pem", '-out', $locked);
    like(init(@www, @uri, '--backup', $locked)->{err}, qr/\Q$locked\E .*is encrypted: give --passin/, 'an encrypted one');
    is(init(@www, @uri, '--backup', $locked, '--passin', 'pass:secret')->{exit}, 0, 'and its pass phrase');

    for my $in_chain ('keys/www.pem', 'certs/int-a.pem') {
        $run = init(@www, @uri, '--backup', "$base/$in_chain");
        is($run->{exit}, 2, "$in_chain, in the chain: exit 2");
        like($run->{err}, qr/\Q$in_chain\E is in the chain already.*there is no backup.*openssl genpkey .*openssl req -new /s, 'and says how to make one');
    }
    # What it says works.
    my @make = map { "cd $dir && $_" } $run->{err} =~ /^    (openssl .+)$/mg;
    is(@make, 2, 'two commands');
    output_of('sh', '-c', $_) for @make;
    is(init(@www, @uri, '--backup', "$dir/backup.csr")->{exit}, 0, 'which make one');

    $run = init(@www, @uri, '--backup', "$base/csr/backup-1.pem", '--backup', "$base/public/backup-1.pem");
    like($run->{err}, qr/same key as another backup/, 'the same twice');
    like($run->{err}, qr/two are the advice/, 'is one');
    for my $bad ('csr/bad-signature.pem', 'chains/www-by-b.pem', 'nowhere') {
        $run = init(@www, @uri, '--backup', "$base/$bad");
        is($run->{exit}, 2, "$bad: exit 2");
        like($run->{err}, qr/\Q$bad\E/, 'which is named');
    }
};

subtest 'report-uri, names' => sub {
    my $run = init(@www, @advised);
    like($run->{err}, qr{https://reports\.example\.net/hpkp, an example: replace it}, 'none: an example, which is said');
    like($run->{out}, qr{# REPLACE .*\n +report-uri: "https://reports\.example\.net/hpkp"}, 'in the file too');
    $run = init(@www, @advised, '--report-uri', 'https://www.example.com/pins');
    like($run->{err}, qr/on the host that is pinned/, 'on the pinned host');
    unlike(init(@www, @advised, '--report-uri', 'http://www.example.com/pins')->{err}, qr/on the host/, 'which over http does no harm');
    is(init(@www, @advised, '--report-uri', $_)->{exit}, 2, "$_: exit 2") for 'reports.example.org', 'ftp://a/', "https://a/\"";
    like(init(@www, @advised, @uri)->{out}, qr/^  "www\.example\.com":$/m, 'named after the leaf');
    like(init(@www, @advised, @uri, '--name', 'shop: "a"')->{out}, qr/^  "shop: \\"a\\"":$/m, 'or as told');
    is(init(@www, @advised, @uri, '--name', "a\nb")->{exit}, 2, 'a name with a line end: exit 2');
};

subtest 'the file' => sub {
    my $file = "$dir/new.yaml";
    my $run = init(@www, @advised, @uri, '--output', $file);
    is($run->{exit}, 0, 'exit 0') or diag($run->{err});
    like($run->{out}, qr/\Awritten: \Q$file\E/, 'says so');
    my $text = read_text($file);
    is(sprintf('%o', (stat $file)[2] & 07777 & ~0644), '0', 'nobody else can write it');
    write_text($file, 'mine');
    $run = init(@www, @advised, @uri, '--output', $file);
    is($run->{exit}, 2, 'a file that is there: exit 2');
    like($run->{err}, qr/\Q$file\E is there already: give --force/, 'and says so');
    is(read_text($file), 'mine', 'it is left alone');
    is(init(@www, @advised, @uri, '--output', $file, '--force')->{exit}, 0, '--force');
    is(read_text($file), $text, 'replaces it');
    like(init(@www, @advised, @uri, '--output', "$dir/no/pins.yaml")->{err}, qr{no/pins\.yaml cannot be written}, 'where it cannot be written');

    mkfifo("$dir/fifo", 0600) or die "mkfifo: $!\n";
    $run = init(@www, @advised, @uri, '--output', "$dir/fifo", '--force');
    is("$run->{exit} $run->{timed_out}", '2 0', 'a FIFO: exit 2, at once');

    my $json = JSON::PP::decode_json(init(@www, @advised, '--format', 'json')->{out});
    is("$json->{version} $json->{name} $json->{level}", '1 www.example.com leaf', 'JSON');
    is($json->{pins}[0]{'pin-sha256'}, $plain->pin('www'), 'its pins');
    is(@{ $json->{backups} }, 2, 'its backups');
    like($json->{policy}, qr/^version: 1$/m, 'the file');
    like("@{ $json->{notes} }", qr/example/, 'the notes');
};

subtest 'usage' => sub {
    my $chains = $plain->dir . '/chains';
    my @leaf = ('--level', 'leaf');
    my %wrong = (
        'no level'           => [ [ @www[0, 1], @advised ], qr/--level/ ],
        'an unknown level'   => [ [ @www[0, 1], '--level', 'middle', @advised ], qr/--level/ ],
        'no backup'          => [ \@www, qr/--backup/ ],
        'no such chain'      => [ [ '--chain', "$dir/nowhere", @leaf, @advised ], qr{nowhere cannot be opened} ],
        'no chain'           => [ [ '--chain', $plain->dir . '/keys/www.pem', @leaf, @advised ], qr{keys/www\.pem holds no PEM certificate} ],
        'no intermediate'    => [ [ '--chain', "$chains/www-alone.pem", '--level', 'intermediate', @advised ], qr/no intermediate: give the whole chain/ ],
        'no root'            => [ [ '--chain', "$chains/www.pem", '--level', 'root', @advised ], qr/reaches no root: .*--trust NAME=FILE/ ],
        'a store without it' => [ [ @www, @advised, '--trust', "b=$store{'root-b'}" ], qr/no root of the stores/ ],
        'no such store'      => [ [ @www, @advised, '--trust', "b=$dir/nowhere" ], qr{--trust b: .*nowhere cannot be opened} ],
        'a store of two lines' => [ [ @www, @advised, '--trust', "b\nc=$store{'root-b'}" ], qr/control characters/ ],
        'a store unnamed'    => [ [ @www, @advised, '--trust', $store{'root-b'} ], qr/NAME=FILE/ ],
        'the input twice'    => [ [ '--chain', '-', @leaf, '--backup', '-' ], qr/standard input/ ],
    );
    for my $case (sort keys %wrong) {
        my $run = init(@{ $wrong{$case}[0] });
        is($run->{exit}, 2, "$case: exit 2") or diag($run->{out});
        like($run->{err}, $wrong{$case}[1], 'and says why');
    }
    like(init('--help')->{out}, qr/leaf: .*\n.*intermediate: .*\n.*root: /, 'help tells the risk of each level');
};

done_testing;
