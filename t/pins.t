# Where a pin comes from: pin-sha256, or a certificate, CSR or public key. What is sent equals what openssl computes.

use lib 't/lib';
use HPKP::Test;
use MIME::Base64 qw(encode_base64);
use POSIX qw(mkfifo);

my $server = site();

# A policy of these pins (YAML, flow), beside www and two backups unless told otherwise.
sub load {
    my ($pins, %option) = @_;
    my @more = $option{alone} ? () : qw(www backup-1 backup-2);
    $server->write('conf/pins.yaml', policy(pins => [ @more, @$pins ]));
    return $server->test_config;
}

subtest 'every source, PEM and DER' => sub {
    my @wanted = (
        [ 'www',            'certificate: {{pki}}/certs/www.pem' ],
        [ 'www-rsa',        'certificate: {{pki}}/certs/www-rsa.der' ],
        [ 'www-ed25519',    'certificate: {{pki}}/certs/www-ed25519.pem' ],
        [ 'other',          'certificate: {{pki}}/certs/other.der' ],
        [ 'backup-1',       'csr: {{pki}}/csr/backup-1.pem' ],
        [ 'backup-2',       'csr: {{pki}}/csr/backup-2.der' ],
        [ 'backup-rsa',     'csr: {{pki}}/csr/backup-rsa.pem' ],
        [ 'backup-ed25519', 'csr: {{pki}}/csr/backup-ed25519.der' ],
        [ 'backup-3',       'public-key: {{pki}}/public/backup-3.pem' ],
        [ 'both',           'certificate: {{pki}}/chains/both.pem' ],    # the first of its file
    );
    accepted(load([ map { $_->[1] } @wanted ], alone => 1), 'accepted');
    $server->start;
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000, pins => [ map { $_->[0] } @wanted ]), 'sent');

    @wanted = (
        [ 'www',            'certificate: {{pki}}/certs/www.der' ],
        [ 'backup-1',       'public-key: {{pki}}/public/backup-1.der' ],
        [ 'backup-rsa',     'public-key: {{pki}}/public/backup-rsa.der' ],
        [ 'backup-ed25519', 'public-key: {{pki}}/public/backup-ed25519.pem' ],
        [ 'backup-2',       'csr: {{pki}}/csr/backup-2.pem' ],
        [ 'backup-3',       'csr: {{pki}}/csr/backup-3.der' ],
        [ 'www-rsa',        'certificate: {{pki}}/certs/www-rsa.pem' ],
        [ 'www-ed25519',    'certificate: {{pki}}/certs/www-ed25519.der' ],
    );
    accepted(load([ map { $_->[1] } @wanted ], alone => 1), 'the other form of each');
    $server->reload;
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000, pins => [ map { $_->[0] } @wanted ]), 'sent');

    # Paths are taken from the policy file's directory, not nginx's.
    $server->write('conf/pins/csr/own.pem', read_text($server->pki->dir . '/csr/backup-3.pem'));
    $server->write('conf/pins/pins.yaml', policy(pins => [ 'www', 'backup-1', 'csr: csr/own.pem' ]));
    $server->configure(http => tls_server(extra => 'hpkp_policy pins/pins.yaml;'));
    $server->reload;
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000, pins => [qw(www backup-1 backup-3)]),
        'a path relative to the policy file');
    $server->configure(http => tls_server(extra => 'hpkp_policy pins.yaml;'));
    $server->stop;
    $server->no_alerts;
};

# Served chains of every kind of key are recognised.
for my $cert (qw(www-rsa www-ed25519)) {
    my $other = site(cert => $cert, pins_yaml => policy(pins => [ $cert, 'backup-1', 'backup-2' ]));
    $other->start;
    one_header(fetch($other, '/'), pins_header($other, max_age => 2592000, pins => [ $cert, 'backup-1', 'backup-2' ]),
        "a $cert server");
}

