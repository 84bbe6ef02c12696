# HPKP::Transcript - what a command printed, against what a page shows of it.
#
#     steady($text)               # without what is another each time: pins, times, ids of the ledger, how wide columns are
#     $got =~ pattern($shown)     # both steady; a line "..." in what is shown is any lines

package HPKP::Transcript;

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(steady pattern);

sub steady {
    my ($text) = @_;
    for ($text) {
        s{[A-Za-z0-9+/]{43}=}{PIN}g;
        s/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/TIME/g;
        s/\b[0-9a-f]{16}\b/ID/g;
        s/\r$//mg;
        s/[ \t]+/ /g;
    }
    return $text;
}

sub pattern {
    my ($shown) = @_;
    my $pattern = join '', map { $_ eq "...\n" ? '(?:.*\n)*?' : quotemeta } $shown =~ /(.*\n)/g;
    return qr/\A$pattern\z/;
}

1;
