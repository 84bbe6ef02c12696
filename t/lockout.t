# locks-out-clients: no load is accepted whose chain a client refuses that remembers an older policy, whatever is
# configured now; and the date on which the message says that it would be accepted is that date to the minute.

use lib 't/lib';
use HPKP::CrossPKI;
use HPKP::Test;
use HPKP::Ledger qw(ledger_tool entries time_text seconds_of day);

my $policy = 'hpkp_policy pins.yaml;';
my $sent = tls_server(extra => $policy);
my $gone = tls_server(name => 'else.example.org');

# A server that has sent `pins_yaml` from day 0 to day 1 by `http`, and has been stopped then.
sub stopped {
    my (%part) = @_;
    my $server = HPKP::Server->new(clock => day(0), http => $part{http} // $sent, pki => $part{pki},
        files => { 'pins.yaml' => $part{pins_yaml} // policy(), %{ $part{files} || {} } });
    $server->start;
    $server->set_clock(day(1));
    $server->stop or die "it does not stop\n";
    return $server;
}

# Refused, by that finding, with its dates; returns the moment from which on it says that it would be accepted.
sub locks_out {
    my ($run, $until, $name, %want) = @_;
    my $text = ref $run ? $run->{err} : $run;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $found = has_finding($text, 'locks-out-clients', 'error', %want, name => "$name: is found") or return '';
    like($found->{says}, qr/hold policy "\w+" until \Q$until\E UTC \(in .*\), .*locked out/, "$name: until when clients hold it");
    my ($from) = $found->{remedy} =~ /would be accepted from (\S+ \S+) UTC \(in .*\) on/;
    ok($from, "$name: from when on it would be accepted") or diag($found->{remedy});
    my ($ids) = join("\n", @{ $found->{details} }) =~ /ledger: ([0-9a-f]{16}(?:, [0-9a-f]{16})*)$/m;
    ok($ids, "$name: which entries") or return '';
    like($found->{remedy}, qr/hpkp ledger forget @{[ $ids =~ tr{,}{}dr ]} --reason TEXT/, "$name: and how to lift it");
    return $from // '';
}

# The whole of it: refused a day after the end, and a minute before the date, and not on the date.
sub refused_until {
    my ($server, $http, $until, $name, %want) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $server->configure(http => $http);
    $server->set_clock(day(2));
    my $run = $server->start_refused;
    refused($run, "$name: a start is refused");
    my $from = locks_out($run, $until, $name, %want) or return;
    is($from, $until, "$name: the same date");

    $server->set_clock(time_text(seconds_of($from) - 60));
    findings_are($server->test_config, ['locks-out-clients error'], "$name: one minute before it");
    $server->set_clock($from);
    findings_are($server->test_config, [], "$name: on that date");
    $server->start;
    is(fetch($server, '/', host => $want{host} // 'www.example.com', port => $want{port} // 'tls')->{status}, 200,
        "$name: it serves");
    $server->stop;
}

# ---- what does not help: name, what was sent (by default www.example.com and its pins), what shall be served, more
my %sub = (http => tls_server(name => 'example.com', extra => $policy),
    pins_yaml => policy(enforce => '{max-age: 30d, includeSubDomains: true}'));
my @useless = (
    [ 'to drop the policy', {}, tls_server(cert => 'www-unpinned') ],
    [ 'to drop the policy everywhere and name it elsewhere', {}, tls_server(cert => 'www-unpinned')
        . tls_server(name => 'other.example.com', cert => 'other', extra => 'hpkp_policy other.yaml;') ],
    [ 'another port', {}, tls_server(cert => 'www-unpinned', port => 'moved'), port => 'moved' ],
    [ 'another server block', {}, $gone . tls_server(name => 'a.example.org www.example.com', cert => 'www-unpinned') ],
    [ 'a wildcard server', {}, $gone . tls_server(name => '*.example.com', cert => 'www-unpinned') ],
    [ 'a server without a name', {}, tls_server(name => '_', cert => 'www-unpinned') ],
    [ 'TLS in front', {}, "server {\n listen 127.0.0.1:{{port:tls}} ssl;\n server_name www.example.com;\n"
        . " ssl_certificate {{pki}}/chains/www.pem;\n ssl_certificate_key {{pki}}/keys/www.pem;\n"
        . " hpkp_served_chain {{pki}}/chains/www-unpinned.pem;\n}\n" ],
    [ 'to move it to a subdomain', \%sub, tls_server(name => 'sub.example.com', cert => 'wildcard'), host => 'sub.example.com' ],
    [ 'a deeper subdomain', \%sub, tls_server(name => 'a.b.example.com', cert => 'wildcard'), host => 'sub.example.com' ],
    [ 'a wildcard below it', \%sub, tls_server(name => '*.example.com', cert => 'wildcard'), host => 'sub.example.com' ],
);

for my $case (@useless) {
    my ($name, $was, $http, %want) = @$case;
    subtest $name => sub {
        my $server = stopped(%$was, files => { 'other.yaml' => policy(name => 'other', pins => [qw(other backup-1 backup-2)]) });
        refused_until($server, $http, day(31, 300), $name, %want, says => qr/first sent on \Q@{[ day(0) ]}\E UTC \(2 days ago\), /
            . qr/last sent on \Q@{[ day(1) ]}\E UTC/);
        $server->no_alerts;
    };
}

subtest 'what the message says' => sub {
    my $server = stopped();
    my $pki = $server->pki;
    $server->configure(http => tls_server(cert => 'www-unpinned') . tls_server(name => 'example.com', cert => 'www-unpinned'));
    $server->set_clock(day(3));
    my $run = $server->test_config;
    my @same = grep { $_->{id} eq 'locks-out-clients' } findings($run->{err});
    is(scalar @same, 1, 'once for one chain and policy');
    my ($finding) = @same;
    like($finding->{says}, qr/\bin \Q@{[ $server->server_line($_) ]}\E/, "the server $_")
        for 'www.example.com', 'example.com';
    like($finding->{says}, qr/clients of example\.com, www\.example\.com hold policy "www" until \Q@{[ day(31, 300) ]}\E UTC \(in 28 days\)/,
        'hosts, policy, date in words');
    my @ids = map { $_->{id} } entries($server);
    my $details = join "\n", @{ $finding->{details} };
    like($details, qr/max-age 30 days; first sent on \Q@{[ day(0) ]}\E UTC \(3 days ago\), last sent on \Q@{[ day(1) ]}\E UTC/,
        'when it was sent');
    like($details, qr/\b$_\b/, 'the entry') for @ids;
    like($details, qr/\Q$_->[0]\E +pin-sha256="\Q@{[ $pki->pin($_->[1]) ]}\E"/, "the chain that fails it: $_->[0]")
        for [ 'www.example.com', 'unpinned' ], [ 'HPKP Test Intermediate B', 'int-b' ];
    like($details, qr/they hold:.*pin-sha256="\Q@{[ $pki->pin($_) ]}\E"  $_$/sm, "what would be accepted now: $_")
        for qw(www backup-1 backup-2);
    like($server->start_refused->{err}, qr/\Q$finding->{says}\E/, 'a start says the same');
    is(scalar(grep { length > 2047 } split /\n/, $run->{err}), 0, 'no line is too long for nginx');
};

subtest 'while it is still sent' => sub {
    my $server = site(clock => day(0))->start;
    my $header = pins_header($server, max_age => 2592000);
    $server->set_clock(day(10));
    $server->configure(http => tls_server(cert => 'www-unpinned'));
    my $run = $server->reload_refused;
    my $from = locks_out($run, day(40, 300), 'a reload', says => qr/sent until now.*if what it conflicts with is sent no more from now/s);
    locks_out($server->hup_refused, day(40, 300), 'kill -HUP');
    one_header(fetch($server, '/'), $header, 'the old configuration serves on');

    # First step: send it no more. The date is now fixed.
    $server->configure(http => tls_server());
    findings_are($server->reload, [], 'without the policy, with the chain of before');
    no_header(fetch($server, '/'), 'it is sent no more');
    $server->set_clock(day(20));
    $server->configure(http => tls_server(cert => 'www-unpinned'));
    $run = $server->reload_refused;
    is(locks_out($run, $from, 'ten days later'), $from, 'ten days later: the date stands');
    unlike($run->{err}, qr/if what it conflicts with/, 'without a condition');
    $server->set_clock(time_text(seconds_of($from) - 60));
    $server->reload_refused;
    $server->set_clock($from);
    findings_are($server->reload, [], 'on that date a reload is accepted');
    is(fetch($server, '/')->{status}, 200, 'and serves');
    $server->stop;
    $server->no_alerts;
};

# What changed at Smashing Magazine in 2016: the certificate and the header together, each matching the other.
subtest 'a new key and its pin, deployed together' => sub {
    my $year = '{max-age: 365d}';
    my $server = site(clock => day(0), pins_yaml => policy(enforce => $year))->start;
    $server->set_clock(day(20));
    $server->write('conf/pins.yaml', policy(pins => [qw(unpinned backup-1 backup-2)], enforce => $year));
    $server->configure(http => tls_server(cert => 'www-unpinned', extra => $policy));
    my $run = $server->reload_refused;
    findings_are($run, [ 'locks-out-clients error', 'max-age-long warning' ], 'nothing else is wrong with it');
    my $from = locks_out($run, day(385, 300), 'a year of max-age', says => qr/max-age 365 days; /);

    # A backup is what was needed.
    $server->configure(http => tls_server(cert => 'www-renewed', extra => $policy));
    findings_are($server->reload, ['max-age-long warning'], 'the backup\'s key, with the new pin');
    one_header(fetch($server, '/'), pins_header($server, max_age => 365 * 86400, pins => [qw(unpinned backup-1 backup-2)]), 'is sent');

    # From then on clients learn the new pin, and the last that has not is gone a year later.
    $server->configure(http => tls_server(cert => 'www-unpinned', extra => $policy));
    $server->set_clock(day(384));
    is(locks_out($server->reload_refused, $from, 'its own key a year later, but a day'), $from, 'the same date');
    $server->set_clock($from);
    findings_are($server->reload, ['max-age-long warning'], 'on that date');
    $server->stop;
    $server->no_alerts;
};

subtest 'un-pinning' => sub {
    my $server = site(clock => day(0))->start;
    $server->write('conf/pins.yaml', policy(enforce => '{max-age: 0}'));
    $server->set_clock(day(1));
    findings_are($server->reload, [], 'max-age 0');
    $server->configure(http => tls_server(cert => 'www-unpinned'));
    $server->set_clock(day(2));
    locks_out($server->reload_refused, day(31, 300), 'who did not come since then');
    $server->stop;
};

subtest 'what helps' => sub {
    my %good = (
        'a backup\'s key'        => tls_server(cert => 'www-renewed'),
        'the same key by another authority' => tls_server(cert => 'www-by-b'),
        'another host'           => tls_server(name => 'other.example.com', cert => 'other'),
        'a subdomain, without includeSubDomains' => tls_server(name => 'a.www.example.com', cert => 'www-unpinned'),
        'a plain server'         => "server {\n listen 127.0.0.1:{{port:plain}};\n server_name www.example.com;\n}\n",
    );
    my $server = stopped();
    $server->set_clock(day(2));
    for my $name (sort keys %good) {
        # The first server of an address answers to what its certificate covers: that must not be these hosts.
        $server->configure(http => tls_server(name => 'first.example.org', cert => 'local') . $good{$name});
        findings_are($server->test_config, [], $name);
    }

    my $report = 'https://reports.example.net/pkp';
    for my $nothing ([ 'report-only', policy(report_only => qq({report-uri: "$report"})) ], [ 'a guard', policy(guard => '{}') ],
        [ 'max-age 0', policy(enforce => '{max-age: 0}') ])
    {
        my ($name, $yaml) = @$nothing;
        $server = stopped(pins_yaml => $yaml);
        $server->set_clock(day(2));
        $server->configure(http => tls_server(cert => 'www-unpinned'));
        findings_are($server->test_config, [], "$name is held by nobody");
    }
};

subtest 'hpkp_lockout warn' => sub {
    my $server = site(clock => day(0))->start;
    $server->set_clock(day(1));
    $server->configure(http => "hpkp_lockout warn;\n" . tls_server(cert => 'www-unpinned'));
    my $run = $server->test_config;
    findings_are($run, ['locks-out-clients warning'], 'only warns');
    accepted($run, 'nginx -t');
    refused(do { $server->configure(http => "hpkp_lockout warn;\nhpkp_strict on;\n" . tls_server(cert => 'www-unpinned'));
        $server->test_config }, 'but not under hpkp_strict');
    $server->configure(http => "hpkp_lockout warn;\n" . tls_server(cert => 'www-unpinned'));
    findings_are($server->reload, ['locks-out-clients warning'], 'a reload');
    is(fetch($server, '/')->{status}, 200, 'serves');

    # The ledger has not forgotten.
    $server->configure(http => "hpkp_lockout refuse;\n" . tls_server(cert => 'www-unpinned'));
    locks_out($server->reload_refused, day(31, 300), 'refuse, said aloud');
    $server->configure(http => tls_server());
    findings_are($server->reload, [], 'back to the key that they hold');
    $server->stop;
};

subtest 'hpkp ledger forget' => sub {
    my $server = stopped();
    $server->configure(http => tls_server(cert => 'www-unpinned', name => 'www.example.com example.com'));
    $server->set_clock(day(2));
    my %id = map { $_->{host} => $_->{id} } entries($server);
    my $run = $server->test_config;
    like($run->{err}, qr/clients of example\.com, www\.example\.com hold/, 'two hosts');
    is(ledger_tool($server, 'forget', $id{'example.com'}, '0123456789abcdef', '--reason', 'x')->{exit}, 2, 'one of them unknown');
    like($server->test_config->{err}, qr/clients of example\.com, www\.example\.com hold/, 'none is forgotten');
    is(ledger_tool($server, 'forget', $id{'example.com'}, '--reason', 'never announced')->{exit}, 0, 'one is forgotten');
    $run = $server->test_config;
    has_finding($run, 'locks-out-clients', 'error', says => qr/clients of www\.example\.com hold/, name => 'the other stands');
    unlike($run->{err}, qr/$id{'example.com'}/, 'alone');
    is(ledger_tool($server, 'forget', $id{'www.example.com'}, '--reason', 'test')->{exit}, 0, 'the other one too');
    findings_are($server->test_config, [], 'nobody holds it');
    $server->start;
    $server->stop;
    $server->no_alerts;
};

subtest 'to forget what is still sent' => sub {
    # One vouches for what was sent until the new configuration comes, which has to be soon.
    my $forgotten = sub {
        my $server = site(clock => day(0))->start;
        $server->set_clock(day(1));
        is(ledger_tool($server, 'forget', $_->{id}, '--reason', 'test')->{exit}, 0, 'forgotten') for entries($server);
        return $server;
    };
    my $server = $forgotten->();
    $server->configure(http => tls_server(cert => 'www-unpinned'));
    $server->set_clock(day(1, 3500));
    findings_are($server->reload, [], 'within the hour');
    $server->set_clock(day(2));
    findings_are($server->reload, [], 'and for good');
    $server->stop;

    $server = $forgotten->();
    $server->configure(http => tls_server(cert => 'www-unpinned'));
    $server->set_clock(day(1, 3700));
    findings_are($server->reload_refused, ['locks-out-clients error'], 'later it has been sent to others');
    $server->stop;

    $server = $forgotten->();
    $server->reload;
    $server->set_clock(day(1, 60));
    $server->configure(http => tls_server(cert => 'www-unpinned'));
    findings_are($server->reload_refused, ['locks-out-clients error'], 'a load that goes on sending it is a new begin');
    $server->stop;
    $server->no_alerts;
};

subtest 'certificates by variable' => sub {
    my $variable = "server {\n listen 127.0.0.1:{{port:tls}} ssl;\n server_name www.example.com;\n"
        . " ssl_certificate {{pki}}/chains/\$arg_x.pem;\n ssl_certificate_key {{pki}}/keys/\$arg_x.pem;\n %s\n}\n";
    my $server = stopped();
    $server->set_clock(day(2));
    $server->configure(http => sprintf $variable, '');
    findings_are($server->test_config, ['chain-unknown error'], 'what is served cannot be known');
    $server->configure(http => sprintf $variable, 'hpkp_served_chain {{pki}}/chains/www.pem;');
    findings_are($server->test_config, [], 'unless it is said');
    $server->configure(http => sprintf $variable, 'hpkp_served_chain {{pki}}/chains/www-unpinned.pem;');
    findings_are($server->test_config, ['locks-out-clients error'], 'and judged');
    $server->configure(http => sprintf $variable, '');
    $server->set_clock(day(31, 300));
    findings_are($server->test_config, [], 'when nobody holds anything, nobody asks');
};

subtest 'how the clients compare' => sub {
    # Another leaf by the same authority: what chain and sent accept, and leaf does not.
    my @pins = (pins => [qw(www int-a backup-2 backup-3)]);
    for my $case ([ '[chain]', 0 ], [ '[sent]', 0 ], [ '[leaf]', 1 ], [ '[chain, leaf]', 1 ]) {
        my ($clients, $refused) = @$case;
        my $server = stopped(pins_yaml => policy(@pins, clients => $clients));
        $server->set_clock(day(2));
        $server->configure(http => tls_server(cert => 'www-renewed'));
        findings_are($server->test_config, [ $refused ? 'locks-out-clients error' : () ], $clients);
    }
};

subtest 'by the stores of then' => sub {
    my $pki = HPKP::CrossPKI->new;
    my %was = (pki => $pki, files => { 'roots/a.pem' => $pki->certificates('root-a') },
        pins_yaml => "trust: {a: roots/a.pem}\n" . policy(pins => [qw(root-a backup-1 backup-2)]));
    my $server = stopped(%was);
    $server->set_clock(day(2));
    $server->configure(http => tls_server());
    findings_are($server->test_config, [], 'the root that is not sent proves the chain, without a policy too');
    $server->configure(http => tls_server(cert => 'www-by-b'));
    has_finding($server->test_config, 'locks-out-clients', 'error', says => qr/HPKP Cross Intermediate B +pin-sha256/,
        name => 'another root');
    unlink $server->file('conf/roots/a.pem');
    $server->configure(http => tls_server());
    findings_are($server->test_config, ['locks-out-clients error'], 'the store is gone: the certificates sent must do');
    $server->configure(http => tls_server(cert => 'www-renewed'));
    findings_are($server->test_config, [], 'and a backup\'s key does');
};

done_testing;
