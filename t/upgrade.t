# A binary upgrade: two masters send at once. The old one's end closes nothing that the new one sends, a load closes
# nothing that the old one may still send, and the next ordinary load does.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(ledger_file entries entry_text);

my $policy = 'hpkp_policy pins.yaml;';

sub configuration { return tls_server(extra => $policy) }
sub states {
    return join ', ', sort map { "$_->{policy}{pins}[1]{name} " . ($_->{open} ? 'open' : 'closed') } entries($_[0], host => 'www.example.com');
}
sub pins { return policy(pins => [ 'www', @_ ]) }
sub pid_in { return -e $_[0] ? read_text($_[0]) =~ /(\d+)/ && $1 : 0 }

# The master starts another from the same file; both run. Gives the new one's pid.
sub upgraded {
    my ($server) = @_;
    my $old = $server->master;
    my $file = $server->file('nginx.pid');

    kill USR2 => $old;
    wait_until(sub { -e "$file.oldbin" && pid_in($file) && pid_in($file) != $old && HPKP::Server::title(pid_in($file)) =~ /^nginx: master/
            && children_of(pid_in($file)) }, 20) or die "no new master\n" . $server->log;
    return pid_in($file);
}

sub children_of {
    my ($pid) = @_;
    open my $list, '<', "/proc/$pid/task/$pid/children" or return;
    return grep { HPKP::Server::title($_) =~ /^nginx: worker process$/ } split ' ', <$list> // '';
}

# The new master is not our child: it is killed with its group, the old one's.
sub reloaded {
    my ($server, $pid) = @_;
    my %old = map { $_ => 1 } children_of($pid);
    kill HUP => $pid;
    wait_until(sub { my @now = children_of($pid); @now && !grep { $old{$_} } @now }, 20) or die "no reload\n" . $server->log;
}

# nginx takes a master whose parent is the one of its start for one that is being upgraded, so this one's parent must go.
# All that comes of it is in one process group, which a guardian ends if the test does not.
my @groups;
END { my $status = $?; kill TERM => map { -$_ } @groups; $? = $status }

sub upgrade_site {
    my $server = site(pins_yaml => pins('backup-1', 'backup-2'));
    # A master without "daemon on" does not hear WINCH.
    $server->write('conf/nginx.conf', read_text($server->file('conf/nginx.conf')) =~ s/daemon off;/daemon on;/r);
    my $guardian = 'while kill -0 $1 && [ $n -lt 200 ]; do sleep 1; n=$((n + 1)); done; kill -TERM -- -$2';
    my $run = run_command([ 'sh', '-c', 'pid=$1; shift; setsid "$@" >>"$0" 2>&1 </dev/null & while [ ! -s "$pid" ]; do sleep 0.05; done',
            $server->file('logs/stderr'), $server->file('nginx.pid'), $server->command ]);
    is($run->{exit}, 0, 'started');
    wait_until(sub { my $pid = pid_in($server->file('nginx.pid')); $pid && children_of($pid) }, 20) or die "no start\n" . $server->log;

    my $pid = pid_in($server->file('nginx.pid'));
    push @groups, $pid;
    run_command([ 'sh', '-c', "n=0; ($guardian) >/dev/null 2>&1 &", 'guardian', $$, $pid ]);
    $server->{master} = $pid;
    return $server;
}

sub has_ended {
    my ($pid) = @_;
    return wait_until(sub { !-e "/proc/$pid" || read_text("/proc/$pid/stat") =~ /\) Z / }, 20);
}

