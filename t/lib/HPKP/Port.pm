# HPKP::Port - free ports of 127.0.0.1 that stay ours.
#
#     my $port = free_port();
#
# They lie below the ephemeral range, and each is held by a lock for as long as the test runs: safe under prove -j.

package HPKP::Port;

use strict;
use warnings;

use Exporter qw(import);
use Fcntl qw(:flock);
use File::Path qw(make_path);
use File::Spec;
use IO::Socket::INET;

our @EXPORT_OK = qw(free_port);

my @held;

sub free_port {
    my $directory = File::Spec->tmpdir . "/hpkp-test-ports-$<";
    make_path($directory);

    for (1 .. 500) {
        my $port = 20000 + int rand 12000;
        open my $lock, '>', "$directory/$port" or die "$directory/$port: $!\n";
        next unless flock $lock, LOCK_EX | LOCK_NB;
        IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1, ReuseAddr => 1) or next;
        push @held, $lock;
        return $port;
    }
    die "no free port\n";
}

1;
