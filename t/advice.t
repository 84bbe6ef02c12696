# Advice that only somebody who remembers can give: never-report-only, not-rehearsed, max-age-jump. It warns.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(day);

my $report = 'https://reports.example.net/pkp';
my $policy = 'hpkp_policy pins.yaml;';

sub fresh { return site(ledger => 'fresh', clock => day(0), @_) }

sub enforced { return policy(enforce => "{max-age: $_[0]}") }

# Reloads with a max-age; what it warns of.
sub reloaded {
    my ($server, $max_age, $want, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $server->write('conf/pins.yaml', enforced($max_age));
    findings_are($server->reload, [ map { "$_ warning" } @$want ], $name);
}

subtest 'a first policy' => sub {
    for my $case (
        [ '7d', 'never-report-only' ], [ '604801', 'never-report-only', 'not-rehearsed' ], [ '30d', 'never-report-only', 'not-rehearsed' ],
        ['0'], [ '5m', 'never-report-only' ],
    ) {
        my ($max_age, @want) = @$case;
        my $server = fresh(pins_yaml => enforced($max_age));
        my $run = $server->test_config;
        findings_are($run, [ map { "$_ warning" } @want ], "max-age $max_age");
        accepted($run, 'is accepted');
        has_finding($run, $_, 'warning', at => [ 'pins.yaml:8:', 'in ' . $server->server_line('www.example.com') ], says => qr/"www"/,
            name => "$_: place and words") for @want;
        refused(fresh(pins_yaml => enforced($max_age), http => "hpkp_strict on;\n")->test_config, 'refused under hpkp_strict') if @want;
    }
    findings_are(fresh(pins_yaml => $_)->test_config, [], 'nothing is enforced')
        for policy(report_only => qq({report-uri: "$report"})), policy(guard => '{}');
    findings_are(fresh(pins_yaml => enforced('{ramp: [{for: 1d, value: 1h}, {value: 30d}]}'))->test_config,
        [ 'never-report-only warning', 'not-rehearsed warning' ], 'a ramp is what it ends with');
};

subtest 'never-report-only' => sub {
    my $server = fresh(pins_yaml => policy(report_only => qq({report-uri: "$report"})))->start;
    reloaded($server, '7d', [], 'after report-only');
    $server->stop;

    $server = fresh(pins_yaml => enforced('7d'))->start;
    has_finding($server->stderr, 'never-report-only', 'warning', name => 'at the first start');
    findings_are($server->reload, [], 'once: then there was a policy');
    $server->configure(http => tls_server(name => 'www.example.com other.example.com', cert => 'both', extra => $policy));
    $server->write('conf/pins.yaml', policy(pins => [qw(www both backup-1 backup-2)], enforce => '{max-age: 7d}'));
    $server->configure(http => tls_server(extra => $policy) . tls_server(name => 'other.example.com', cert => 'both', extra => $policy));
    has_finding($server->reload, 'never-report-only', 'warning', at => [ 'in ' . $server->server_line('other.example.com') ],
        name => 'each host by itself');
    $server->stop;
    $server->no_alerts;
};

subtest 'not-rehearsed' => sub {
    my $server = fresh(pins_yaml => enforced('30d'), clock => day(0))->start;
    findings_are($server->reload, ['not-rehearsed warning'], 'one key');
    $server->set_clock(day(1));
    $server->configure(http => tls_server(cert => 'www-renewed', extra => $policy));
    $server->reload;
    findings_are($server->reload, [], 'a change of key, lived through');
    $server->configure(http => tls_server(cert => 'www', extra => $policy));
    findings_are($server->reload, [], 'which is not forgotten');
    $server->stop;
    $server->no_alerts;

    # A renewal with the same key is no change; nor are two certificates from the start.
    $server = fresh(pins_yaml => policy(pins => [qw(www www-rsa backup-1 backup-2)], enforce => '{max-age: 30d}'), certs => [qw(www www-rsa)])
        ->start;
    findings_are($server->reload, ['not-rehearsed warning'], 'RSA beside ECDSA');
    $server->set_clock(day(1));
    $server->configure(http => tls_server(certs => [qw(www-by-b www-rsa)], extra => $policy));
    $server->reload;
    findings_are($server->reload, ['not-rehearsed warning'], 'the same key by another authority');
    $server->stop;
    $server->no_alerts;
};

subtest 'max-age-jump' => sub {
    my $server = site(pins_yaml => enforced('1h'), clock => day(0))->start;
    reloaded($server, '10h', [], 'ten times');
    reloaded($server, '100h 1s', ['max-age-jump'], 'a second more');
    reloaded($server, '100h 1s', [], 'said once: then that was sent');
    reloaded($server, '1h', [], 'down');
    reloaded($server, '11h', ['max-age-jump'], 'and up again');
    reloaded($server, '0', [], 'max-age 0');
    reloaded($server, '5m', [], 'from a lower one than ever');
    $server->write('conf/pins.yaml', policy(name => 'renamed', pins => [qw(www backup-2 backup-3)], enforce => '{max-age: 7d}'));
    my $run = $server->reload;
    findings_are($run, ['max-age-jump warning'], 'neither another name nor other pins hide it');
    has_finding($run, 'max-age-jump', 'warning', at => [ 'pins.yaml:8:', 'in ' . $server->server_line('www.example.com') ],
        says => qr/5 minutes to 7 days.*\n.*ramp/s, name => 'place and words');
    $server->stop;

    $server = site(pins_yaml => enforced('1m'))->start;
    reloaded($server, '{ramp: [{for: 1h, value: 5m}, {value: 7d}]}', [], 'a ramp jumps as it pleases');
    $server->stop;
    $server->no_alerts;
};

done_testing;
