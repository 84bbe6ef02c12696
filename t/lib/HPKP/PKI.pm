# HPKP::PKI - real keys, certificates and chains, made once and used by every test.
#
#     my $pki = HPKP::PKI->new;            # makes them on first use, under build/t-pki
#     $pki->dir                            # what {{pki}} stands for in configurations
#     $pki->pin('www')                     # base64 of the SHA-256 of the SPKI, by openssl's commands
#     $pki->common_name('int-a')           # "HPKP Test Intermediate A"
#     $pki->key_name('www-renewed')        # "backup-1": the key for ssl_certificate_key, {{key:www-renewed}}
#     $pki->certificates('int-a', 'root-a')     # the PEM text of these, one after the other
#
# Below $pki->dir:
#     certs/NAME.pem, .der    every certificate of authorities() and leaves(), alone
#     chains/NAME.pem         the files for ssl_certificate, see chains(); chains/LEAF.pem is leaf + intermediate
#     keys/NAME.pem           every private key. No policy lives here, so that no key lies beside one
#     csr/NAME.pem, .der      certificate requests of the backup keys (bad-signature: does not verify)
#     public/NAME.pem, .der   public keys of the backup keys
#     roots.pem               what the test clients trust: here both roots and the self-signed leaf
#
# All keys are P-256 (quick to make) unless their name says otherwise. What ends in "expired" was valid in 2020, and
# "future" in 2040. Two leaves may share one key, and one leaf may be certified by both authorities: that is how a
# renewal looks. Who needs other certificates derives a class with tables of its own (HPKP::CrossPKI).

package HPKP::PKI;

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use Fcntl qw(:flock);
use File::Path qw(make_path remove_tree);
use HPKP::Clock qw(starting_at);
use HPKP::Command qw(output_of need_tools read_text write_text build_dir);

# name, common name, issuer (itself for a root), key (of the same name unless it says another), more extensions
sub authorities {
    return (
        [ 'root-a', 'HPKP Test Root A',         'root-a' ],
        [ 'int-a',  'HPKP Test Intermediate A', 'root-a' ],
        [ 'root-b', 'HPKP Test Root B',         'root-b' ],
        [ 'int-b',  'HPKP Test Intermediate B', 'root-b' ],
    );
}

# name, issuer, key (of the same name unless it says another), host names
sub leaves {
    return (
        [ 'www',          'int-a', 'www',         'www.example.com example.com' ],
        [ 'www-rsa',      'int-a', 'www-rsa',     'www.example.com example.com' ],
        [ 'www-ed25519',  'int-a', 'www-ed25519', 'www.example.com example.com' ],
        [ 'www-renewed',  'int-a', 'backup-1',    'www.example.com example.com' ],   # the pinned backup in use
        [ 'www-second',   'int-a', 'backup-2',    'www.example.com example.com' ],
        [ 'www-third',    'int-a', 'backup-3',    'www.example.com example.com' ],
        [ 'www-unpinned', 'int-b', 'unpinned',    'www.example.com example.com' ],   # nobody pins this key or its CA
        [ 'www-by-b',     'int-b', 'www',         'www.example.com example.com' ],   # the same key by the other CA
        [ 'both',         'int-a', 'both',        'www.example.com other.example.com' ],
        [ 'other',        'int-b', 'other',       'other.example.com' ],
        [ 'wildcard',     'int-a', 'wildcard',    '*.example.com' ],
        [ 'expired',      'int-a', 'expired',     'www.example.com' ],
        [ 'local',        'int-a', 'local',       'localhost' ],   # for a client that cannot be told where a name is
        [ 'local-renewed',  'int-a', 'backup-1',  'localhost' ],
        [ 'local-third',    'int-a', 'backup-3',  'localhost' ],
        [ 'local-unpinned', 'int-b', 'unpinned',  'localhost' ],
        [ 'self-signed',  'self-signed', 'self-signed', 'www.example.com' ],
    );
}

sub backups { return qw(backup-1 backup-2 backup-3 backup-rsa backup-ed25519) }

