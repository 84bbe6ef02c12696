# HPKP::Kill - kill -9, as methods of HPKP::Server.
#
#     $server->crash              all of this nginx; returns once it is gone
#     $server->kill_master        the master alone: gives its workers, which live on and are the caller's to end
#     $server->kill_worker(PID)   one worker; returns once the master has made another

package HPKP::Kill;

use strict;
use warnings;

use Exporter qw(import);
use HPKP::Command qw(wait_until);

our @EXPORT_OK = qw(crash kill_master kill_worker);

# All processes of this nginx are in the master's group.
sub crash {
    my ($self) = @_;
    my @workers = $self->children;

    kill KILL => -$self->{master};
    waitpid $self->{master}, 0;
    wait_until(sub { !grep { -e "/proc/$_/exe" && readlink "/proc/$_/exe" } @workers }, 10) or die "a worker lives on\n";
    $self->forget;
}

sub kill_master {
    my ($self) = @_;
    my @workers = $self->workers;

    kill KILL => $self->{master};
    waitpid $self->{master}, 0;
    $self->forget;
    return @workers;
}

sub kill_worker {
    my ($self, $pid) = @_;
    $self->{kills_workers} = 1;
    kill KILL => $pid;
    wait_until(sub { my @now = $self->workers; @now == $self->{workers} && !grep { $_ == $pid } @now }, 20)
        or die "the master made no new worker\n" . $self->log;
}

1;
