# The ledger: when it is made, what is in it, and that it says of each policy whether it may still be sent, through
# starts, reloads, failed loads, clean ends and crashes.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(ledger_file ledger_tool entries entry_text time_text day);
use IO::Socket::INET;
use POSIX ();
use Time::HiRes ();

my $report = 'https://reports.example.net/pkp';
my $policy = 'hpkp_policy pins.yaml;';

# The server has the names of its certificate: www.example.com, example.com.
sub states { return join ', ', map { entry_text($_) } entries($_[0], host => 'www.example.com') }

sub exported {
    my ($server) = @_;
    my $run = ledger_tool($server, 'export');
    die "export: $run->{err}" if $run->{exit} != 0;
    return join "\n", sort split /\n/, $run->{out};
}

subtest 'when it is made' => sub {
    my $server = site(ledger => 'fresh', server => '');
    my $file = ledger_file($server);
    $server->start;
    ok(!-e $file, 'not without a policy');

    $server->configure(http => tls_server(cert => 'www-unpinned', extra => $policy));
    refused($server->test_config, 'nginx -t, refused');
    $server->reload_refused;
    $server->hup_refused;
    ok(!-e $file, 'not by what is refused');

    $server->configure(http => tls_server(extra => $policy));
    accepted($server->test_config, 'nginx -t, accepted');
    ok(!-e $file, 'not by nginx -t');

    # With the master held, nothing but the process of nginx -s can write.
    my @old = $server->workers;
    kill STOP => $server->master;
    is($server->signal_by_nginx($_)->{exit}, 0, "nginx -s $_") for qw(reopen reload);
    ok(!-e $file, 'not by nginx -s');
    kill CONT => $server->master;
    $server->wait_for_new_workers(@old);
    ok(-e $file, 'by the master');
    is(sprintf('%o', (stat $file)[2] & 07777), '600', 'for its owner alone');
    is((stat _)[4], $>, 'who loads the configuration');
    is_deeply([ glob "$file?*" ], [], 'and nothing beside it');
    is(states($server), 'www.example.com www open', 'the policy is in it');

    # No process has it open now.
    my @open = grep { (readlink($_) // '') =~ /\Q$file\E/ } map { glob "/proc/$_/fd/*" } $server->master, $server->workers;
    is_deeply(\@open, [], 'neither master nor worker keeps it open');
    $server->stop;
    $server->no_alerts;
};

subtest 'where it is' => sub {
    # Relative to the prefix, as pid is; not to nginx.conf.
    my $server = site(http => 'hpkp_ledger elsewhere/ledger;');
    has_finding($server->test_config, 'ledger-unwritable', 'error', says => qr{\Q@{[ $server->prefix ]}\E/elsewhere/ledger.*No such file},
        name => 'nginx -t: no such directory');
    has_finding($server->start_refused, 'ledger-unwritable', 'error', says => qr{elsewhere/ledger.*No such file.*\n.*directory}s,
        name => 'a start: no such directory');
    mkdir $server->file('elsewhere') or die "mkdir: $!";
    $server->start;
    ok(-e $server->file('elsewhere/ledger'), 'it is made');
    ok(!-e ledger_file($server), 'there alone');
    $server->stop;
    $server->no_alerts;

    for my $bad ("hpkp_ledger a;\nhpkp_ledger b;", 'hpkp_ledger;', 'hpkp_ledger a b;', 'hpkp_lockout;', 'hpkp_lockout maybe;') {
        my $run = site(http => $bad)->test_config;
        is($run->{exit}, 1, "$bad is refused");
        like($run->{err}, qr/\[emerg\].*nginx\.conf:\d+/, 'by nginx, with its line');
    }
    for my $directive ('hpkp_ledger a;', 'hpkp_lockout warn;') {
        like(site(extra => $directive)->test_config->{err}, qr/\[emerg\].*directive is not allowed here/, "$directive in a server");
    }
};

subtest 'what is in it' => sub {
    my $server = site(ledger => 'fresh', clock => day(0), server => "$policy\nhpkp_policy app.yaml;",
        name => 'www.example.com *.Example.ORG',
        pins_yaml => policy(enforce => '{max-age: 3d, includeSubDomains: true}', report_only => qq({report-uri: "$report"})),
        files => { 'app.yaml' => policy(name => 'app', pins => [qw(int-a backup-1)], guard => '{until: ' . substr(day(23), 0, 10) . '}') });
    $server->start;
    my @entries = entries($server);
    is_deeply([ sort map { "$_->{policy}{policy} $_->{policy}{kind} $_->{host}" } @entries ],
        [ sort map { ("app guard $_", "www enforce $_", "www report-only $_") } 'www.example.com', 'example.com', '*.example.org' ],
        'each kind, for each name of the server');

    my ($www) = grep { $_->{host} eq 'www.example.com' && $_->{policy}{kind} eq 'enforce' } @entries;
    is_deeply([ map { $_->{'pin-sha256'} } @{ $www->{policy}{pins} } ],
        [ map { $server->pki->pin($_) } qw(www backup-1 backup-2) ], 'its pins');
    is_deeply([ map { $_->{name} } @{ $www->{policy}{pins} } ], [qw(www backup-1 backup-2)], 'and their names');
    is($www->{policy}{'max-age'}[0]{value}, 3 * 86400, 'max-age');
    ok($www->{policy}{includeSubDomains}, 'includeSubDomains');
    is(time_text($www->{'first-sent'}), day(0), 'first sent');
    is(time_text($www->{'held-until'}), day(3, 300), 'held for max-age, and while old workers drain');
    like($www->{instance}, qr{\Q@{[ $server->file('conf/nginx.conf') ]}\E}, 'which nginx');

    my ($app) = grep { $_->{policy}{kind} eq 'guard' } @entries;
    is(time_text($app->{'held-until'}), day(24, -12 * 3600), 'a guard is held to the end of its last day');
    my ($reported) = grep { $_->{policy}{kind} eq 'report-only' } @entries;
    is($reported->{'held-until'}, undef, 'nobody holds what is only reported');

    # While it is sent, time goes on; the end is when it is sent no more.
    $server->set_clock(day(1));
    ($www) = grep { $_->{policy}{kind} eq 'enforce' } entries($server, host => 'www.example.com');
    is(time_text($www->{'held-until'}), day(4, 300), 'a day later it is held a day longer');
    $server->stop;
    $server->set_clock(day(2));
    ($www) = grep { $_->{policy}{kind} eq 'enforce' } entries($server, host => 'www.example.com');
    is(time_text($www->{'held-until'}), day(4, 300), 'stopped, it is not');

    # max-age 0 is held by nobody, so there is nothing to remember.
    $server = site(pins_yaml => policy(enforce => '{max-age: 0}'))->start;
    is(states($server), '', 'max-age 0');
    $server->stop;
    $server->no_alerts;
};

subtest 'a reload' => sub {
    my $server = site(clock => day(0))->start;
    my ($first) = entries($server);
    $server->set_clock(day(1));
    $server->reload;
    is((entries($server))[0]{id}, $first->{id}, 'the same policy: the same entry');
    is(states($server), 'www.example.com www open', 'is still open');

    $server->write('conf/pins.yaml', policy(enforce => '{max-age: 30d}', pins => [qw(www backup-2 backup-3)]));
    $server->set_clock(day(2));
    $server->hup;
    is(states($server), 'www.example.com www closed, www.example.com www open', 'other pins: another entry');
    my ($old) = entries($server, host => 'www.example.com');
    is(time_text($old->{'last-sent'}), day(2), 'the old one ends');

    my $before = exported($server);
    $server->configure(http => tls_server(cert => 'www-unpinned', extra => $policy));
    $server->reload_refused;
    $server->hup_refused;
    is(exported($server), $before, 'a refused one changes nothing');

    $server->configure(http => tls_server());
    $server->set_clock(day(3));
    $server->reload;
    is(states($server), 'www.example.com www closed, www.example.com www closed', 'without a policy: all have ended');
    $server->stop;
    $server->no_alerts;
};

subtest 'many at once' => sub {
    # Reloads faster than nginx takes them, in two nginx that share a ledger.
    my $one = site(log_level => 'notice')->start;
    my $file = ledger_file($one);
    my $other = HPKP::Server->new(files => { 'pins.yaml' => policy(name => 'other') },
        http => "hpkp_ledger $file;\n" . tls_server(extra => $policy))->start;
    for my $round (1 .. 12) {
        for my $server ($one, $other) {
            my $name = $server == $one ? 'www' : 'other';
            $server->write('conf/pins.yaml', policy(name => $name, enforce => '{max-age: ' . (86400 + $round) . '}'));
            kill HUP => $server->master;
        }
        Time::HiRes::sleep(0.03);
    }
    for my $server ($one, $other) {
        ok(wait_until(sub { my ($sent) = values_of(fetch($server, '/'), 'Public-Key-Pins');
            $sent eq pins_header($server, max_age => 86412) && $server->workers == 1 }, 20), 'the last one is sent');
        unlike($server->log, qr/\[emerg\]/, 'none was refused');
    }
    is_deeply([ sort map { "$_->{policy}{policy} $_->{policy}{'max-age'}[0]{value}" } grep { $_->{open} }
            entries($one, host => 'www.example.com') ], [ 'other 86412', 'www 86412' ], 'and open, alone');
    $_->stop for $one, $other;
    is((grep { $_->{open} } entries($one)), 0, 'the end closes them');
    $_->no_alerts for $one, $other;
};

# Our part of the load succeeds, and then nginx fails: the policy is never sent.
subtest 'a load that fails after ours' => sub {
    my $server = site(clock => day(0))->start;
    my $before = exported($server);
    my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $server->port('taken'), Listen => 1)
        or die "listen: $!";
    my %fails = (
        'a port in use'          => [ "server { listen 127.0.0.1:{{port:taken}}; }\n", qr/still could not bind/ ],
        'a missing directory'    => [ "error_log {{prefix}}/nowhere/error.log;\n", qr/\[emerg\].*nowhere/ ],
        'a missing access log'   => [ "server { listen 127.0.0.1:{{port:more}}; access_log {{prefix}}/nowhere/a.log; }\n",
            qr/\[emerg\].*nowhere/ ],
    );
    $server->write('conf/pins.yaml', policy(enforce => '{max-age: 1d}', pins => [qw(www backup-2 backup-3)]));

    for my $name (sort keys %fails) {
        my ($more, $says) = @{ $fails{$name} };
        $server->configure(http => tls_server(extra => $policy) . $more);
        my $mark = $server->log_mark;
        kill HUP => $server->master;
        if ($name eq 'a port in use') {
            # nginx tries for two and a half seconds: time to see that we write first.
            ok(wait_until(sub { states($server) eq 'www.example.com www open, www.example.com www open' }, 10),
                "$name: the policy is in the ledger before nginx knows that it can be sent");
        }
        ok(wait_until(sub { $server->log_since($mark) =~ $says }, 20), "$name: nginx gives up") or diag($server->log_since($mark));
        ok(wait_until(sub { exported($server) eq $before }, 10), "$name: the ledger is as before") or diag(exported($server));
        one_header(fetch($server, '/'), pins_header($server, max_age => 2592000), "$name: the old policy is served");
    }
    $server->stop;

    $server = site(ledger => 'fresh', ports => { taken => $server->port('taken') },
        more => "server { listen 127.0.0.1:{{port:taken}}; }\n");
    $server->{ports}{taken} = $taken->sockport;
    $server->configure(http => tls_server(extra => $policy) . "server { listen 127.0.0.1:{{port:taken}}; }\n");
    like($server->start_refused->{err}, qr/still could not bind/, 'a start');
    is(join(',', entries($server)), '', 'leaves no entry');
    is(ledger_tool($server, 'show')->{out}, "no client holds a policy\n", 'and no client');
    is(exported($server), '', 'nor anything else');
};

subtest 'the end' => sub {
    my %end = (
        'nginx -s stop' => sub { $_[0]->signal_by_nginx('stop'); $_[0]->wait_for_end },
        'nginx -s quit' => sub { $_[0]->signal_by_nginx('quit'); $_[0]->wait_for_end },
        'kill -TERM'    => sub { $_[0]->stop },
    );
    for my $how (sort keys %end) {
        my $server = site(clock => day(0))->start;
        $server->set_clock(day(1));
        $end{$how}->($server);
        is(states($server), 'www.example.com www closed', "$how: closed");
        is(time_text((entries($server))[0]{'last-sent'}), day(1), 'at that moment');
        $server->no_alerts;
    }

    my $server = site(clock => day(0))->start;
    my ($before) = entries($server);
    $server->crash;
    is(states($server), 'www.example.com www open', 'kill -9: open');
    $server->set_clock(day(2));
    like(ledger_tool($server, 'show')->{out}, qr/may still be sent.*\n.*until \Q@{[ day(32, 300) ]}\E UTC .*at least/, 'as sent until now');

    # Whoever comes next for this nginx goes on, or ends it.
    $server->start;
    is((entries($server))[0]{id}, $before->{id}, 'started again: it goes on');
    $server->crash;
    $server->set_clock(day(3));
    $server->configure(http => tls_server());
    $server->start;
    is(states($server), 'www.example.com www closed', 'started without the policy: closed');
    is(time_text((entries($server))[0]{'last-sent'}), day(3), 'when that is known');
    $server->stop;
};

# "nginx -s quit; nginx": the old master closes its sockets and waits for whoever is still being answered; meanwhile a new
# one serves. The end of the old one ends nothing of the new one's.
subtest 'a start while the old nginx still drains' => sub {
    my $server = site(clock => day(0), more => "server { listen 127.0.0.1:{{port:slow}}; limit_rate 100; }\n");
    $server->write('html/slow', 'x' x 100_000);
    $server->start;
    my $slow = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->port('slow')) or die "connect: $!";
    print $slow "GET /slow HTTP/1.0\r\n\r\n";
    sysread $slow, my $begin, 20 or die "read: $!";
    my $old = $server->master;
    kill QUIT => $old;
    $server->forget;
    $server->start;
    ok(kill(0 => $old), 'both run');
    is(states($server), 'www.example.com www open', 'the new one sends it');

    $server->set_clock(day(1));
    close $slow;
    ok(wait_until(sub { waitpid($old, POSIX::WNOHANG()) == $old }, 20), 'the old one ends');
    is(states($server), 'www.example.com www open', 'the new one still sends it');

    $server->set_clock(day(30));
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000), 'on day 30, for 30 days');
    $server->configure(http => tls_server(cert => 'www-unpinned'));
    $server->set_clock(day(32));
    has_finding($server->test_config, 'locks-out-clients', 'error', name => 'on day 32 clients hold it');
    $server->stop;
};

