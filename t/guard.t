# A guard with a last day: its clients hold the pins to the end of that day, UTC, whatever is configured meanwhile; after
# it the guard is ignored, with a warning.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(entries time_text seconds_of day);

my $policy = 'hpkp_policy pins.yaml;';
my $last_day = substr day(20), 0, 10;
my $over = substr(day(21), 0, 10) . ' 00:00:00';    # the first second after it
my $before = time_text(seconds_of($over) - 60);
my $unpinned = tls_server(cert => 'www-unpinned');

sub guarded {
    my ($until, %part) = @_;
    my $more = $part{subdomains} ? ', includeSubDomains: true' : '';
    return policy(guard => $until ? "{until: $until$more}" : '{}', %part);
}

sub guard_site {
    my ($until, %part) = @_;
    return site(clock => day(0), pins_yaml => guarded($until, %part), ledger => 'fresh', name => $part{host} // 'www.example.com');
}

subtest 'while it is configured' => sub {
    my $server = guard_site($last_day);
    findings_are($server->test_config, [], 'accepted in silence');
    $server->start;
    no_header(fetch($server, '/'), 'nothing is sent');
    $server->configure(http => tls_server(cert => 'www-unpinned', extra => $policy));
    $server->set_clock(day(1));
    findings_are($server->reload_refused, [ 'locks-out-clients error', 'no-pin-in-chain error' ], 'a chain that does not match');

    # The last day counts to its end.
    $server->set_clock($before);
    findings_are($server->reload_refused, [ 'locks-out-clients error', 'no-pin-in-chain error' ], 'on its last evening');
    $server->set_clock($over);
    my $run = $server->reload;
    findings_are($run, ['guard-over warning'], 'after it');
    has_finding($run, 'guard-over', 'warning', at => ['pins.yaml:8:'], says => qr/"www"/, name => 'says which');
    is(fetch($server, '/')->{status}, 200, 'it serves');
    $server->stop;
    $server->no_alerts;

    $server->configure(http => "hpkp_strict on;\n" . tls_server(extra => $policy));
    refused($server->test_config, 'under hpkp_strict it refuses');
};

subtest 'after it has been dropped' => sub {
    my $server = guard_site($last_day)->start;
    $server->set_clock(day(1));
    $server->configure(http => tls_server());
    findings_are($server->reload, [], 'with the same chain');
    $server->configure(http => $unpinned);
    $server->set_clock($before);
    my $run = $server->reload_refused;
    my $found = has_finding($run, 'locks-out-clients', 'error', says => qr/hold policy "www" until \Q$over\E UTC/, name => 'another chain');
    like($found->{details}[0], qr/a guard whose last clients are gone on \Q$over\E UTC/, 'says that it was a guard');
    like($found->{remedy}, qr/accepted from \Q$over\E UTC/, 'and until when');
    $server->set_clock($over);
    findings_are($server->reload, [], 'after its last day');
    $server->stop;
    $server->no_alerts;

    # Stopping nginx does not take the pins out of the app.
    $server = guard_site($last_day)->start;
    $server->stop;
    $server->configure(http => $unpinned);
    $server->set_clock($before);
    findings_are($server->test_config, ['locks-out-clients error'], 'after an end');
    $server->set_clock($over);
    findings_are($server->test_config, [], 'to its last day');
};

subtest 'the last day changes' => sub {
    my $server = guard_site($last_day)->start;
    $server->write('conf/pins.yaml', guarded(substr day(10), 0, 10));
    $server->reload;
    $server->set_clock(day(12));
    $server->configure(http => $unpinned);
    findings_are($server->reload_refused, ['locks-out-clients error'], 'an earlier one does not lift the later one');
    $server->stop;

    $server = guard_site($last_day)->start;
    $server->write('conf/pins.yaml', guarded(substr day(30), 0, 10));
    $server->reload;
    $server->configure(http => $unpinned);
    $server->set_clock(day(30));
    my $run = $server->reload_refused;
    like($run->{err}, qr/accepted from \Q@{[ substr day(31), 0, 10 ]} 00:00:00\E UTC/, 'a later one holds longer');
    $server->stop;
};

subtest 'its scope' => sub {
    # The first server of an address answers to what its certificate covers: that is none of these hosts.
    my $sub = tls_server(name => 'first.example.org', cert => 'local') . tls_server(name => 'sub.example.com', cert => 'wildcard');
    for my $subdomains (0, 1) {
        my $server = guard_site($last_day, subdomains => $subdomains, host => 'example.com')->start;
        $server->set_clock(day(1));
        $server->stop;
        $server->configure(http => $sub);
        findings_are($server->test_config, [ $subdomains ? 'locks-out-clients error' : () ], "includeSubDomains: $subdomains");
    }
};

subtest 'without a last day' => sub {
    my $server = guard_site(undef)->start;
    is(scalar(entries($server)), 0, 'it is no entry') if -e HPKP::Ledger::ledger_file($server);
    $server->configure(http => tls_server(cert => 'www-unpinned', extra => $policy));
    findings_are($server->reload_refused, ['no-pin-in-chain error'], 'it holds for as long as it is configured');
    $server->configure(http => $unpinned);
    findings_are($server->reload, [], 'and no longer');
    $server->stop;
    $server->no_alerts;
};

subtest 'beside a header' => sub {
    # The guard ends, the header stays.
    my $server = site(clock => day(0), pins_yaml => policy(enforce => '{max-age: 7d}', guard => "{until: $last_day}"))->start;
    $server->set_clock($over);
    findings_are($server->reload, ['guard-over warning'], 'the guard is over');
    one_header(fetch($server, '/'), pins_header($server, max_age => 7 * 86400), 'the header is sent');
    $server->configure(http => tls_server(cert => 'www-unpinned', extra => $policy));
    findings_are($server->reload_refused, [ 'guard-over warning', 'locks-out-clients error', 'no-pin-in-chain error' ],
        'and holds');
    $server->stop;
    $server->no_alerts;
};

done_testing;
