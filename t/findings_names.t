# Findings that host names give rise to: which names a certificate covers, which clients never pin, and servers in
# each other's scope.

use lib 't/lib';
use HPKP::Test;

my $policy = 'hpkp_policy pins.yaml;';

# A second TLS server, on a port of its own or beside the first. (The first is its port's default server, and has the
# names in its certificate too unless a server beside it has them.)
sub elsewhere { return more => tls_server(port => 'elsewhere', @_) }
sub beside    { return more => tls_server(@_) }

check_cases(
    { case => 'a name that the certificate does not cover', want => ['name-not-covered warning'],
        name => 'www.example.org', says => qr/www\.example\.org/, at => ['server www.example.org'] },
    { case => 'one of several names', want => ['name-not-covered warning'], name => 'www.example.com nothere.example.com',
        says => qr/nothere\.example\.com/ },
    { case => 'a wildcard certificate', want => [], cert => 'wildcard', name => 'a.example.com *.example.com',
        pins_yaml => policy(pins => [qw(wildcard backup-1 backup-2)]) },
    { case => 'a wildcard covers one label', want => ['name-not-covered warning'], cert => 'wildcard', name => 'a.b.example.com',
        pins_yaml => policy(pins => [qw(wildcard backup-1 backup-2)]), says => qr/a\.b\.example\.com/ },
    { case => 'and not its own domain', want => ['name-not-covered warning'], cert => 'wildcard', name => 'example.com',
        pins_yaml => policy(pins => [qw(wildcard backup-1 backup-2)]) },
    { case => 'upper case', want => [], name => 'WWW.Example.COM' },

    (map { +{ case => "server_name '$_'", want => [], name => $_ } } '_', '""', ''),
);

# Whether a name that nobody pins is covered by the certificate is no question worth an answer; it may be said.
for my $case (
    [ 'ip-host', '192.0.2.1' ], [ 'ip-host', '[2001:db8::1]' ], [ 'unqualified-host', 'localhost' ],
    [ 'regex-host', '~^www\d+\.example\.com$' ],
) {
    my ($id, $name) = @$case;
    my $server = site(name => "www.example.com $name");
    my $run = $server->test_config;
    has_finding($run, $id, 'warning', at => [ 'in ' . $server->server_line($name) ], says => qr/\Q@{[ $name =~ s{^~}{}r ]}\E/,
        name => "server_name $name");
    accepted($run, 'a warning');
    refused(site(name => "www.example.com $name", http => 'hpkp_strict on;')->test_config, 'an error under hpkp_strict');
}

my %sub = (pins_yaml => policy(enforce => '{max-age: 30d, includeSubDomains: true}'));
my $again = policy(pins => [qw(int-a www backup-1 backup-2)]);

check_cases(
    # The same name on another port is the same host to a client.
    { case => 'same name, other port, other key', want => ['scope-conflict error'], says => qr/www\.example\.com/,
        elsewhere(cert => 'www-unpinned', name => 'www.example.com second.example.com'),
        at => [ 'pins.yaml:3:3', 'server second.example.com' ] },
    { case => 'same name, other port, same key', want => [], elsewhere(cert => 'www-by-b') },
    { case => 'other name', want => [], elsewhere(cert => 'other', name => 'other.example.com') },
    { case => 'max-age 0 conflicts with nothing', want => [], elsewhere(cert => 'www-unpinned'),
        pins_yaml => policy(enforce => '{max-age: 0}') },
    { case => 'nor does report-only', want => [], elsewhere(cert => 'www-unpinned'),
        pins_yaml => policy(report_only => '{report-uri: "https://reports.example.net/"}') },
    { case => 'a guard does', want => ['scope-conflict error'], elsewhere(cert => 'www-unpinned'),
        pins_yaml => policy(guard => '{}') },
    { case => 'a wildcard name covers it', want => ['scope-conflict error'],
        elsewhere(cert => 'www-unpinned', name => '*.example.com') },

    { case => 'a subdomain under includeSubDomains', want => ['scope-conflict error'], %sub, name => 'example.com',
        beside(cert => 'www-unpinned'), says => qr/www\.example\.com/, at => [ 'pins.yaml:3:3', 'server www.example.com' ] },
    { case => 'without includeSubDomains', want => [], name => 'example.com', beside(cert => 'www-unpinned') },
    { case => 'a subdomain with a pinned key', want => [], %sub, name => 'example.com', beside(cert => 'www-by-b') },
    { case => 'a subdomain of a guard', want => ['scope-conflict error'], name => 'example.com', beside(cert => 'www-unpinned'),
        pins_yaml => policy(guard => '{includeSubDomains: true}') },
    { case => 'a plain subdomain', want => [], %sub, name => 'example.com',
        more => "server {\n listen 127.0.0.1:{{port:plain}};\n server_name www.example.com;\n}\n" },
    { case => 'the parent is not in scope', want => [], %sub, beside(cert => 'www-unpinned', name => 'example.com') },
    { case => 'a name that only ends alike', want => [], %sub, name => 'example.com',
        beside(cert => 'other', name => 'otherexample.com') },

    # A default server answers to the names in its certificates.
    { case => 'the names of a default server\'s certificate', want => ['scope-conflict error'], name => '_',
        elsewhere(cert => 'www-unpinned') },
    { case => 'of another default server\'s', want => ['scope-conflict error'], elsewhere(cert => 'www-unpinned', name => '_') },
    { case => 'unless another server of that address has them', want => [],
        more => tls_server(port => 'elsewhere', cert => 'www-unpinned', name => '_')
            . tls_server(port => 'elsewhere', name => 'www.example.com example.com') },

    # Two policies for one host: the last one seen wins.
    { case => 'two enforced policies for one name', want => ['policy-flapping warning'], says => qr/\bexample\.com/,
        elsewhere(extra => 'hpkp_policy again.yaml;'), files => { 'again.yaml' => $again } },
    { case => 'the same policy for one name', want => [], elsewhere(extra => $policy) },
    { case => 'two policies for two names', want => [], beside(name => 'example.com', extra => 'hpkp_policy again.yaml;'),
        files => { 'again.yaml' => $again } },
);

done_testing;