subtest 'a start that fails when nginx is ready but for its pid file' => sub {
    my $server = site(clock => day(0));
    my $before = exported($server);
    my $conf = read_text($server->file('conf/nginx.conf'));
    $conf =~ s{^pid .*}{pid {{prefix}}/nowhere/nginx.pid;}m or die 'no pid';
    $server->write('conf/nginx.conf', $conf);
    like($server->start_refused->{err} . $server->log, qr/\[emerg\].*nowhere/, 'nginx ends');
    is(states($server), '', 'nothing was sent');
    ok(exported($server) eq $before, 'and nothing is recorded');
};

# The instance is the configuration file and the prefix, whatever "nginx -p" and "nginx -c" call them.
subtest 'relative paths' => sub {
    my $run_in = sub {
        my ($directory, $prefix) = @_;
        return ('bash', '-c', 'own=$2; cd "$0" || exit; p=$1; shift 2; a=(); for x; do [ "$x" = "$own" ] && x=$p; a+=("$x"); done; exec "${a[@]}"',
            $directory, $prefix);
    };
    my $server = site(clock => day(0), files => { 'stores/root.pem' => read_text(HPKP::PKI->new->dir . '/certs/root-a.pem') },
        pins_yaml => policy() . "trust:\n  clients: stores/root.pem\n");
    my $path = $server->prefix;
    my ($parent, $name) = $path =~ m{^(.*)/([^/]+)$};
    my %ways = ('-p .' => [ $path, '.' ], '-p ./' => [ $path, './' ], '-p dir' => [ $parent, $name ], '-p dir/' => [ $parent, "$name/" ],
        '-p ./dir' => [ $parent, "./$name" ], 'up: -p ..' => [ "$path/conf", '..' ]);

    $server->start;
    my ($first) = entries($server, host => 'www.example.com');
    is($first->{instance}, "$path/conf/nginx.conf ($path/)", 'the name of the instance');
    is($first->{policy}{trust}{clients}, "$path/conf/stores/root.pem", 'the store');
    $server->crash;
    for my $way (sort keys %ways) {
        my @in = ($run_in->(@{ $ways{$way} }), "$path/");
        findings_are($server->test_config(before => \@in), [], "$way: nginx -t");
        $server->start(before => \@in);
        my @entries = entries($server, host => 'www.example.com');
        is(scalar(@entries), 1, "$way: no other entry") or diag(join "\n", map { "$_->{instance} $_->{policy}{trust}{clients}" } @entries);
        is($entries[-1]{instance}, $first->{instance}, "$way: the same instance");
        is($entries[-1]{policy}{trust}{clients}, $first->{policy}{trust}{clients}, "$way: the same store");
        findings_are($server->reload, [], "$way: a reload from another directory");
        $server->crash;
    }
    $server->start;
    $server->stop;
    is((grep { $_->{open} } entries($server)), 0, 'the end closes all');
};

