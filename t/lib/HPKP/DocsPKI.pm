# HPKP::DocsPKI - the certificates of the examples in docs/: those of HPKP::CrossPKI under plainer names, and some more.
#
#     my $pki = HPKP::DocsPKI->new;
#     $pki->lay_out($directory);           # the files that the examples name, see files()
#
# Common names are "Example Root A", "Example Intermediate" and so on.

package HPKP::DocsPKI;

use strict;
use warnings;

use parent 'HPKP::CrossPKI';

use File::Basename qw(dirname);
use File::Path qw(make_path);
use HPKP::Command qw(output_of read_text write_text);

my $steps = 9;    # of cross-signs, one above the other: more than the search follows

sub authorities {
    my ($class) = @_;
    my @crossed = $class->SUPER::authorities;
    $_->[1] =~ s/^HPKP Cross /Example / for @crossed;

    # Each is signed by the next, the last one by Root B; the first one signed Root A.
    my @ladder = map { my $above = $_ + 1; [ "step-$_", "Example Step $_", $_ < $steps ? "step-$above" : 'root-b' ] }
        reverse 1 .. $steps;
    return (
        @crossed,
        @ladder,
        [ 'a-by-step-1', 'Example Root A', 'step-1', 'root-a' ],
        # Signed by Root B, with the identifier of another key: OpenSSL does not take Root B for its issuer.
        [ 'int-in-doubt', 'Example Intermediate', 'root-b', 'int', "2.5.29.35=DER:3006800401020304\n" ],
    );
}

sub leaves {
    my $www = 'www.example.com example.com';
    return (
        [ 'www',         'int-by-a', 'www',      $www ],
        [ 'www-renewed', 'int-by-a', 'backup-1', $www ],
        [ 'www-new',     'int-by-a', 'new',      $www ],
        [ 'shop',        'int-b',    'shop',     'shop.example.com' ],
        [ 'expired',     'int-by-a', 'www',      $www ],
    );
}

sub backups { return qw(backup-1 backup-2 backup-3) }

sub chains {
    return (
        [ 'www-alone',    'www' ],
        [ 'www-crossed',  'www', 'int-by-a', 'a-by-b' ],
        [ 'www-extra',    'www', 'int-by-a', 'int-b' ],
        [ 'www-in-doubt', 'www', 'int-by-a', 'int-in-doubt' ],
        [ 'www-old-root', 'www', 'int-by-a', 'int-by-expired-root' ],
        [ 'www-ladder',   'www', 'int-by-a', 'a-by-step-1', map { "step-$_" } 1 .. $steps ],
    );
}

sub recipe { return (__FILE__, $_[0]->SUPER::recipe) }

# No key lies beside the policy: that of a pin that is not served would be a finding.
sub files {
    my ($self) = @_;
    my %file = (
        (map { ("$_.csr" => "csr/$_.pem") } $self->backups),
        (map { ("$_.pem" => "chains/www-$_.pem") } qw(alone crossed extra in-doubt old-root ladder)),
        'www.pem'          => 'chains/www.pem',
        'private/www.key'  => 'keys/www.pem',
        'www.pub'          => 'public/www.pem',
        'expired.pem'      => 'chains/expired.pem',
        'shop.pem'         => 'chains/shop.pem',
        'private/shop.key' => 'keys/shop.pem',
        'intermediate.pem' => 'certs/int-by-a.pem',
        'other-ca.pem'     => 'certs/int-b.pem',
        'root-a.pem'       => 'certs/root-a.pem',
        'root-b.pem'       => 'certs/root-b.pem',
        'root-of-old.pem'  => 'certs/root-expired.pem',
        'new/www.pem'      => 'chains/www-new.pem',
        'new/www.key'      => 'keys/new.pem',
        'renewed/www.pem'  => 'chains/www-renewed.pem',
        'renewed/www.key'  => 'keys/backup-1.pem',
    );
    return \%file;
}

sub make_all {
    my ($self) = @_;
    my $dir = $self->{dir};

    $self->SUPER::make_all;
    output_of('openssl', 'pkey', '-in', "$dir/keys/www.pem", '-pubout', '-out', "$dir/public/www.pem");
}

sub lay_out {
    my ($self, $directory) = @_;
    my $files = $self->files;

    for my $name (sort keys %$files) {
        make_path(dirname("$directory/$name"));
        write_text("$directory/$name", read_text("$self->{dir}/$files->{$name}"));
    }
    write_text("$directory/roots.pem", $self->certificates('root-a', 'root-b'));
}

1;