subtest 'the new one stays' => sub {
    my $server = upgrade_site();
    my $old = $server->master;
    $server->write('conf/pins.yaml', pins('backup-2', 'backup-3'));
    my $new = upgraded($server);
    is(states($server), 'backup-1 open, backup-2 open', 'both send');

    # nginx's own order: WINCH, then QUIT to the old one.
    kill WINCH => $old;
    ok(wait_until(sub { !children_of($old) }, 20), 'the old one\'s workers go');
    kill QUIT => $old;
    ok(has_ended($old), 'the old one ends');
    is(states($server), 'backup-1 open, backup-2 open', 'and closes nothing: it was never told what the new one sends');
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000, pins => [qw(www backup-2 backup-3)]), 'the new one serves');

    reloaded($server, $new);
    is(states($server), 'backup-1 closed, backup-2 open', 'its next load closes what the old one sent');
    kill QUIT => $new;
    ok(has_ended($new), 'it ends');
    is(states($server), 'backup-1 closed, backup-2 closed', 'and closes its own');
    $server->no_alerts;
};

subtest 'a roll-back, in nginx\'s own order' => sub {
    my $server = upgrade_site();
    my $old = $server->master;
    $server->write('conf/pins.yaml', pins('backup-2', 'backup-3'));
    my $new = upgraded($server);
    kill WINCH => $old;
    ok(wait_until(sub { !children_of($old) }, 20), 'the old one\'s workers go');
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000, pins => [qw(www backup-2 backup-3)]), 'the new one serves');

    # HUP makes workers again, without a load.
    kill HUP => $old;
    ok(wait_until(sub { children_of($old) }, 20), 'they are back');
    kill QUIT => $new;
    ok(has_ended($new), 'the new one ends');
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000), 'the old one serves as before');
    is(states($server), 'backup-1 open, backup-2 open', 'nothing of it is closed');

    ok(wait_until(sub { !-e $server->file('nginx.pid.oldbin') }, 20), 'it is the only one');
    $server->write('conf/pins.yaml', pins('backup-1', 'backup-2'));
    reloaded($server, $old);
    is(states($server), 'backup-1 open, backup-2 closed', 'the next load closes what the new one sent');
    kill QUIT => $old;
    ok(has_ended($old), 'it ends');
    is(states($server), 'backup-1 closed, backup-2 closed', 'and closes its own');
    $server->no_alerts;
};

subtest 'the new one goes' => sub {
    my $server = upgrade_site();
    $server->write('conf/pins.yaml', pins('backup-2', 'backup-3'));
    my $new = upgraded($server);

    # While both run the new one closes nothing, by a load neither.
    $server->write('conf/pins.yaml', pins('backup-3', 'backup-rsa'));
    reloaded($server, $new);
    is(states($server), 'backup-1 open, backup-2 open, backup-3 open', 'a load of the new one closes nothing');

    kill QUIT => $new;
    ok(has_ended($new), 'the new one ends');
    is(states($server), 'backup-1 open, backup-2 open, backup-3 open', 'nor does its end');
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000), 'the old one serves on');

    # The ordinary life of the old one goes on.
    $server->write('conf/pins.yaml', pins('backup-1', 'backup-2'));
    ok(wait_until(sub { !-e $server->file('nginx.pid.oldbin') }, 20), 'it has its pid file again');
    $server->reload;
    is(states($server), 'backup-1 open, backup-2 closed, backup-3 closed', 'its next load closes the rest');
    kill QUIT => $server->master;
    ok(has_ended($server->master), 'it ends');
    is(states($server), 'backup-1 closed, backup-2 closed, backup-3 closed', 'and closes all');
    $server->no_alerts;
};

subtest 'refused' => sub {
    my $server = upgrade_site();
    my $old = $server->master;
    $server->configure(http => tls_server(cert => 'www-unpinned'));
    my $mark = $server->log_mark;
    kill USR2 => $old;
    ok(wait_until(sub { $server->log_since($mark) =~ /hpkp: locks-out-clients: / && $server->log_since($mark) =~ /configuration refused/ }, 20),
        'the new master obeys the ledger');
    ok(wait_until(sub { !-e $server->file('nginx.pid.oldbin') }, 20), 'and is gone');
    is(states($server), 'backup-1 open', 'nothing has changed');
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000), 'the old one serves on');
    kill QUIT => $old;
    ok(has_ended($old), 'it ends');
};

done_testing;
