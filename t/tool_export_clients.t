# hpkp export and the clients themselves: what it writes lets them in where a pin is served, and keeps them out where not.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger ();

need_tools(qw(curl wget2 openssl));
my $tool = HPKP::Ledger::tool();

# localhost, since Wget2 cannot be told where a name is.
my $server = site(name => 'localhost', cert => 'local', ledger => 'fresh',
    pins_yaml => policy(pins => [qw(local backup-1)], enforce => '{max-age: 1d}', report_only => '{report-uri: "https://r.example.net/"}',
        clients => '[chain, leaf]'))->start;
my $pki = $server->pki;
my $port = $server->port('tls');
my $roots = $pki->dir . '/roots.pem';

# What the tool makes of a policy with these pins.
sub exported {
    my ($format, $pins, @arguments) = @_;
    $server->write('conf/exported.yaml', policy(pins => $pins, enforce => '{max-age: 1d}', clients => '[leaf]'));
    return output_of($tool, 'export', '--to', $format, $server->file('conf/exported.yaml'), @arguments);
}

my %pins = (right => [qw(local backup-1)], second => [qw(backup-1 local)], wrong => [qw(backup-1 backup-2)]);

subtest 'curl' => sub {
    my %exit = (right => 0, second => 0, wrong => 90);
    for my $which (sort keys %exit) {
        chomp(my $value = exported('curl', $pins{$which}));
        my $run = run_command([ 'curl', '-sS', '--max-time', 10, '--noproxy', '*', '--cacert', $roots, '--pinnedpubkey', $value, "https://localhost:$port/" ]);
        is($run->{exit}, $exit{$which}, "$which pins: exit $exit{$which}") or diag($run->{err});
    }
    chomp(my $value = exported('curl', [qw(int-a backup-1)], '--level', 'leaf'));
    is(run_command([ 'curl', '-sS', '--max-time', 10, '--noproxy', '*', '--cacert', $roots, '--pinnedpubkey', $value, "https://localhost:$port/" ])->{exit},
        90, 'an authority\'s pin keeps curl out: which is why, once a chain shows it, it is refused');
    $server->write('conf/exported.yaml', policy(pins => [qw(int-a backup-1)], guard => '{}'));
    is(run_command([ $tool, qw(export --to curl), $server->file('conf/exported.yaml'), '--chain', $pki->dir . '/chains/local.pem' ])->{exit}, 1, 'refused');
};

subtest 'wget2' => sub {
    my %exit = (right => 0, second => 0, wrong => 5);
    for my $which (sort keys %exit) {
        my $file = write_text($server->file("temp/hpkp-$which"), exported('wget2', $pins{$which}, '--host', 'localhost'));
        my $run = run_command([ 'wget2', '--no-config', '--quiet', '--tries=1', '--output-document=-', "--hpkp-file=$file", "--ca-certificate=$roots",
                "https://localhost:$port/" ], env => { HOME => $server->file('temp'), map { $_ => undef } qw(http_proxy https_proxy HTTPS_PROXY all_proxy) });
        is($run->{exit}, $exit{$which}, "$which pins: exit $exit{$which}") or diag($run->{err});
        is($run->{out}, $exit{$which} ? '' : "<p>index</p>\n", $exit{$which} ? 'no page' : 'the page');
    }
};

# OpenSSL 3.0 says "matched EE certificate", 3.6 "matched the EE certificate".
subtest 'DANE, by OpenSSL' => sub {
    my %verified = (right => 1, second => 1, wrong => 0);
    my $connect = sub {
        my ($zone, $count) = @_;
        my @records = map { /^_443\._tcp\.localhost\. IN TLSA (.*?)(?: ;.*)?$/ ? ('-dane_tlsa_rrdata', $1) : () } split /\n/, $zone;
        is(@records / 2, $count, "$count records");
        return run_command([ qw(openssl s_client -brief -verify_return_error -servername localhost -dane_tlsa_domain localhost), @records, '-CAfile',
                $roots, '-connect', "127.0.0.1:$port" ], stdin => "GET / HTTP/1.0\r\n\r\n");
    };
    for my $which (sort keys %verified) {
        my $run = $connect->(exported('tlsa', $pins{$which}, '--host', 'localhost'), 2);
        is($run->{exit} == 0, !!$verified{$which}, "$which pins") or diag($run->{err});
        like($run->{err}, qr/matched (?:the )?EE certificate/, 'by the record') if $verified{$which};
    }
    $server->write('conf/exported.yaml', policy(pins => [qw(int-a backup-1)], guard => '{}', clients => '[sent]'));
    my $run = $connect->(output_of($tool, qw(export --to tlsa), $server->file('conf/exported.yaml'), '--host', 'localhost',
            '--chain', $pki->dir . '/chains/local.pem'), 3);
    is($run->{exit}, 0, 'an authority\'s key that is sent') or diag($run->{err});
    like($run->{err}, qr/matched (?:the )?TA certificate/, 'as such');
};

subtest 'the header' => sub {
    my $answer = fetch($server, '/', host => 'localhost');
    my $lines = output_of($tool, qw(export --to header), $server->file('conf/pins.yaml'));
    is($lines, join('', map { my $name = $_; map { "$name: $_\n" } values_of($answer, $name) } qw(Public-Key-Pins Public-Key-Pins-Report-Only)),
        'as nginx sends it');
    like($lines, qr/^Public-Key-Pins: .*\nPublic-Key-Pins-Report-Only: .*\n$/, 'both');
};

$server->stop;
$server->no_alerts;
done_testing;
