# A ledger that cannot be written or read: a load that would send something new is refused, with the path, the reason
# and a remedy, and a running nginx goes on; one that would not comes up, with a warning.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(ledger_file ledger_tool entries entry_text time_text day);

become_root();    # it mounts small file systems
need_tools(qw(mount umount strace));
my $policy = 'hpkp_policy pins.yaml;';
my (@mounted, @servers);    # a directory cannot go before what is mounted there
END { my $status = $?; system('umount', '-l', $_) for @mounted; $? = $status }

sub new_pins { return policy(pins => [qw(www backup-2 backup-3)]) }
sub states { return join ', ', map { entry_text($_) } entries($_[0], host => 'www.example.com') }

# The ledger's directory on a file system of its own.
sub mounted {
    my ($server) = @_;
    my $directory = ledger_file($server) =~ s{/[^/]*$}{}r;
    my $before = -e ledger_file($server) ? read_text(ledger_file($server)) : undef;
    my $run = run_command([ qw(mount -t tmpfs -o size=256k tmpfs), $directory ]);

    $run->{exit} == 0 or die "this test needs to mount a small tmpfs: $run->{err}\n";
    push @mounted, $directory;
    push @servers, $server;
    if (defined $before) { write_text(ledger_file($server), $before); chmod 0600, ledger_file($server) }
    return $directory;
}

sub unmounted {
    my ($directory) = @_;
    output_of('umount', $directory);
    @mounted = grep { $_ ne $directory } @mounted;
}

# To the last byte.
sub fill { my ($directory) = @_; run_command([ 'sh', '-c', "dd if=/dev/zero of=$directory/full bs=1k; dd if=/dev/zero of=$directory/full2 bs=1" ]) }
sub clear { unlink map { "$_[0]/$_" } qw(full full2) }

sub read_only { output_of('mount', '-o', 'remount,ro', $_[0]) }
sub writable  { output_of('mount', '-o', 'remount,rw', $_[0]) }

# Refused where something new would be sent: by a reload, while the old goes on; and by a start.
sub check_new_is_refused {
    my ($server, $id, $says, $name) = @_;
    my ($header) = values_of(fetch($server, '/'), 'Public-Key-Pins');
    my $file = ledger_file($server);
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $server->write('conf/pins.yaml', new_pins());
    my $text = $server->hup_refused;
    has_finding($text, $id, 'error', says => qr/\Q$file\E.*$says/s, name => "$name: a reload is refused");
    one_header(fetch($server, '/'), $header, "$name: the old policy is sent");

    # What is sent already may go on, through another start too: a machine must come up again.
    $server->write('conf/pins.yaml', policy());
    $server->hup;
    one_header(fetch($server, '/'), $header, "$name: the same policy again is taken");
    $server->crash;
    $server->start;
    one_header(fetch($server, '/'), $header, "$name: so is a start after a crash");

    # A load that ends something, and cannot say so: it stays open, as if sent.
    my $mark = $server->log_mark;
    $server->configure(http => tls_server());
    $server->hup;
    has_finding($server->log_since($mark), $id, 'warning', says => qr/\Q$file\E.*$says/s, name => "$name: without the policy, a warning");
    no_header(fetch($server, '/'), "$name: it is sent no more");
    is(states($server), 'www.example.com www open', "$name: the ledger takes it to be sent still");
    $server->configure(http => tls_server(cert => 'www-unpinned'));
    has_finding($server->hup_refused, 'locks-out-clients', 'error', name => "$name: and is obeyed");
    $server->crash;
    $server->configure(http => tls_server(extra => $policy));

    $server->write('conf/pins.yaml', new_pins());
    has_finding($server->start_refused, $id, 'error', says => qr/\Q$file\E.*$says/s, name => "$name: a start with another is refused");
    $server->write('conf/pins.yaml', policy());
}

