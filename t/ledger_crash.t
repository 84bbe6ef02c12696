# kill -9 at every system call by which a load changes the ledger: afterwards it can be read, and nothing that could
# have been sent is missing from it.
#
# strace kills the process that makes the call. A load opens entries in one process, before nginx has taken it, and
# settles in another what is sent no more; a third closes all at the end. A call that only reads leaves the same file as
# the call before it.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(ledger_file ledger_tool entries entry_text);
use POSIX qw(mkfifo);

need_tools('strace');
my @calls = qw(openat close fchown fcntl pwrite64 fdatasync fsync unlink ftruncate);
my $policy = 'hpkp_policy pins.yaml;';

sub pins { return policy(pins => [ 'www', @_ ]) }

sub watched {
    my ($server) = @_;
    my $file = ledger_file($server);
    return (qw(strace -f -qq), map { ('-P', $_) } $file, "$file-journal", $file =~ s{/[^/]*$}{}r);
}

# A strace of the running master and the processes that it makes; gives a function that ends it.
sub attached {
    my ($server, @strace) = @_;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        open STDERR, '>', '/dev/null';
        exec qw(setpriv --pdeathsig TERM), watched($server), @strace, '-p', $server->master;
    }
    wait_until(sub { read_text('/proc/' . $server->master . '/status') =~ /^TracerPid:\s+[1-9]/m }, 10)
        or die "strace does not attach\n";
    return sub { kill TERM => $pid; waitpid $pid, 0 };
}

# How often each call comes; the processes of a trace apart, in their order.
sub counted {
    my ($trace) = @_;
    my (%count, @order);
    for (split /\n/, read_text($trace)) {
        my ($pid, $call) = /^(\d+) +(\w+)\(/ or next;
        push @order, $pid if !$count{$pid};
        $count{$pid}{$call}++;
    }
    return map { $count{$_} } @order;
}

# [ call, number ] for each, or each Nth, of the calls that matter.
sub points {
    my ($count, %every) = @_;
    return map { my $call = $_; map { [ $call, $_ ] } grep { ($_ - 1) % ($every{$call} || 1) == 0 } 1 .. $count->{$call} // 0 } @calls;
}

sub states {
    my ($server) = @_;
    my $run = ledger_tool($server, 'show');
    return "unreadable: $run->{err}" if $run->{exit} != 0;
    return map { entry_text($_) . ' ' . $_->{policy}{pins}[1]{name} } entries($server, host => 'www.example.com');
}

# Runs nginx until the call, which nothing of it survives.
sub killed_at {
    my ($server, $point) = @_;
    my $run = run_command([ watched($server), '-o', '/dev/null', '-e', "inject=$point->[0]:signal=KILL:when=$point->[1]",
            $server->command ]);
    return $run->{exit} == 1 && $run->{err} =~ /hpkp: the checks ended by signal 9/ ? '' : "exit $run->{exit}: $run->{err}";
}

# A start of this server, killed at each point; each time with a copy of the ledger of before.
sub kill_starts {
    my ($server, $old, %every) = @_;
    my $file = ledger_file($server);
    my $before = -e $file ? read_text($file) : undef;
    my $trace = $server->file('temp/trace');

    $server->start(before => [ watched($server), '-D', '-o', $trace ]);
    $server->stop;
    my ($load) = counted($trace);

    my @points = points($load, %every);
    my (@lived, @unreadable, @lost);
    for my $point (@points) {
        unlink glob "$file*";
        if (defined $before) { write_text($file, $before); chmod 0600, $file }
        my $why = killed_at($server, $point);
        push @lived, "@$point: $why" if $why;
        my @states = states($server) if -e $file;
        push @unreadable, "@$point: @states" if "@states" =~ /unreadable/;
        push @lost, "@$point: @states" if $old && !grep { $_ eq $old } @states;
    }
    cmp_ok(scalar @points, '>', 20, scalar(@points) . ' points');
    is("@lived", '', 'nginx says that it was killed there, and does not start');
    is("@unreadable", '', 'the ledger can be read');
    is("@lost", '', 'and has what was in it');
    $server->start;
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000, pins => [qw(www backup-2 backup-3)]),
        'the next start is good');
    is((grep { $_ eq 'www.example.com www open backup-2' } states($server)), 1, 'and in the ledger');
    $server->stop;
}

subtest 'the load, killed' => sub {
    my $server = site(pins_yaml => pins('backup-1', 'backup-2'))->start;
    $server->stop;
    $server->write('conf/pins.yaml', pins('backup-2', 'backup-3'));
    kill_starts($server, 'www.example.com www closed backup-1', fcntl => 3, pwrite64 => 2);
};

subtest 'the first load of all, killed' => sub {
    my $server = site(ledger => 'fresh', pins_yaml => pins('backup-2', 'backup-3'));
    kill_starts($server, undef, fcntl => 5, pwrite64 => 8, close => 2);
};