# Chain files beside the plain leaf + intermediate: name, then the certificates in file order.
sub chains {
    return (
        [ 'www-alone',       'www' ],
        [ 'www-with-root',   'www', 'int-a', 'root-a' ],
        [ 'www-odd-order',   'www', 'root-a', 'int-a' ],
        [ 'www-superfluous', 'www', 'int-a', 'int-b' ],
    );
}

sub roots { return qw(root-a root-b self-signed) }

# The recipe is in these files: a change of it makes another PKI, in a directory of its own.
sub recipe { return (__FILE__) }

my $days_left_at_least = 30;
my %made;    # one of each class

sub new {
    my ($class) = @_;
    return $made{$class} //= $class->look_up;
}

sub look_up {
    my ($class) = @_;
    my $self = bless { dir => build_dir() . '/t-pki', pins => {} }, $class;

    need_tools('openssl');
    make_path($self->{dir});
    open my $lock, '>', "$self->{dir}/lock" or die "$self->{dir}/lock: $!\n";
    flock $lock, LOCK_EX or die "flock: $!\n";
    # A test that wants root may be the first: the others are whoever has the build tree.
    my @owner = (stat build_dir())[ 4, 5 ];
    my @chown = $> == 0 && $owner[0] != 0 ? ('chown', '-R', join(':', @owner)) : ('true');
    output_of(@chown, $self->{dir});

    my $recipe = substr sha256_hex(map { read_text($_) } $self->recipe), 0, 12;
    my $made = "$self->{dir}/$recipe";
    if (!still_valid($made)) {
        remove_tree($made, "$made.new");
        make_path(map { "$made.new/$_" } qw(certs chains keys csr public));
        $self->{dir} = "$made.new";
        $self->make_all;
        output_of(@chown, "$made.new");
        rename "$made.new", $made or die "rename: $!\n";
    }
    $self->{dir} = $made;
    return $self;
}

sub dir { return $_[0]{dir} }

sub common_name {
    my ($self, $name) = @_;
    my ($authority) = grep { $_->[0] eq $name } $self->authorities;

    return $authority->[1] if $authority;
    my ($leaf) = grep { $_->[0] eq $name } $self->leaves or die "no certificate $name\n";
    return (split ' ', $leaf->[3])[0];
}

# The name of the private key that goes with a chain file.
sub key_name {
    my ($self, $chain) = @_;
    my ($file) = grep { $_->[0] eq $chain } $self->chains;
    my $name = $file ? $file->[1] : $chain;

    my ($leaf) = grep { $_->[0] eq $name } $self->leaves or die "no leaf $name\n";
    return $leaf->[2];
}

sub certificates {
    my ($self, @names) = @_;
    return join '', map { read_text("$self->{dir}/certs/$_.pem") } @names;
}

# RFC 7469, appendix A, word for word. Never by the code under test.
sub pin {
    my ($self, $name) = @_;
    my $dir = $self->{dir};

    return $self->{pins}{$name} //= do {
        my $public = -e "$dir/certs/$name.pem" ? "openssl x509 -noout -pubkey -in $dir/certs/$name.pem"
            : "openssl pkey -pubout -in $dir/keys/$name.pem";
        my $pin = output_of('sh', '-c', "$public | openssl pkey -pubin -outform der"
            . ' | openssl dgst -sha256 -binary | openssl enc -base64');
        chomp $pin;
        length $pin == 44 or die "$name: openssl made the pin '$pin'\n";
        $pin;
    };
}

sub still_valid {
    my ($made) = @_;
    return 0 unless -e "$made/certs/www.pem";
    return system("openssl x509 -noout -checkend " . $days_left_at_least * 86400
        . " -in $made/certs/www.pem >/dev/null 2>&1") == 0;
}