subtest 'two nginx on one ledger' => sub {
    my $one = site(clock => day(0))->start;
    my $file = ledger_file($one);
    my $other = HPKP::Server->new(clock => day(0, 60), files => { 'pins.yaml' => policy(name => 'other') },
        http => "hpkp_ledger $file;\n" . tls_server(extra => $policy))->start;
    is(states($one), 'www.example.com www open, www.example.com other open', 'each has its entry')
        or diag(ledger_tool($one, 'show')->{out});
    $other->reload;
    $other->stop;
    is(states($one), 'www.example.com www open, www.example.com other closed', 'and closes its own alone');

    # What one sent binds the other.
    $other->configure(http => "hpkp_ledger $file;\n" . tls_server(cert => 'www-unpinned'));
    has_finding($other->start_refused, 'locks-out-clients', 'error', says => qr/"www"/, name => 'one binds the other');
    $one->stop;
};

subtest 'hpkp_ledger off' => sub {
    my $server = site(http => "hpkp_ledger off;\n", ledger => 'fresh');
    my $run = $server->test_config;
    findings_are($run, ['ledger-off warning'], 'a warning');
    has_finding($run, 'ledger-off', 'warning', at => [ 'pins.yaml:3:3', 'in ' . $server->server_line('www.example.com') ]);
    refused(site(http => "hpkp_ledger off;\nhpkp_strict on;")->test_config, 'an error under hpkp_strict');
    $server->start;
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000), 'it is sent');
    $server->configure(http => "hpkp_ledger off;\n" . tls_server(cert => 'www-unpinned'));
    $server->reload;
    is(fetch($server, '/')->{status}, 200, 'nobody remembers');
    $server->stop;
    ok(!-e ledger_file($server), 'no file is made');

    findings_are(site(http => 'hpkp_ledger off;', pins_yaml => $_)->test_config, [], 'nothing is enforced')
        for policy(report_only => qq({report-uri: "$report"})), policy(guard => '{}'), policy(enforce => '{max-age: 0}');
    has_finding(site(http => 'hpkp_ledger off;', pins_yaml => policy(enforce => '{max-age: {ramp: [{for: 1d, value: 1h}, {value: 1d}]}}'))
            ->test_config, 'bad-value', 'error', at => ['pins.yaml:8:'], says => qr/ramp.*ledger/, name => 'a ramp needs one');
};

