# A good configuration starts and sends exactly the header of the policy; a wrong one does not start, and says why.

use lib 't/lib';
use HPKP::Test;
use Digest::SHA qw(sha256_hex);
use File::Find;

my $report = 'https://reports.example.net/pkp';

subtest 'accepted' => sub {
    my $server = site(pins_yaml => policy(enforce => qq({max-age: 30d, includeSubDomains: true, report-uri: "$report"})));

    my %before = snapshot($server);
    my $test = $server->test_config;
    accepted($test, 'nginx -t');
    unlike($test->{err}, qr/hpkp: /, 'and silent about it');
    my %after = snapshot($server);
    is_deeply(\%after, \%before, 'and writes nothing');

    $server->start;
    unlike($server->stderr, qr/hpkp: /, 'a start is as silent');
    my $answer = fetch($server, '/');
    is($answer->{status}, 200, 'it serves');
    one_header($answer, pins_header($server, max_age => 2592000, subdomains => 1, report_uri => $report), 'the header');
    like($answer->{head}, qr/^Public-Key-Pins: max-age=2592000; pin-sha256="/m, 'byte for byte as RFC 7469 writes it');
    ok($server->stop, 'it stops');
    $server->no_alerts;
};

subtest 'report-only, and both headers' => sub {
    my $server = site(pins_yaml => policy(report_only => qq({report-uri: "$report"})));
    my $name = 'Public-Key-Pins-Report-Only';

    $server->start;
    my $answer = fetch($server, '/');
    is_deeply([ values_of($answer, $name) ], [ pins_header($server, report_uri => $report) ], 'report-only has no max-age');
    is_deeply([ values_of($answer, 'Public-Key-Pins') ], [], 'and comes alone');

    # Tomorrow's pins beside today's: report-only has a list of its own.
    $server->write('conf/pins.yaml', policy(enforce => '{max-age: 5m}', report_only => qq({report-uri: "$report",)
        . ' pins: [{pin-sha256: "{{pin:int-a}}"}, {pin-sha256: "{{pin:backup-3}}"}, {pin-sha256: "{{pin:backup-2}}"}]}'));
    $server->reload;
    $answer = fetch($server, '/');
    one_header($answer, pins_header($server, max_age => 300), 'enforced');
    is_deeply([ values_of($answer, $name) ], [ pins_header($server, pins => [qw(int-a backup-3 backup-2)],
            report_uri => $report) ], 'report-only with its own pins');

    # max-age 0 un-pins, and keeps its pins: some clients ignore a header without.
    $server->write('conf/pins.yaml', policy(enforce => '{max-age: 0}'));
    $server->reload;
    one_header(fetch($server, '/'), pins_header($server, max_age => 0), 'max-age 0');

    $server->write('conf/pins.yaml', policy(guard => '{}'));
    $server->reload;
    no_header(fetch($server, '/'), 'a guard sends nothing');
    $server->stop;
    $server->no_alerts;
};

subtest 'refused' => sub {
    my $server = site(cert => 'www-unpinned');
    my $run = $server->start_refused;

    refused($run, 'the start');
    my @at = (place($server->line_of(qr/www:/, 'conf/pins.yaml')), $server->server_line('www.example.com'));
    has_finding($run, 'no-pin-in-chain', 'error', at => \@at, name => 'said on stderr');
    has_finding($server->log, 'no-pin-in-chain', 'error', at => \@at, name => 'and in the log');

    my $test = $server->test_config;
    refused($test, 'nginx -t');
    is_deeply([ findings($test->{err}) ], [ findings($run->{err}) ], 'says the same');

    # A certificate's pin is what to put in the policy: it is printed.
    my $pin = $server->pki->pin('www-unpinned');
    like($run->{err}, qr/pin-sha256="\Q$pin\E"/, 'the pins of the chain are shown');
    is(scalar(grep { length > 2047 } split /\n/, $run->{err}), 0, 'no line is too long for nginx');
    $server->no_alerts;
};

subtest 'six mistakes in two servers' => sub {
    my $server = HPKP::Server->new(
        http => tls_server(extra => 'hpkp_policy pins.yaml www;')
            . tls_server(name => 'other.example.com', cert => 'other', extra => 'hpkp_policy pins.yaml other;'),
        files => { 'pins.yaml' => <<'YAML' });
version: 1
policies:
  www:
    pins:
      - pin-sha256: "{{pin:int-b}}"
      - pin-sha256: "{{pin:backup-1}}"
      - pin-sha256: "{{pin:backup-2}}"
    enforce:
      max-age: 30d
      includeSubdomains: true
      report-uri: ftp://reports.example.net/pkp
  other:
    pins:
      - pin-sha256: "{{pin:other}}"
      - pin-sha256: "{{pin:int-b}}"
    enforce:
      max-age: soon
    report-only: {}
YAML
    my $www = $server->server_line('www.example.com');
    my $other = $server->server_line('other.example.com');
    my $run = $server->test_config;

    refused($run, 'exit 1');
    has_finding($run, 'unknown-key', 'error', at => ['pins.yaml:10:7'], says => qr/includeSubDomains/);
    has_finding($run, 'report-uri-invalid', 'error', at => ['pins.yaml:11:19'], says => qr{ftp://});
    has_finding($run, 'no-pin-in-chain', 'error', at => [ 'pins.yaml:3:3', "in $www" ], says => qr/"www"/);
    has_finding($run, 'bad-value', 'error', at => ['pins.yaml:17:16'], says => qr/max-age.*soon|soon.*max-age/);
    has_finding($run, 'report-only-needs-report-uri', 'error', at => ['pins.yaml:18:']);
    has_finding($run, 'no-backup-pin', 'error', at => [ 'pins.yaml:12:3', "in $other" ], says => qr/"other"/);
    like($run->{err}, qr/hpkp: 6 errors, \d+ warnings?: configuration refused/, 'all six are counted');
    is(scalar(grep { !length $_->{remedy} } findings($run->{err})), 0, 'each with a remedy');
    is(scalar(grep { $_->{level} eq 'emerg' } findings($run->{err})), 6, 'each once');
};

done_testing;

# What nginx -t must not touch: everything but nginx's own log, pid file and temporary directories.
sub snapshot {
    my ($server) = @_;
    my %seen;

    find({ no_chdir => 1, wanted => sub {
        my $name = substr $_, length $server->prefix;
        return if $name =~ m{^/(?:logs|temp|nginx\.pid)} || $name eq '';   # '' has the time of nginx.pid
        # A directory is known by what is in it: nginx -t makes its pid file, and so changes the time of the prefix.
        my ($mode, $owner, $size, $time) = (stat)[2, 4, 7, 9];
        $seen{$name} = -f $_ ? join(' ', $mode, $owner, $size, $time, sha256_hex(read_text($_))) : join(' ', $mode, $owner);
    } }, $server->prefix);
    return %seen;
}

# A policy's place is its name's: "FILE:LINE" of a key that is indented by two.
sub place { return "$_[0]:3" }
