# hpkp pin: its values are those of RFC 7469's recipe, for whatever openssl makes; what it cannot read it names.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger ();
use File::Temp ();
use IO::Socket::INET ();
use JSON::PP ();
use POSIX qw(mkfifo);

need_tools('openssl');
my $tool = HPKP::Ledger::tool();
my $dir = File::Temp->newdir;

sub hpkp_pin { my ($arguments, %option) = @_; return run_command([ $tool, 'pin', @$arguments ], %option) }
sub openssl { output_of('openssl', @_) }

# By the recipe of RFC 7469, appendix A.
sub recipe_pin {
    my (@public_key) = @_;
    my $pin = output_of('sh', '-c', 'openssl "$@" | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64', 'sh', @public_key);
    chomp $pin;
    return $pin;
}

my %algorithm = (
    'RSA 2048' => [qw(RSA -pkeyopt rsa_keygen_bits:2048)],
    'RSA-PSS 2048' => [qw(RSA-PSS -pkeyopt rsa_keygen_bits:2048)],
    'EC P-256' => [qw(EC -pkeyopt ec_paramgen_curve:P-256)],
    'EC P-384' => [qw(EC -pkeyopt ec_paramgen_curve:P-384)],
    'EC secp256k1' => [qw(EC -pkeyopt ec_paramgen_curve:secp256k1)],
    'Ed25519' => ['ED25519'],
    'Ed448'   => ['ED448'],
);

for my $kind (sort keys %algorithm) {
    subtest $kind => sub {
        my $base = "$dir/" . lc($kind =~ s/\W/-/r);
        openssl('genpkey', '-algorithm', @{ $algorithm{$kind} }, '-out', "$base.key");
        openssl('req', '-new', '-key', "$base.key", '-subj', '/CN=backup/O=Example', '-out', "$base.csr");
        openssl('req', '-x509', '-key', "$base.key", '-subj', '/CN=www.example.com', '-days', 30, '-out', "$base.crt");
        openssl('pkey', '-in', "$base.key", '-pubout', '-out', "$base.pub");
        openssl('pkcs8', '-topk8', '-in', "$base.key", '-passout', 'pass:secret', '-out', "$base.enc");
        my %pin = (
            crt => recipe_pin('x509', '-noout', '-pubkey', '-in', "$base.crt"),
            csr => recipe_pin('req', '-noout', '-pubkey', '-in', "$base.csr"),
            key => recipe_pin('pkey', '-pubout', '-in', "$base.key"),
        );
        is($pin{$_}, $pin{key}, "the recipe agrees with itself: $_") for qw(crt csr);
        my %is = (crt => 'certificate, CN = www.example.com', csr => 'CSR, CN = backup, O = Example',
            key => 'private key', pub => 'public key', enc => 'private key');
        openssl(@{ { crt => ['x509'], csr => ['req'], key => ['pkey'], pub => [qw(pkey -pubin)] }->{$_} }, '-in', "$base.$_",
            '-outform', 'der', '-out', "$base.$_.der") for qw(crt csr key pub);
        openssl('pkcs8', '-topk8', '-in', "$base.key", '-passout', 'pass:secret', '-outform', 'der', '-out', "$base.enc.der");

        for my $form (sort keys %is) {
            for my $file ("$base.$form", "$base.$form.der") {
                my $run = hpkp_pin([ $file, '--passin', 'pass:secret' ]);
                is($run->{exit}, 0, "$file: exit 0") or diag($run->{err});
                like($run->{out}, qr/\A\Q$file: $is{$form}\E\n    \Q$kind\E(?:, valid [\d :-]+ UTC to [\d :-]+ UTC)?\n    pin-sha256="\Q$pin{key}\E"(?:  .+)?\n\z/,
                    'what it is, and the pin');
                is($run->{err}, '', 'and nothing else');
            }
        }
        like(hpkp_pin(["$base.crt"])->{out}, qr/\Q$kind\E, valid /, 'a certificate has a validity');
    };
}

