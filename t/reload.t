# Reloads: a renewal that the policy allows passes without a lost request; one that it does not is refused, says why,
# and the old configuration goes on serving byte for byte, also in workers that are born after the refusal.

use lib 't/lib';
use HPKP::Answers qw(whole_answers check_unchanged);
use HPKP::Test;
use IO::Socket::INET;
use POSIX ();

my %part = (server => 'hpkp_policy pins.yaml;', extra => <<'CONF', more => <<'MORE');
location /proxy/ { proxy_pass http://127.0.0.1:{{port:upstream}}/; }
location /slow { limit_rate 100k; }
CONF
    server {
        listen 127.0.0.1:{{port:upstream}};
        add_header Public-Key-Pins "of the upstream" always;
        location / { return 200 "proxied\n"; }
    }
MORE

sub configuration {
    my ($cert) = @_;
    return tls_server(cert => $cert, listen => 'http2', extra => "$part{server}\n$part{extra}") . $part{more};
}

subtest 'renewal with the backup\'s key, under load' => sub {
    my $server = site(%part, workers => 2)->start;
    my $header = pins_header($server, max_age => 2592000);
    $server->write('html/slow', 'x' x 150_000);
    my $client = client_loop($server, 20, '/', '/proxy/');
    my $slow_client = client_loop($server, 2, '/slow');   # most of its requests begin before a reload and end after it

    for my $cert (qw(www-renewed www www-renewed)) {
        $server->configure(http => configuration($cert));
        my $run = $server->reload;
        is($run->{exit}, 0, "nginx -s reload to $cert");
        one_header(fetch($server, '/'), $header, 'the header goes on');
        sleep 1;
    }
    my $run = output_of('sh', '-c', 'echo | openssl s_client -connect 127.0.0.1:' . $server->port('tls')
        . ' -servername www.example.com 2>/dev/null | openssl x509 -noout -pubkey | openssl pkey -pubin -outform der'
        . ' | openssl dgst -sha256 -binary | openssl enc -base64');
    is($run, $server->pki->pin('backup-1') . "\n", 'the renewed certificate is served');

    my ($asked, $lost, $why) = $client->();
    cmp_ok($asked, '>', 20, "$asked requests meanwhile");
    is($lost, 0, 'none lost') or diag($why);
    ($asked, $lost, $why) = $slow_client->();
    cmp_ok($asked, '>', 2, "$asked slow requests");
    is($lost, 0, 'none lost') or diag($why);

    # A kill -HUP does the same.
    $server->configure(http => configuration('www'));
    $server->hup;
    one_header(fetch($server, '/'), $header, 'after kill -HUP');
    $server->stop;
    $server->no_alerts;
};

# ---- what makes a reload fail: name, change, finding
my @wrong = (
    [ 'an unpinned certificate', sub { $_[0]->configure(http => configuration('www-unpinned')) },
        'no-pin-in-chain', [ 'pins.yaml:3:3', 'nginx.conf:' ] ],
    [ 'a policy for other keys', sub { $_[0]->write('conf/pins.yaml', policy(pins => [qw(int-b backup-1 backup-2)])) },
        'no-pin-in-chain', ['pins.yaml:3:3'] ],
    [ 'a misspelt key', sub { $_[0]->write('conf/pins.yaml', policy(enforce => '{maxage: 30d}')) },
        'unknown-key', ['pins.yaml:8:15'] ],
    [ 'a policy that is gone', sub { unlink $_[0]->file('conf/pins.yaml') }, 'policy-unreadable', ['pins.yaml'] ],
);

for my $wrong (@wrong) {
    my ($name, $change, $id, $at) = @$wrong;
    subtest $name => sub {
        my $server = site(%part, workers => 2);
        $server->configure(http => configuration('www'));
        $server->start;
        my $before = whole_answers($server);

        $change->($server);
        my $mark = $server->log_mark;
        my $run = $server->reload_refused;
        refused($run, 'nginx -s reload: exit 1');
        has_finding($run, $id, 'error', at => $at, name => 'says why on stderr');
        has_finding($server->log_since($mark), $id, 'error', at => $at, name => 'and in the error log');
        check_unchanged($server, $before, 'after nginx -s reload');

        my $text = $server->hup_refused;
        has_finding($text, $id, 'error', at => $at, name => 'kill -HUP: says why in the error log');
        check_unchanged($server, $before, 'after kill -HUP');

        $server->kill_worker($_) for $server->workers;
        check_unchanged($server, $before, 'in workers born after the refusal');

        # Mended, it loads.
        $server->write('conf/pins.yaml', policy());
        $server->configure(http => configuration('www-renewed'));
        $server->reload;
        one_header(fetch($server, '/'), pins_header($server, max_age => 2592000), 'mended, it reloads');
        $server->stop;
        $server->no_alerts;
    };
}

subtest 'a load that fails after ours' => sub {
    my $server = site(%part, workers => 1);
    $server->configure(http => configuration('www'));
    $server->start;
    my $before = whole_answers($server);

    # Our checks pass, then nginx finds the port taken.
    my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $server->port('taken'), Listen => 1)
        or die "listen: $!";
    $server->write('conf/pins.yaml', policy(enforce => '{max-age: 1d}'));
    $server->configure(http => configuration('www') . "server { listen 127.0.0.1:{{port:taken}}; }\n");
    my ($mark, @old) = ($server->log_mark, $server->workers);
    kill HUP => $server->master;
    ok(wait_until(sub { $server->log_since($mark) =~ /\[emerg\].*still could not bind/ }, 20), 'nginx gives up');
    is(join(' ', $server->workers), "@old", 'the workers are the old ones');
    check_unchanged($server, $before, 'afterwards');
    $server->kill_worker($old[0]);
    check_unchanged($server, $before, 'in a new worker');
    $server->stop;
};