# nginx opens its log files after the load and before it settles: where one is a FIFO, it waits there.
subtest 'after the load, before it is settled' => sub {
    my $server = site(pins_yaml => pins('backup-1', 'backup-2'))->start;
    my $fifo = $server->file('temp/fifo');
    mkfifo($fifo, 0600) or die "mkfifo: $!";
    my $more = "access_log $fifo;\n";
    my $trace = $server->file('temp/trace');

    # Each round sends another policy: the last one's ends.
    my $max_age = 2592000;
    my $settle = sub {
        my (@strace) = @_;
        my @old = $server->workers;
        my %before = map { $_->{id} => $_ } entries($server, host => 'www.example.com');
        $server->write('conf/pins.yaml', policy(enforce => '{max-age: ' . ++$max_age . '}'));
        $server->configure(http => tls_server(extra => "$policy\n$more"));
        kill HUP => $server->master;

        my $new;
        wait_until(sub { ($new) = grep { !$before{ $_->{id} } && $_->{open} } entries($server, host => 'www.example.com') }, 20)
            or die "the load does not come\n" . $server->log;
        my $in_time = "@old" eq join ' ', $server->workers;
        my $detach = attached($server, @strace);
        my $mark = $server->log_mark;
        open my $log, '<', $fifo or die "$fifo: $!";
        $server->wait_for_new_workers(@old);
        $detach->();
        return ($new->{id}, $in_time, $server->log_since($mark), $log);
    };

    my ($id, $in_time) = $settle->('-o', $trace);
    ok($in_time, 'the policy is in the ledger before a worker can send it');
    my ($count) = grep { $_->{pwrite64} } counted($trace);
    my (@early, @wrong, @unsaid, $cut);
    my @points = points($count, fcntl => 6, pwrite64 => 5, close => 3);
    cmp_ok(scalar @points, '>', 10, scalar(@points) . ' points');
    for my $point (@points) {
        my $last = $id;
        ($id, $in_time, my $said) = $settle->('-o', '/dev/null', '-e', "inject=$point->[0]:signal=KILL:when=$point->[1]");
        my %now = map { $_->{id} => $_ } entries($server, host => 'www.example.com');
        push @early, "@$point" if !$in_time;
        # What is sent is open; what was sent is there, ended or not.
        push @wrong, "@$point" if !$now{$id} || !$now{$id}{open} || !$now{$last};
        $cut++ if $now{$last}{open};
        push @unsaid, "@$point: $said" if $now{$last}{open} && $said !~ /hpkp: what is no longer sent stays open in the ledger/;
    }
    is("@early", '', 'never is it sent before');
    is("@wrong", '', 'what is sent is open, and what was sent is not lost');
    is("@unsaid", '', 'nginx says what it could not write');
    cmp_ok($cut, '>', 5, 'which strace saw to');

    # The next load, which is left alone, ends what had to stay open.
    $server->configure(http => tls_server(extra => $policy));
    $server->reload;
    is((grep { $_->{open} } entries($server, host => 'www.example.com')), 1, 'the next load ends them');

    # All of nginx killed in between: never sent, but who knows that?
    $server->write('conf/pins.yaml', pins('backup-1', 'backup-3'));
    $server->configure(http => tls_server(extra => "$policy\n$more"));
    kill HUP => $server->master;
    wait_until(sub { 2 == grep { $_->{open} } entries($server, host => 'www.example.com') }, 20) or die "the load does not come\n";
    $server->crash;
    is((grep { $_->{open} } entries($server, host => 'www.example.com')), 2, 'killed in between, both count as sent');
};

# Its master goes on, and another worker may be serving.
subtest 'a worker that fails before it serves' => sub {
    my $server = site(ledger => 'fresh', main => "working_directory {{prefix}};\n", pins_yaml => pins('backup-1', 'backup-2'));
    # As root it fails while it may still write the ledger.
    my $fails = $> == 0 ? 'setgid' : 'chdir';
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDERR, '>', '/dev/null';
        exec qw(setpriv --pdeathsig TERM strace -f -qq -o /dev/null -e), "inject=$fails:error=EIO", $server->command;
    }
    ok(wait_until(sub { $server->log =~ /exited with fatal code 2/ }, 20), 'it ends at once') or diag($server->log);
    my ($master) = read_text($server->file('nginx.pid')) =~ /(\d+)/;
    kill KILL => $master;
    waitpid $pid, 0;
    is(join(' ', states($server)), 'www.example.com www open backup-1', 'what the load sends stays written');
};

subtest 'the end, killed' => sub {
    my $server = site(pins_yaml => pins('backup-1', 'backup-2'));
    my $trace = $server->file('temp/trace');
    my $end = sub {
        my (@strace) = @_;
        $server->start;
        my $detach = attached($server, @strace);
        kill TERM => $server->master;
        my $ended = $server->wait_for_end;
        $detach->();
        return $ended;
    };
    $end->('-o', $trace);
    my ($count) = grep { $_->{pwrite64} } counted($trace);
    my @points = points($count, fcntl => 7, pwrite64 => 6, close => 3, openat => 2);
    my (@hang, @wrong);
    for my $point (@points) {
        $end->('-o', '/dev/null', '-e', "inject=$point->[0]:signal=KILL:when=$point->[1]") or push @hang, "@$point";
        my @states = states($server);
        push @wrong, "@$point: @states" if grep { !/^www\.example\.com www (?:open|closed) backup-1$/ } @states or !@states;
    }
    cmp_ok(scalar @points, '>', 8, scalar(@points) . ' points');
    is("@hang", '', 'nginx ends all the same');
    is("@wrong", '', 'what was sent is in the ledger');
    $server->start;
    $server->stop;
    is((grep { / open / } states($server)), 0, 'the next end closes it');
};

done_testing;