# Nothing is lost by all that, and all is well when the cause is gone.
sub check_mended {
    my ($server, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is(states($server), 'www.example.com www open', "$name: nothing is lost");
    $server->write('conf/pins.yaml', new_pins());
    $server->start;
    unlike($server->log_since(0) =~ s/.*start worker processes//sr, qr/ledger/, "$name: mended, not a word");
    is(states($server), 'www.example.com www closed, www.example.com www open', "$name: mended, it is recorded");
    $server->stop;
}

subtest 'a full disk' => sub {
    my $server = site();
    my $directory = mounted($server);
    $server->start;
    fill($directory);
    check_new_is_refused($server, 'ledger-unwritable', qr/full.*\n.*free space/s, 'full');
    clear($directory);
    check_mended($server, 'full');
    unmounted($directory);

    # The first ledger of all.
    $server = site(ledger => 'fresh');
    $directory = mounted($server);
    fill($directory);
    has_finding($server->start_refused, 'ledger-unwritable', 'error', name => 'no room for a ledger');
    clear($directory);
    $server->start;
    is(states($server), 'www.example.com www open', 'with room there is one');
    $server->stop;
    $server->no_alerts;
    unmounted($directory);
};

subtest 'a file system that is read-only' => sub {
    my $server = site();
    my $directory = mounted($server);
    $server->start;
    read_only($directory);
    $server->write('conf/pins.yaml', new_pins());
    has_finding($server->test_config, 'ledger-unwritable', 'error', name => 'nginx -t says so beforehand');
    check_new_is_refused($server, 'ledger-unwritable', qr/read-?only|cannot be written/i, 'read-only');

    # The rule holds.
    $server->configure(http => tls_server(cert => 'www-unpinned'));
    has_finding($server->test_config, 'locks-out-clients', 'error', name => 'the ledger is obeyed');
    $server->configure(http => tls_server(extra => $policy));
    writable($directory);
    check_mended($server, 'read-only');

    # A crash left a journal that must be rolled back first, and cannot be here.
    $server->write('conf/pins.yaml', policy());
    my $run = run_command([ qw(strace -f -qq -o /dev/null -P), ledger_file($server) . '-journal', qw(-e inject=unlink:signal=KILL:when=1),
            $server->command ]);
    isnt($run->{exit}, 0, 'a load is killed');
    ok(-s ledger_file($server) . '-journal', 'and leaves a journal');
    read_only($directory);
    $server->configure(http => tls_server(cert => 'www-unpinned'));
    has_finding($server->test_config(env => { TMPDIR => $server->file('temp') }), 'locks-out-clients', 'error', says => qr/backup-3/,
        name => 'it is rolled back in a copy');
    is_deeply([ glob $server->file('temp/hpkp-ledger-*') ], [], 'which is gone');
    like(ledger_tool($server, 'show')->{out}, qr/www\.example\.com/, 'hpkp ledger show reads it too');
    writable($directory);
    has_finding($server->test_config, 'locks-out-clients', 'error', name => 'and else in its place, by nginx -t too');
    unmounted($directory);

    $server = site(ledger => 'fresh');
    $directory = mounted($server);
    read_only($directory);
    has_finding($server->test_config, 'ledger-unwritable', 'error', name => 'nginx -t: no ledger can be made');
    has_finding($server->start_refused, 'ledger-unwritable', 'error', says => qr/read-only/i, name => 'nor by a start');
    unmounted($directory);
};

# A load goes on with what is open, and sends a ramp's last value, for good, by a clock that is ahead.
subtest 'a file system that is read-only, and a clock that is ahead' => sub {
    my ($day, $week) = (86400, 7 * 86400);
    my $ramp = "{max-age: {ramp: [{for: 1h, value: 5m}, {for: 1d, value: 1h}, {value: $week}]}}";
    my $server = site(clock => day(0), pins_yaml => policy(enforce => $ramp));
    my $directory = mounted($server);
    $server->start;
    read_only($directory);
    $server->set_clock(day(10));
    $server->hup;
    one_header(fetch($server, '/'), pins_header($server, max_age => $week), 'the last value');
    writable($directory);
    $server->set_clock(day(0, 60));
    $server->configure(http => tls_server());
    $server->hup;
    is(time_text((entries($server, host => 'www.example.com'))[0]{'held-until'}), day(0, 60 + 300 + $week), 'the next load is told');
    $server->stop;
    unmounted($directory);
};

subtest 'no permission' => sub {
    # Root may write everything, so nginx -t is somebody else's.
    my $server = site();
    chmod 0755, $server->file('ledger');
    my $pki = $server->pki->dir;
    write_text($server->file("conf/$_->[0]"), read_text("$pki/$_->[1]")) for [ 'c.pem', 'chains/www.pem' ], [ 'k.pem', 'keys/www.pem' ];
    write_text($server->file('module.so'), read_text($server->{module}));
    $server->configure(module => $server->file('module.so'), http => tls_server(extra => $policy)
            =~ s/(ssl_certificate) \S+;/$1 c.pem;/r =~ s/(ssl_certificate_key) \S+;/$1 k.pem;/r);
    chmod 0777, $server->prefix;
    output_of('chmod', '-R', 'a+rwX', map { $server->file($_) } qw(logs temp));
    my $run = $server->test_config(before => [qw(setpriv --reuid 65534 --regid 65534 --clear-groups --)]);
    has_finding($run, 'ledger-unreadable', 'error', says => qr{ledger/hpkp\.ledger.*\n.*who starts nginx}s, name => 'another user\'s ledger');
    refused($run, 'is refused');
};

# ---- what is no ledger: name, how it comes about, finding, words
my @broken = (
    [ 'no database', sub { write_text($_[0], "not a database\n" x 1000) }, 'ledger-corrupt', qr/is no ledger/ ],
    [ 'cut off', sub { truncate $_[0], 5000 }, 'ledger-corrupt', qr/malformed|is no ledger/ ],
    [ 'bytes overwritten', sub { my $text = read_text($_[0]); substr($text, 4096, 40000) = "\xa5" x 40000; write_text($_[0], $text) },
        'ledger-corrupt', qr/malformed/ ],
    [ 'a newer format', sub { my $text = read_text($_[0]); substr($text, 60, 4) = pack 'N', 99; write_text($_[0], $text) },
        'ledger-unreadable', qr/newer version.*99/ ],
    [ 'a database of others', sub { my $text = read_text($_[0]); substr($text, 68, 4) = 'oops'; write_text($_[0], $text) },
        'ledger-corrupt', qr/no ledger/ ],
    [ 'a directory', sub { unlink $_[0]; mkdir $_[0] or die "mkdir: $!" }, 'ledger-unreadable', qr/unable to open/ ],
);

for my $broken (@broken) {
    my ($name, $break, $id, $says) = @$broken;
    subtest $name => sub {
        my $server = site()->start;
        my $good = read_text(ledger_file($server));
        my $header = pins_header($server, max_age => 2592000);
        $break->(ledger_file($server));

        for my $run ($server->test_config, $server->reload_refused) {
            has_finding($run, $id, 'error', says => qr/\Q@{[ ledger_file($server) ]}\E.*$says/s, name => 'refused, with path and reason');
            refused($run, 'since nobody knows what is sent already');
        }
        has_finding($server->hup_refused, $id, 'error', name => 'by kill -HUP too');
        one_header(fetch($server, '/'), $header, 'the running nginx goes on');
        is(ledger_tool($server, 'show')->{exit}, 2, 'hpkp ledger show: exit 2');

        # Whom this chain locks out is not known, so taking the policy away changes nothing. The ledger can be given up.
        $server->configure(http => tls_server());
        findings_are($server->test_config, ["$id error"], 'without a policy too');
        $server->configure(http => "hpkp_ledger off;\n" . tls_server());
        findings_are($server->test_config, [], 'but not without the ledger');
        ok($server->stop, 'it can be stopped');

        rmdir ledger_file($server);
        write_text(ledger_file($server), $good);
        $server->configure(http => tls_server(extra => $policy));
        findings_are($server->test_config, [], 'a copy that is put back is good');
        $server->no_alerts;
    };
}

subtest 'an empty file' => sub {
    my $server = site(ledger => 'fresh');
    write_text(ledger_file($server), '');
    $server->start;
    is(states($server), 'www.example.com www open', 'is a new ledger');
    $server->stop;
};

subtest 'locked' => sub {
    my $server = site()->start;
    my ($entry) = entries($server);

    # hpkp ledger forget, stopped in the middle of its transaction.
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        open STDERR, '>', '/dev/null';
        open STDOUT, '>', '/dev/null';
        exec qw(setpriv --pdeathsig KILL strace -D -qq -o /dev/null -P), ledger_file($server) . '-journal',
            qw(-e inject=fdatasync:signal=STOP:when=1), HPKP::Ledger::tool(), 'ledger', 'forget', '--ledger', ledger_file($server),
            $entry->{id}, '--reason', 'test';
    }
    wait_until(sub { read_text("/proc/$pid/stat") =~ /\) [Tt] / && -s ledger_file($server) . '-journal' }, 10) or die "it does not stop\n";
    $server->write('conf/pins.yaml', new_pins());
    # The master, and meanwhile the process of nginx -s, which only reads.
    my $mark = $server->log_mark;
    kill HUP => $server->master;
    for my $said ($server->reload_refused, do {
        wait_until(sub { 2 == (() = $server->log_since($mark) =~ /configuration refused/g) }, 20); $server->log_since($mark) })
    {
        has_finding($said, 'ledger-unreadable', 'error', says => qr/locked.*\n.*fuser/s, name => 'a reload waits and gives up');
    }
    is((() = $server->log_since($mark) =~ /ledger-unreadable: /g), 2, 'so do both processes of it');
    is(fetch($server, '/')->{status}, 200, 'nginx serves');
    kill KILL => $pid;
    waitpid $pid, 0;
    $server->reload;
    is(states($server), 'www.example.com www closed, www.example.com www open', 'when it is gone, all goes on');
    is((grep { defined $_->{forgotten} } entries($server)), 0, 'and nothing is forgotten by half');
    $server->stop;
    $server->no_alerts;
};

done_testing;
