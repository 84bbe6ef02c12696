# An old worker, which goes on with the policy of before a reload for whoever is still being answered: it sends as long
# as the ledger counts on, and no longer, by whatever clock.

use lib 't/lib';
use HPKP::Fetch;
use HPKP::Test;
use HPKP::Ledger qw(entries time_text day);
use IO::Socket::INET;
use POSIX ();

my @ours;
END { my $status = $?; kill KILL => $_ for @ours; $? = $status }

# With an upstream that answers /slow/NAME once there is a file NAME, with a header that we have to remove.
sub drain_site {
    my (%part) = @_;
    my $slow = "location /slow/ { proxy_pass http://127.0.0.1:{{port:upstream}}; proxy_read_timeout 1h; }\n";
    my $plain = "server {\n listen 127.0.0.1:{{port:plain}};\n server_name www.example.com;\n hpkp_policy pins.yaml;\n"
        . " hpkp_served_chain {{pki}}/chains/www.pem;\n hpkp_secure \$http_x_tls;\n $slow}\n";
    my $server = site(clock => day(0), pins_yaml => policy(enforce => '{max-age: 10m}'), extra => $slow, more => $plain, %part);

    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $server->port('upstream'), Listen => 20, ReuseAddr => 1)
        or die "listen: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        $SIG{CHLD} = 'IGNORE';
        $SIG{$_} = 'DEFAULT' for qw(ALRM INT TERM HUP);    # what ends the test is not for it
        alarm 120;
        while (my $client = $socket->accept) {
            next if fork;
            alarm 120;
            sysread $client, my $request, 65536;
            my ($name) = $request =~ m{/slow/(\w+)};
            write_text($server->file("temp/asked-$name"), '');
            select undef, undef, undef, 0.05 until -e $server->file("temp/$name");
            print $client "HTTP/1.0 200 OK\r\nPublic-Key-Pins: foreign\r\nContent-Length: 2\r\n\r\nok";
            POSIX::_exit(0);
        }
        POSIX::_exit(0);
    }
    push @ours, $pid;
    return $server->start;
}

# Asks, and comes back once the worker waits for the upstream. What it gives lets the upstream answer.
sub slow {
    my ($server, $name, %option) = @_;
    my $head = $server->file("temp/head-$name");
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        exec 'curl', '--dump-header', $head, '--output', '/dev/null',
            HPKP::Fetch::curl_arguments($server, "/slow/$name", curl => [qw(--max-time 100)], %option)
            or POSIX::_exit(127);
    }
    push @ours, $pid;
    wait_until(sub { -e $server->file("temp/asked-$name") }, 20) or die "$name was not asked";
    return sub {
        write_text($server->file("temp/$name"), '');
        waitpid $pid, 0;
        @ours = grep { $_ != $pid } @ours;
        return HPKP::Fetch::parse_head(HPKP::Fetch::last_head(read_text($head)));
    };
}

# By then an old worker knows that it is one.
sub told { sleep 6 }

# HTTP/2 is no other case: with the first answer of an old worker nginx has the client open no further stream.
subtest 'who waits for an upstream' => sub {
    my $server = drain_site(workers => 2, listen => 'http2');
    my $header = pins_header($server, max_age => 600);
    my @plain = (plain => 1, headers => ['X-TLS: on']);
    my %wait = map { $_ => slow($server, $_) } qw(at_once soon at_last too_late early);
    for my $when (qw(soon too_late)) {
        $wait{"plain_$when"} = slow($server, "plain_$when", @plain);
        $wait{"http2_$when"} = slow($server, "http2_$when", http => 2);
    }

    $server->configure(http => tls_server(listen => 'http2'));
    $server->hup;
    no_header(fetch($server, '/'), 'the new workers send nothing');
    one_header($wait{at_once}->(), $header, 'an old one goes on');
    told();
    one_header($wait{soon}->(), $header, 'when it knows that it is old, too');
    one_header($wait{http2_soon}->(), $header, 'over HTTP/2');
    one_header($wait{plain_soon}->(), $header, 'and where hpkp_secure decides');
    $server->set_clock(day(0, 280));
    one_header($wait{at_last}->(), $header, 'for nearly five minutes');

    $server->set_clock(day(0, 300));
    my $held = (entries($server, host => 'www.example.com'))[0]{'held-until'};
    is(time_text($held), day(0, 300 + 600), 'which is what the ledger counts with');
    no_header($wait{too_late}->(), 'no longer');
    no_header($wait{http2_too_late}->(), 'nor over HTTP/2');
    no_header($wait{plain_too_late}->(), 'nor where hpkp_secure decides');
    $server->set_clock(day(0, -10));
    no_header($wait{early}->(), 'nor by a clock that is before the load');
    ok(wait_until(sub { $server->children == 2 }, 20), 'then they end') or diag(join ' ', $server->children);
    $server->stop;
    $server->no_alerts;
};

# Nobody tells them to end, and the next nginx counts them as old workers.
subtest 'whose master was killed' => sub {
    my $server = site(clock => day(0), pins_yaml => policy(enforce => '{max-age: 10m}'))->start;
    my $header = pins_header($server, max_age => 600);
    my ($worker) = $server->kill_master;
    push @ours, $worker;
    told();
    one_header(fetch($server, '/'), $header, 'they go on');
    $server->set_clock(day(0, 280));
    one_header(fetch($server, '/'), $header, 'for nearly five minutes');
    $server->set_clock(day(0, 300));
    no_header(fetch($server, '/'), 'no longer');
    is(fetch($server, '/')->{status}, 200, 'but they serve');
    kill KILL => $worker;
};

# The process that reloads answers by the old configuration on the connections that it has, and knows of no end.
subtest 'master_process off' => sub {
    my $server = site(main => "master_process off;\n", pins_yaml => policy(enforce => '{max-age: 10m}'));
    my $sent = sub {
        return join ', ', sort map { ($_->{open} ? 'open ' : 'closed ') . $_->{policy}{'max-age'}[0]{value} } entries($server, host => 'www.example.com');
    };
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDERR, '>', '/dev/null';
        exec qw(setpriv --pdeathsig TERM), $server->command;
    }
    push @ours, $pid;
    ok(wait_until(sub { $sent->() eq 'open 600' }, 20), 'it starts') or diag($server->log);
    wait_until(sub { -s $server->file('nginx.pid') }, 20);
    $server->write('conf/pins.yaml', policy(enforce => '{max-age: 5m}'));
    sleep 1;    # its signals are set up a moment after
    kill HUP => $pid;
    ok(wait_until(sub { $sent->() =~ /300/ }, 20), 'it reloads') or diag($server->log);
    sleep 1;
    is($sent->(), 'open 300, open 600', 'the old policy is not taken for closed');
    kill QUIT => $pid;
    waitpid $pid, 0;
    @ours = grep { $_ != $pid } @ours;
    is($sent->(), 'closed 300, closed 600', 'the end closes both');
};

done_testing;