subtest 'not a pin' => sub {
    # 0xfb 0xff give "+" and "/", so that the other alphabet shows.
    my $bytes = "\xfb\xff" x 16;
    my $good = encode_base64($bytes, '');
    my $canonical = substr $good, 42, 1;
    my $trailing = $good =~ s{(.)=$}{chr(ord($1) + 1) . '='}er;   # the same 32 bytes to a lax decoder

    accepted(load([qq(pin-sha256: "$good")]), 'a good one');
    for my $case (
        [ 'the URL alphabet', $good =~ tr{+/}{-_}r ], [ 'no padding', $good =~ s/=$//r ], [ '45 characters', "$good=" ],
        [ 'bits after the end', $trailing ], [ '33 bytes', encode_base64("${bytes}x", '') ],
        [ '31 bytes', encode_base64(substr($bytes, 1), '') ], [ 'a space in front', " $good" ],
        [ 'a space inside', $good =~ s/^(.{9})/$1 /r ],
        [ 'hexadecimal', unpack 'H*', $bytes ], [ 'the text of a header', "sha256/$good" ],
        [ 'quotes', "\\\"$good\\\"" ],
    ) {
        my $run = load([qq(pin-sha256: "$case->[1]")]);
        has_finding($run, 'bad-pin', 'error', at => ['pins.yaml:8:'], name => $case->[0]);
        refused($run, "$case->[0]: refused");
    }
    for my $placeholder (qw(
        d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM=
        E9CZ9INDbd+2eRQozYqqbQ2yXLVKB9+xcprMF+44U1g=
        LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
        ))
    {
        my $run = load([qq(pin-sha256: "$placeholder")]);
        has_finding($run, 'placeholder-pin', 'error', at => ['pins.yaml:8:'], name => "the placeholder $placeholder");
        refused($run, 'is refused');
    }
};

subtest 'duplicates' => sub {
    my $run = load(['pin-sha256: "{{pin:www}}"']);
    has_finding($run, 'duplicate-pin', 'error', at => ['pins.yaml:8:']);
    refused($run, 'the same pin-sha256 twice');

    $run = load(['csr: {{pki}}/csr/backup-1.pem']);
    findings_are($run, ['duplicate-pin warning'], 'a computed one only warns');
    has_finding($run, 'duplicate-pin', 'warning', at => ['pins.yaml:8:']);
    accepted($run, 'and is accepted');

    # A backup's CSR whose key is now in use, as after a renewal: sent once, counted once.
    $server->configure(http => tls_server(cert => 'www-renewed', extra => 'hpkp_policy pins.yaml;'));
    my @twice = ('certificate: {{pki}}/certs/www-renewed.pem', 'csr: {{pki}}/csr/backup-1.pem');
    $server->write('conf/pins.yaml', policy(pins => [ @twice, 'backup-2', 'backup-3' ]));
    $server->start;
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000, pins => [qw(www-renewed backup-2 backup-3)]),
        'sent once');
    $server->stop;

    $run = load(\@twice, alone => 1);
    has_finding($run, 'too-few-pins', 'error', name => 'counted once');
    $server->configure(http => tls_server(extra => 'hpkp_policy pins.yaml;'));
};

subtest 'sources that are none' => sub {
    $server->write('conf/garbage', "not a key\n");
    $server->write('conf/empty', '');
    $server->write('conf/cut.pem', substr read_text($server->pki->dir . '/csr/backup-1.pem'), 0, 200);
    $server->write('conf/cut.der', substr read_text($server->pki->dir . '/csr/backup-1.der'), 0, 90);
    $server->write('conf/large', 'x' x (20 << 20));
    mkdir $server->file('conf/directory');
    mkfifo($server->file('conf/fifo'), 0644);

    my @files = qw(missing garbage empty directory fifo cut.pem cut.der large /dev/zero);
    my @broken = map { ("certificate: $_", "csr: $_", "public-key: $_") } @files;
    push @broken, 'csr: {{pki}}/certs/www.pem', 'certificate: {{pki}}/csr/backup-1.der', 'public-key: {{pki}}/certs/www.der',
        'certificate: {{pki}}/public/backup-1.pem';
    for my $source (@broken) {
        my $run = load([$source]);
        has_finding($run, 'pin-source', 'error', at => ['pins.yaml:8:'], name => $source);
        refused($run, "$source: refused");
    }

    for my $form (qw(pem der)) {
        my $run = load(["csr: {{pki}}/csr/bad-signature.$form"]);
        has_finding($run, 'pin-source', 'error', at => ['pins.yaml:8:'], says => qr/signature/i,
            name => "a CSR that lies, in $form");
    }
    my $run = load(['public-key: {{pki}}/keys/backup-1.pem']);
    has_finding($run, 'pin-source', 'error', at => ['pins.yaml:8:'], says => qr/private/i, name => 'a private key');
    my ($secret) = read_text($server->pki->dir . '/keys/backup-1.pem') =~ /KEY-----\n(.{40})/;
    unlike($run->{err}, qr/\Q$secret\E/, 'and it is not printed');
};

done_testing;
