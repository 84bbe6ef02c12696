# HPKP::Clock - what time it is for a server, as the test says.
#
#     my $server = HPKP::Server->new(clock => '2026-11-24 22:00:00', ...);     # UTC; nginx takes it to be that time,
#     $server->set_clock('2026-12-24 22:00:00');       # and now this, at once, running or not. It stands still,
#     $server->set_clock('@2026-12-24 22:00:00 x60');  # or goes on from there, a minute a second
#     run_command([ $server->by_its_clock, 'wget2', ... ])                     # another program by that clock
#
#     output_of(HPKP::Clock::starting_at('2020-01-01 00:00:00'), qw(openssl x509 ...))    # one that has no server
#
# libfaketime reads the time from a file whenever somebody asks for it. Time limits are kept: they go by another clock.
# Who has no clock of his own lives by the machine's.
#
# Every process with that library leaves two files in /dev/shm that carry its pid, unless it ends of its own will; a later
# process with that pid complains of them or does not start. So they are swept up behind the dead.

package HPKP::Clock;

use strict;
use warnings;

use Exporter qw(import);
use HPKP::Command qw(need_file write_text);

our @EXPORT_OK = qw(set_clock by_its_clock starting_at);

sub set_clock {
    my ($self, $text) = @_;

    sweep();
    $self->{clock} = $self->file('temp/clock');
    # In one step: a worker may read it at any moment.
    write_text("$self->{clock}.new", "$text\n");
    rename "$self->{clock}.new", $self->{clock} or die "rename: $!\n";
}

# What goes in front of a command that shall live by the server's clock; nothing if it has none.
sub by_its_clock {
    my ($self, @preload) = @_;
    # A sanitizer in front of faketime hangs; behind it, it must be told that this is meant.
    my @libraries = grep { length } $self->{clock} ? faketime_library() : (), @preload;
    my @clock = $self->{clock} ? ("FAKETIME_TIMESTAMP_FILE=$self->{clock}", qw(FAKETIME_NO_CACHE=1 TZ=UTC
        FAKETIME_DONT_FAKE_MONOTONIC=1), 'ASAN_OPTIONS=' . ($ENV{ASAN_OPTIONS} // '') . ':verify_asan_link_order=0') : ();

    return @libraries ? ('env', 'LD_PRELOAD=' . join(':', @libraries), @clock) : ();
}

sub starting_at {
    my ($text) = @_;
    sweep();
    return ('env', 'LD_PRELOAD=' . faketime_library(), "FAKETIME=\@$text", 'TZ=UTC');
}

# By its place: the program faketime, which could tell, is itself stopped by such a file.
sub faketime_library {
    my ($found) = glob '/usr/lib/*/faketime/libfaketime.so.1';
    return need_file($found // 'libfaketime.so.1', 't/run.sh installs it (package libfaketime)');
}

sub sweep {
    for my $file (glob '/dev/shm/faketime_shm_* /dev/shm/sem.faketime_sem_*') {
        my ($pid) = $file =~ /(\d+)$/;
        unlink $file unless -d "/proc/$pid";
    }
}

END { sweep() }

1;
