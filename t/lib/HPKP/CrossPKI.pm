# HPKP::CrossPKI - two roots that sign each other's key, and an intermediate under both: chains with several paths.
#
#     my $pki = HPKP::CrossPKI->new;       # as HPKP::PKI, with other tables
#     site(pki => $pki, cert => 'www-both', ...)
#
#        Root A  <- a-by-b, b-by-a ->  Root B
#              \                      /      \
#          int-by-a               int-by-b    int-b
#                 \              /              \
#                   Intermediate             Intermediate B
#                        |                       |
#           www, www-rsa, sub-int, ...        sub, www-by-b
#
# a-by-b is "A by B": the name and key of Root A, signed by Root B. The intermediate has been signed by a root of old
# too, and by one to come. root-a, root-b, int and int-b are keys, and thereby the names of their pins.

package HPKP::CrossPKI;

use strict;
use warnings;

use parent 'HPKP::PKI';

# Of the keys alone, since two certificates of one issuer differ in serial number.
my $by_key = "authorityKeyIdentifier=keyid\n";

sub authorities {
    my ($a, $b, $int) = ('HPKP Cross Root A', 'HPKP Cross Root B', 'HPKP Cross Intermediate');
    return (
        [ 'root-a',           $a,                          'root-a' ],
        [ 'root-b',           $b,                          'root-b' ],
        [ 'a-by-b',           $a,                          'root-b', 'root-a', $by_key ],
        [ 'b-by-a',           $b,                          'root-a', 'root-b', $by_key ],
        [ 'a-by-b-expired',   $a,                          'root-b', 'root-a', $by_key ],
        [ 'int-by-a',         $int,                        'root-a', 'int', $by_key ],
        [ 'int-by-b',         $int,                        'root-b', 'int', $by_key ],
        [ 'int-by-b-limited', $int,                        'root-b', 'int',
            "${by_key}nameConstraints=critical,permitted;DNS:example.net\n" ],
        [ 'int-b',            'HPKP Cross Intermediate B', 'root-b', 'int-b', $by_key ],
        [ 'root-expired',     'HPKP Cross Root of Old',    'root-expired' ],
        [ 'int-by-expired-root', $int,                     'root-expired', 'int', $by_key ],
        [ 'root-future',      'HPKP Cross Root to Come',   'root-future' ],
        [ 'int-future',       $int,                        'root-future', 'int', $by_key ],
    );
}

sub leaves {
    return (
        [ 'www',         'int-by-a', 'www',      'www.example.com example.com' ],
        [ 'www-rsa',     'int-by-a', 'www-rsa',  'www.example.com example.com' ],
        [ 'www-renewed', 'int-by-a', 'backup-1', 'www.example.com example.com' ],
        [ 'www-by-b',    'int-b',    'www',      'www.example.com example.com' ],
        [ 'sub',         'int-b',    'sub',      'sub.example.com' ],
        [ 'sub-int',     'int-by-a', 'sub',      'sub.example.com' ],
        [ 'expired',     'int-by-a', 'expired',  'www.example.com example.com' ],
        [ 'future',      'int-future', 'future', 'www.example.com example.com' ],
        [ 'local',       'int-by-a', 'local',    'localhost' ],
    );
}

sub backups { return qw(backup-1 backup-2) }

sub chains {
    return (
        [ 'www-alone',           'www' ],
        [ 'www-under-b',         'www',         'int-by-b' ],
        [ 'www-both',            'www',         'int-by-a', 'int-by-b' ],
        [ 'www-crossed',         'www',         'int-by-a', 'a-by-b' ],
        [ 'www-mesh',            'www',         'b-by-a', 'int-by-b', 'a-by-b', 'int-by-a' ],   # in no order
        [ 'www-rsa-both',        'www-rsa',     'int-by-a', 'int-by-b' ],
        [ 'www-renewed-crossed', 'www-renewed', 'int-by-a', 'a-by-b' ],
        [ 'www-expired-cross',   'www',         'int-by-a', 'a-by-b-expired' ],
        [ 'www-limited',         'www',         'int-by-a', 'int-by-b-limited' ],
        [ 'www-only-limited',    'www',         'int-by-b-limited' ],
        [ 'www-old-root',        'www',         'int-by-a', 'int-by-expired-root' ],
        [ 'sub-both',            'sub-int',     'int-by-a', 'int-by-b' ],
        [ 'local-crossed',       'local',       'int-by-a', 'a-by-b' ],
    );
}

sub roots { return qw(root-a root-b) }

sub recipe { return (__FILE__, $_[0]->SUPER::recipe) }

1;
