# HPKP::Command - run a program with a time limit and say what came of it.
#
#     my $run = run_command([qw(openssl version)], timeout => 5);
#     $run->{exit}       exit status; 255 where a signal or the time limit ended it
#     $run->{signal}     that signal, or 0
#     $run->{timed_out}  true where the time limit ended it
#     $run->{out}, $run->{err}
#
#     my $text = output_of(qw(openssl version));   # dies unless it exits with 0
#     need_file($path, 'run cmake first');          # dies where it is missing: a test never skips
#     need_tools(qw(curl openssl));
#     wait_until(sub { -e $file }, 5) or die;       # polls; false once the seconds are over
#
# Options of run_command: timeout (seconds, 20), stdin (text), env (hash; undef removes), directory.

package HPKP::Command;

use strict;
use warnings;

use Exporter qw(import);
use File::Temp ();
use POSIX ();
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(run_command output_of need_file need_tools wait_until read_text write_text project_root build_dir);

sub run_command {
    my ($command, %option) = @_;
    my $timeout = $option{timeout} || 20;

    # Files rather than pipes: a child that goes on in the background cannot keep us reading.
    my %file = map { $_ => File::Temp->new } qw(in out err);
    print { $file{in} } $option{stdin} // '';
    $file{in}->flush;

    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        eval {
            setpgrp;
            open STDIN, '<', $file{in}->filename or die "stdin: $!";
            open STDOUT, '>', $file{out}->filename or die "stdout: $!";
            open STDERR, '>', $file{err}->filename or die "stderr: $!";
            set_environment($option{env});
            if (defined $option{directory}) { chdir $option{directory} or die "chdir: $!" }
            no warnings 'exec';
            exec { $command->[0] } @$command or die "cannot run $command->[0]: $!\n";
        };
        print STDERR $@;
        POSIX::_exit(127);
    }

    my $deadline = time + $timeout;
    my ($status, $timed_out) = (undef, 0);
    for (my $pause = 0.001; ; $pause = $pause < 0.02 ? $pause * 1.5 : $pause) {
        if (waitpid($pid, POSIX::WNOHANG()) == $pid) { $status = $?; last }
        if (time > $deadline && !$timed_out) {
            $timed_out = 1;
            kill KILL => -$pid, $pid;
        }
        sleep $pause;
    }

    my $signal = $status & 127;
    return {
        command   => "@$command",
        exit      => $signal ? 255 : $status >> 8,
        signal    => $signal,
        timed_out => $timed_out,
        out       => read_text($file{out}->filename),
        err       => read_text($file{err}->filename),
    };
}

sub set_environment {
    my ($environment) = @_;

    for my $name (keys %{ $environment || {} }) {
        if (defined $environment->{$name}) { $ENV{$name} = $environment->{$name} }
        else                               { delete $ENV{$name} }
    }
}

sub output_of {
    my (@command) = @_;
    my $run = run_command(\@command, timeout => 60);

    die "$run->{command}: exit $run->{exit}\n$run->{err}$run->{out}" if $run->{exit} != 0;
    return $run->{out};
}

sub need_file {
    my ($path, $hint) = @_;
    die "$path is missing" . ($hint ? ": $hint" : '') . "\n" unless -e $path;
    return $path;
}

sub need_tools {
    for my $tool (@_) {
        next if grep { -x "$_/$tool" } split /:/, $ENV{PATH};
        die "the program $tool is missing: t/run.sh installs it\n";
    }
}

sub wait_until {
    my ($condition, $seconds) = @_;
    my $deadline = time + $seconds;

    while (1) {
        my $value = $condition->();
        return $value if $value;
        return 0 if time > $deadline;
        sleep 0.01;
    }
}

sub read_text {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "cannot read $path: $!\n";
    local $/;
    my $text = <$file>;
    return $text // '';
}

# At once: a server that reads it meanwhile sees the old text or the new one. What is no regular file is written to.
sub write_text {
    my ($path, $text) = @_;
    my $to = -e $path && !-f _ || -l $path ? $path : "$path.new";
    open my $file, '>:raw', $to or die "cannot write $to: $!\n";
    print {$file} $text;
    close $file or die "cannot write $to: $!\n";
    rename $to, $path or die "cannot rename $to: $!\n" if $to ne $path;
    return $path;
}

# The project's root is three levels above this file: t/lib/HPKP.
sub project_root {
    require Cwd;
    require File::Basename;
    return Cwd::abs_path(File::Basename::dirname(__FILE__) . '/../../..');
}

sub build_dir {
    my $directory = $ENV{HPKP_BUILD} || 'build';
    return $directory =~ m{^/} ? $directory : project_root() . "/$directory";
}

1;