subtest 'a clock that goes back' => sub {
    my $server = site(clock => day(9))->start;
    $server->set_clock(day(8));
    my $run = $server->reload;
    has_finding($run, 'clock-went-back', 'warning', says => qr/\Q@{[ day(8) ]}\E UTC.*\Q@{[ day(9) ]}\E UTC.*\n.*--clamp/s,
        name => 'names both times, and how to mend the ledger');
    findings_are($run, ['clock-went-back warning'], 'and nothing else');

    # The later one counts, or the policy would be forgotten too soon.
    $server->write('conf/pins.yaml', policy(pins => [qw(www backup-2 backup-3)]));
    $server->reload;
    is(join(' ', map { time_text($_->{'last-sent'}) } entries($server, host => 'www.example.com')),
        day(9) . ' ' . day(9), 'the later time is recorded');
    $server->stop;
    $server->no_alerts;

    # Mended as the remedy says: a ledger that was written under a wrong clock.
    $server = site(clock => day(3650))->start;
    $server->stop;
    $server->set_clock(day(9));
    findings_are($server->test_config, ['clock-went-back warning'], 'ten years ahead');
    write_text($server->file('temp/export'), ledger_tool($server, 'export')->{out});
    rename ledger_file($server), ledger_file($server) . '.wrong' or die "rename: $!";
    is(ledger_tool($server, 'import', '--clamp', $server->file('temp/export'))->{exit}, 0, 'import --clamp');
    findings_are($server->test_config, [], 'mended');
    is(join(' ', map { time_text($_->{'held-until'}) } entries($server, host => 'www.example.com')), day(39, 300),
        'held as if it had been sent now');
};

done_testing;