# The chain of filters is the process's: what that load makes of it is what later workers of the old configuration have.
subtest 'a load without a policy that fails after ours' => sub {
    my $foreign = "add_header Public-Key-Pins 'max-age=99; foreign' always;";
    my $server = site(workers => 1, server => "hpkp_policy pins.yaml;\n$foreign")->start;
    my $header = pins_header($server, max_age => 2592000);
    my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $server->port('taken'), Listen => 1)
        or die "listen: $!";
    $server->configure(http => tls_server() . "server { listen 127.0.0.1:{{port:taken}}; }\n");
    my ($mark, @old) = ($server->log_mark, $server->workers);
    kill HUP => $server->master;
    ok(wait_until(sub { $server->log_since($mark) =~ /\[emerg\].*still could not bind/ }, 20), 'nginx gives up');
    one_header(fetch($server, '/'), $header, 'afterwards');
    $server->kill_worker($old[0]);
    one_header(fetch($server, '/'), $header, 'in a new worker');
    $server->stop;
};

# nginx unloads the module then, and its later workers still have its filter in their chain.
subtest 'a first load with the module that fails' => sub {
    my $server = site(workers => 1, module => 'none', server => '');
    my $module = site()->{module};
    my $conf = tls_server(extra => 'hpkp_policy pins.yaml;');
    $server->configure(http => tls_server());
    $server->start;
    my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $server->port('taken'), Listen => 1)
        or die "listen: $!";
    for my $round (1 .. 2) {
        $server->configure(module => $module, http => "$conf server { listen 127.0.0.1:{{port:taken}}; }\n");
        my ($mark, @old) = ($server->log_mark, $server->workers);
        kill HUP => $server->master;
        ok(wait_until(sub { $server->log_since($mark) =~ /\[emerg\].*still could not bind/ }, 20), 'nginx gives up');
        $server->kill_worker($old[0]);
        my $answer = fetch($server, '/');
        is($answer->{status}, 200, 'a new worker of the old configuration serves');
        no_header($answer, 'without a header');
    }
    $server->configure(module => $module, http => $conf);
    $server->reload;
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000), 'the next load brings it');
    $server->configure(module => 'none', http => tls_server());
    $server->reload;
    no_header(fetch($server, '/'), 'and it goes again');
    $server->stop;
    $server->no_alerts;
} if site()->{module} =~ m{/};

subtest 'policies come and go' => sub {
    my $server = site(workers => 1)->start;
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000), 'there');
    $server->configure(http => tls_server());
    $server->reload;
    no_header(fetch($server, '/'), 'gone');
    $server->configure(http => tls_server(extra => 'hpkp_policy pins.yaml;'));
    $server->reload;
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000), 'there again');

    # The module itself, too.
    my $module = $server->{module};
    $server->configure(http => tls_server(), module => 'none');
    $server->reload;
    no_header(fetch($server, '/'), 'the module is gone');
    $server->configure(http => tls_server(extra => 'hpkp_policy pins.yaml;'), module => $module);
    $server->reload;
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000), 'and there again');
    $server->stop;
    $server->no_alerts;
};

done_testing;

# Asks for the paths without a pause, a new connection each time, until told to end: returns a function that ends it and
# gives the number of requests, of lost ones, and what came of those. HTTP/1.1 alone: a worker that drains may close an
# HTTP/2 connection that has no request yet, with or without this module; HTTP/2 clients are meant to ask again.
sub client_loop {
    my ($server, $enough, @paths) = @_;
    my ($stop, $result) = map { $server->file('temp/client' . $paths[0] =~ tr{/}{-}r . ".$_") } qw(stop result);

    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        my ($asked, @lost) = (0);
        alarm 120;
        # At least so many, on a machine however busy.
        until (-e $stop && $asked > $enough) {
            $asked++;
            my $answer = eval { fetch($server, $paths[ $asked % @paths ]) };
            next if $answer && $answer->{status} == 200 && values_of($answer, 'Public-Key-Pins') == 1;
            push @lost, $answer ? $answer->{head} : $@;
        }
        write_text($result, join "\n", $asked, scalar @lost, @lost);
        POSIX::_exit(0);
    }
    return sub {
        write_text($stop, '');
        waitpid $pid, 0;
        return split /\n/, read_text($result), 3;
    };
}
