# HPKP::Log - what a server said. These are methods of HPKP::Server.
#
#     $server->log, $server->stderr          # all of it
#     my $mark = $server->log_mark;
#     $server->log_since($mark)              # the log's new text
#     $server->no_alerts                     # one test: no [alert], [crit], signal or sanitizer report in either

package HPKP::Log;

use strict;
use warnings;

use Exporter qw(import);
use HPKP::Command qw(read_text);
use Test::Builder;

our @EXPORT_OK = qw(stderr log log_mark log_since no_alerts);

sub stderr { return text_of($_[0]->file('logs/stderr')) }
sub log    { return text_of($_[0]->file('logs/error.log')) }

sub log_mark  { return length $_[0]->log }
sub log_since { return substr $_[0]->log, $_[1] }

sub text_of {
    my ($path) = @_;
    return -e $path ? read_text($path) : '';
}

sub no_alerts {
    my ($self, $name) = @_;
    my $bad = qr/\[alert\]|\[crit\]|exited on signal|AddressSanitizer|LeakSanitizer|runtime error:/;
    my @lines = grep { /$bad/ } split /\n/, $self->log . $self->stderr;
    my $builder = Test::Builder->new;

    # A worker that the test itself killed is not news.
    @lines = grep { !/exited on signal 9/ } @lines if $self->{kills_workers};
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $builder->ok(!@lines, $name || 'no alert in the log') or $builder->diag(join "\n", @lines);
}

1;
