# HPKP::Faults - memory that runs out inside the module, by t/tools/memory_fault.c, which says what is counted.
#
#     my $run = failing($server, at => 7);        # nginx -t of which the 7th allocation of the module fails. Options:
#                                                 # on => 1: and all later ones; below => 1: those of the libraries that
#                                                 # it calls, too; pages => N: shared memory ends after so many
#     $run->{exit}, $run->{err}                   # as of test_config
#     $run->{seen}, $run->{failed}                # how far a process came in counting; how many allocations failed
#     my $counts = with_faults(sub { my ($strike) = @_; ... }, %option)    # the same for all of nginx that the code starts
#     my ($failed, $left) = $strike->(3)          # the third from now fails, in whatever process; 0: none. Returns what
#                                                 # came of the last call: how many failed, how many were to come before
#     points($seen, first => 40, rest => 15)      # which of so many to try: the first ones and some of the rest; all of
#                                                 # them where HPKP_ALL_FAULTS is set
#     my $taken = reload_either($server)          # kill -HUP; returns when that is over: were there new workers?
#
# Memory faults are not for a sanitizer, whose own malloc cannot be stood in front of.

package HPKP::Faults;

use strict;
use warnings;

use Exporter qw(import);
use File::Temp ();
use HPKP::Command qw(output_of need_tools project_root read_text wait_until);

our @EXPORT_OK = qw(failing with_faults points reload_either);

my ($library, $directory);

sub library {
    return $library //= do {
        need_tools('cc');
        $directory = File::Temp->newdir('hpkp-t-faults-XXXXXX', TMPDIR => 1);
        output_of(qw(cc -Wall -Wextra -Werror -O1 -fPIC -shared), project_root() . '/t/tools/memory_fault.c',
            '-o', "$directory/memory_fault.so", '-ldl');
        "$directory/memory_fault.so";
    };
}

sub with_faults {
    my ($code, %option) = @_;
    my $state = File::Temp->new;
    local $ENV{HPKP_PRELOAD} = library();
    local $ENV{MEMORY_FAULT_OBJECT} = 'ngx_http_hpkp_module.so';
    local $ENV{MEMORY_FAULT_STATE} = $state->filename;
    local @ENV{ map { 'MEMORY_FAULT_' . uc } keys %option } = values %option;

    # Nobody is to find a file that is not his.
    chmod 0666, $state->filename;
    $code->(sub {
        my ($next) = @_;
        open my $file, '+<:raw', $state->filename or die "state: $!\n";
        my (undef, $failed, $left) = unpack 'QQQ', read_text($state->filename);
        seek $file, 8, 0;
        print {$file} pack 'QQ', 0, $next;
        close $file or die "state: $!\n";
        return ($failed, $left);
    });
    my ($seen, $failed) = unpack 'QQ', read_text($state->filename);
    return { seen => $seen // 0, failed => $failed // 0 };
}

sub failing {
    my ($server, %option) = @_;
    my $run;
    my $counts = with_faults(sub { $run = $server->test_config(timeout => 60) }, %option);
    return { %$run, %$counts };
}

sub points {
    my ($seen, %option) = @_;
    return 1 .. $seen if $ENV{HPKP_ALL_FAULTS};

    # An odd step, so that it does not keep time with some loop.
    my ($first, $rest) = @option{qw(first rest)};
    my $step = int(($seen - $first) / $rest) | 1;
    return grep { $_ <= $first || ($_ - $first) % $step == 0 } 1 .. $seen;
}

# nginx itself has no word for a load that failed. But it comes to the next signal only when it is done with this one.
sub reload_either {
    my ($server) = @_;
    my ($master, @old) = ($server->master, $server->workers);
    my $file = $server->file('logs/error.log');
    my ($mark, $polls, $said) = (-s $file, 0);

    kill HUP => $master;
    wait_until(sub {
        kill USR1 => $master if $polls++ % 4 == 3;    # the workers answer it, too
        ($said) = text_from($file, $mark) =~ /\] $master#\d+: reconfiguring$(.*)\] $master#\d+: reopening logs$/ms;
        return defined $said;
    }, 30) or die "the reload does not end\n" . text_from($file, $mark);
    return 0 if $said !~ /: start worker processes$/m;
    $server->wait_for_new_workers(@old);
    return 1;
}

# After a thousand reloads the log is long.
sub text_from {
    my ($path, $offset) = @_;
    open my $file, '<:raw', $path or die "$path: $!\n";
    seek $file, $offset, 0;
    local $/;
    return <$file> // '';
}

1;