my $p256 = "$dir/ec-p-256";

subtest 'several files, several in a file, the input' => sub {
    my $bundle = write_text("$dir/bundle.pem", join "some text\n", map { read_text("$p256.$_") } qw(crt key csr));
    my $run = hpkp_pin([ $bundle, "$dir/ed25519.pub", '-' ], stdin => read_text("$dir/rsa-2048.csr.der"));
    is($run->{exit}, 0, 'exit 0') or diag($run->{err});
    is_deeply([ $run->{out} =~ /^(\S.*?): /mg ], [ "$bundle #1", "$bundle #2", "$bundle #3", "$dir/ed25519.pub", 'standard input' ], 'in their order');
    my $pin = recipe_pin('pkey', '-pubout', '-in', "$p256.key");
    is_deeply([ $run->{out} =~ /pin-sha256="(.{44})"  www\.example\.com$/mg ], [$pin], 'the name stands beside its pin');

    my $json = JSON::PP::decode_json(hpkp_pin([ $bundle, '--format', 'json' ])->{out});
    is($json->{version}, 1, 'JSON');
    is_deeply($json->{errors}, [], 'no errors');
    is_deeply([ map { "$_->{source} $_->{number} $_->{kind} $_->{key} $_->{'pin-sha256'}" } @{ $json->{objects} } ],
        [ map { "$bundle $_ EC P-256 $pin" } '1 certificate', '2 private-key', '3 csr' ], 'the same');
    is($json->{objects}[0]{'not-after'} - $json->{objects}[0]{'not-before'}, 30 * 86400, 'the validity in seconds');
};

subtest 'pass phrases' => sub {
    my $old = "$dir/traditional.key";
    openssl('rsa', '-in', "$dir/rsa-2048.key", '-traditional', '-aes128', '-passout', 'pass:secret', '-out', $old);
    my $phrase = write_text("$dir/phrase", "secret\n");
    my $pin = recipe_pin('pkey', '-pubout', '-in', "$dir/rsa-2048.key");
    for my $source ('pass:secret', 'env:PHRASE', "file:$phrase", 'stdin') {
        my $run = hpkp_pin([ $old, "$dir/rsa-2048.enc", "$dir/rsa-2048.enc.der", '--passin', $source ], stdin => "secret\n", env => { PHRASE => 'secret' });
        is(() = $run->{out} =~ /\Q$pin\E/g, 3, $source) or diag($run->{err});
    }
    for my $key ($old, "$dir/rsa-2048.enc", "$dir/rsa-2048.enc.der") {
        my $run = hpkp_pin([$key], timeout => 5);
        is($run->{exit}, 2, 'none: exit 2');
        like($run->{err}, qr/\Ahpkp: \Q$key\E .*is encrypted: give --passin\n\z/, 'and says so, without waiting');
        $run = hpkp_pin([ $key, '--passin', 'pass:other' ]);
        is($run->{exit}, 2, 'a wrong one: exit 2');
        like($run->{err}, qr/\Ahpkp: \Q$key\E .*is the pass phrase right\?\n\z/, 'and says so');
    }
    like(hpkp_pin([ '-', '--passin', 'stdin' ])->{err}, qr/cannot both be standard input/, 'the input cannot be both');
    unlike(hpkp_pin([ $old, '--passin', 'secret' ])->{err}, qr/secret/, 'a pass phrase in the wrong place is not repeated');

    # On a terminal it asks.
    need_tools('script');
    my $run = run_command([ 'script', '-qec', "'$tool' pin '$old'", '/dev/null' ], stdin => "secret\n", timeout => 10);
    like($run->{out}, qr/Pass phrase of \Q$old\E: /, 'it asks');
    like($run->{out}, qr/\Q$pin\E/, 'and takes the answer') or diag($run->{err});
};

