# HPKP::Clock - what time it is for a server, as the test says.
#
#     my $server = HPKP::Server->new(clock => '2026-11-24 22:00:00', ...);     # UTC; nginx takes it to be that time,
#     $server->set_clock('2026-12-24 22:00:00');       # and now this, at once, running or not. It stands still,
#     $server->set_clock('@2026-12-24 22:00:00 x60');  # or goes on from there, a minute a second
#     run_command([ $server->by_its_clock, 'wget2', ... ])                     # another program by that clock
#
# libfaketime reads the time from a file whenever somebody asks for it. Time limits are kept: they go by another clock.
# Who has no clock of his own lives by the machine's.

package HPKP::Clock;

use strict;
use warnings;

use Exporter qw(import);
use HPKP::Command qw(output_of need_tools write_text);

our @EXPORT_OK = qw(set_clock by_its_clock);

sub set_clock {
    my ($self, $text) = @_;

    need_tools('faketime');
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

my $faketime_library;

sub faketime_library {
    return $faketime_library //= output_of(qw(faketime -f +0 sh -c), 'printf %s "$LD_PRELOAD"');
}

1;