sub make_all {
    my ($self) = @_;
    my $dir = $self->{dir};
    my $old_mask = umask 022;   # else every test warns of files that others can write

    for my $authority ($self->authorities) {
        my ($name, $common_name, $issuer, $key, $more) = @$authority;
        $key //= $name;
        $self->make_key($key) unless -e "$dir/keys/$key.pem";
        $self->make_certificate($name, $key, $issuer, "/CN=$common_name",
            "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
            . ($more // ''));
    }
    $self->make_backup($_) for $self->backups;
    $self->make_leaf(@$_) for $self->leaves;

    for my $leaf ($self->leaves) {
        my ($name, $issuer) = @$leaf;
        $self->write_chain($name, $name, $issuer eq $name ? () : $issuer);
    }
    $self->write_chain(@$_) for $self->chains;
    write_text("$dir/roots.pem", $self->certificates($self->roots));
    umask $old_mask;
}

sub authority_key {
    my ($self, $name) = @_;
    my ($authority) = grep { $_->[0] eq $name } $self->authorities or die "no authority $name\n";
    return $authority->[3] // $name;
}

sub make_key {
    my ($self, $name) = @_;
    my @kind = $name =~ /rsa/ ? qw(-algorithm RSA -pkeyopt rsa_keygen_bits:2048)
        : $name =~ /ed25519/ ? qw(-algorithm ED25519)
        : qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-256);

    output_of('openssl', 'genpkey', @kind, '-out', "$self->{dir}/keys/$name.pem");
}

sub make_leaf {
    my ($self, $name, $issuer, $key, $hosts) = @_;
    my ($first) = split ' ', $hosts;
    my $names = join ',', map { "DNS:$_" } split ' ', $hosts;

    $self->make_key($key) unless -e "$self->{dir}/keys/$key.pem";
    $self->make_certificate($name, $key, $issuer, "/CN=$first",
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
        . "subjectAltName=$names\n");
}

sub make_certificate {
    my ($self, $name, $key, $issuer, $subject, $extensions) = @_;
    my $dir = $self->{dir};
    my @time = $name =~ /expired$/ ? starting_at('2020-01-01 00:00:00')
        : $name =~ /future$/ ? starting_at('2040-01-01 00:00:00') : ();
    my $days = @time ? 365 : $extensions =~ /CA:TRUE/ ? 3650 : 800;
    my @signer = $issuer eq $name ? ('-signkey', "$dir/keys/$key.pem")
        : ('-CA', "$dir/certs/$issuer.pem", '-CAkey', "$dir/keys/" . $self->authority_key($issuer) . '.pem');

    write_text("$dir/request.ext", $extensions);
    output_of('openssl', 'req', '-new', '-key', "$dir/keys/$key.pem", '-subj', $subject, '-out', "$dir/request.pem");
    output_of(@time, 'openssl', 'x509', '-req', '-in', "$dir/request.pem", @signer, '-days', $days, '-sha256',
        '-set_serial', '0x' . substr(sha256_hex("$name " . time), 0, 16), '-extfile', "$dir/request.ext",
        '-out', "$dir/certs/$name.pem");
    output_of('openssl', 'x509', '-in', "$dir/certs/$name.pem", '-outform', 'der', '-out', "$dir/certs/$name.der");
    unlink "$dir/request.ext", "$dir/request.pem";
}

sub make_backup {
    my ($self, $name) = @_;
    my $dir = $self->{dir};

    $self->make_key($name);
    output_of('openssl', 'req', '-new', '-key', "$dir/keys/$name.pem", '-subj', "/CN=$name", '-out', "$dir/csr/$name.pem");
    output_of('openssl', 'req', '-in', "$dir/csr/$name.pem", '-outform', 'der', '-out', "$dir/csr/$name.der");
    output_of('openssl', 'pkey', '-in', "$dir/keys/$name.pem", '-pubout', '-out', "$dir/public/$name.pem");
    output_of('openssl', 'pkey', '-in', "$dir/keys/$name.pem", '-pubout', '-outform', 'der', '-out', "$dir/public/$name.der");
    return unless $name eq 'backup-rsa';

    # The last byte of a request is in its signature; of an RSA one any value is well-formed.
    my $request = read_text("$dir/csr/$name.der");
    substr($request, -1) = chr(ord(substr $request, -1) ^ 1);
    write_text("$dir/csr/bad-signature.der", $request);
    output_of('openssl', 'req', '-inform', 'der', '-in', "$dir/csr/bad-signature.der", '-out', "$dir/csr/bad-signature.pem");
}

sub write_chain {
    my ($self, $file, @certificates) = @_;
    write_text("$self->{dir}/chains/$file.pem", $self->certificates(@certificates));
}

1;