subtest 'what cannot be read' => sub {
    my $good = "$p256.crt";
    my $noise = join '', map { chr(($_ * 7919 + ($_ >> 3)) % 256) } 1 .. 50_000;
    mkfifo("$dir/fifo", 0600) or die "mkfifo: $!\n";
    my %bad = (
        write_text("$dir/noise", $noise) => qr/holds no certificate, CSR or key/,
        write_text("$dir/empty", '') => qr/is empty/,
        write_text("$dir/cut.der", substr read_text("$p256.crt.der"), 0, 100) => qr/holds no certificate/,
        write_text("$dir/cut.pem", substr read_text("$p256.crt"), 0, 200) => qr/broken block of PEM/,
        write_text("$dir/large", read_text($good) x 20_000) => qr/larger than/,
        "$dir/fifo" => qr/is not a regular file/,
        "$dir" => qr/is a directory/,
        "$dir/nowhere" => qr/No such file/,
    );
    for my $file (sort keys %bad) {
        my $run = hpkp_pin([ $file, $good ], timeout => 5);
        is($run->{exit}, 2, "$file: exit 2");
        like($run->{err}, qr/\Ahpkp: \Q$file\E .*\n\z/, 'one line, which names it');
        like($run->{err}, $bad{$file}, 'and says why');
        like($run->{out}, qr/\A\Q$good\E: certificate/, 'the other file is printed all the same');
        my $json = JSON::PP::decode_json(hpkp_pin([ $file, $good, '--format', 'json' ])->{out});
        is(@{ $json->{errors} } . @{ $json->{objects} }, '11', 'in JSON too');
    }
    is(hpkp_pin(['-'], stdin => read_text($good) x 5_000)->{exit}, 2, 'a large input');

    my $csr = HPKP::PKI->new->dir . '/csr/bad-signature.pem';
    my $run = hpkp_pin([$csr]);
    is($run->{exit}, 1, 'a CSR that proves nothing: exit 1');
    like($run->{out}, qr/error: its own signature does not verify/, 'and says so');
    is(hpkp_pin($_)->{exit}, 2, "@$_: exit 2") for [], ['--frob'], [ $good, '--format', 'xml' ], [ $good, '--passin', 'x' ], [ $good, '--time-limit', 0 ];
    like(hpkp_pin(['--help'])->{out}, qr/--connect/, 'help');
};

subtest 'a live server' => sub {
    my $server = site(ledger => 'fresh', server => '', cert => 'www', more => tls_server(name => 'other.example.com', cert => 'other'))->start;
    my $at = '127.0.0.1:' . $server->port('tls');
    my $pki = $server->pki;
    my $run = hpkp_pin([ '--connect', $at, '--servername', 'other.example.com' ]);
    is($run->{exit}, 0, 'exit 0') or diag($run->{err});
    is_deeply([ $run->{out} =~ /^\Q$at\E #(\d): certificate, CN = (.+)\n.*\n    pin-sha256="(.{44})"/mg ],
        [ 1, 'other.example.com', $pki->pin('other'), 2, 'HPKP Test Intermediate B', $pki->pin('int-b') ], 'the chain of the name asked for');
    my ($leaf) = hpkp_pin([ '--connect', $at, $p256 . '.crt' ])->{out} =~ /pin-sha256="(.{44})"/;
    is($leaf, $pki->pin('www'), 'without one, that of the default server');
    $server->stop;

    $run = hpkp_pin([ '--connect', $at, "$p256.crt" ], timeout => 8);
    is($run->{exit}, 2, 'nobody there: exit 2');
    like($run->{err}, qr/\Ahpkp: .+\n\z/, 'one line');
    like($run->{out}, qr/certificate/, 'the file is printed');

    my $silent = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "listen: $!\n";
    $run = hpkp_pin([ '--connect', '127.0.0.1:' . $silent->sockport, '--time-limit', 1 ], timeout => 5);
    is("$run->{exit} $run->{timed_out}", '2 0', 'a server that says nothing: exit 2, in time');
    is(hpkp_pin([ '--connect', $_ ])->{exit}, 2, "--connect $_: exit 2") for ':443', '127.0.0.1:0', '127.0.0.1:x';
};

done_testing;
