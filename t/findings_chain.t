# Findings that the served chain gives rise to: which certificates match, who compares what, dates.

use lib 't/lib';
use HPKP::Test;

my $report = 'https://reports.example.net/pkp';
my $tomorrow = 'pins: [' . join(', ', map { qq({pin-sha256: "{{pin:$_}}"}) } qw(int-b backup-1 backup-2)) . ']';
my $pki = HPKP::PKI->new;

# Policies for the chain leaf www, int-a (root-a).
check_cases(
    { case => 'no pin in the chain', want => ['no-pin-in-chain error'], cert => 'www-unpinned',
        at => [ 'pins.yaml:3:3', 'server www.example.com' ], says => qr/\Q@{[ $pki->pin('www-unpinned') ]}\E/ },
    { case => 'its issuer\'s pin is shown too', want => ['no-pin-in-chain error'], cert => 'www-unpinned',
        says => qr/HPKP Test Intermediate B.*\Q@{[ $pki->pin('int-b') ]}\E/ },
    { case => 'the leaf', want => [] },
    { case => 'the intermediate', want => [], pins_yaml => policy(pins => [qw(int-a backup-1 backup-2)]) },
    { case => 'the renewed leaf', want => [], cert => 'www-renewed',
        pins_yaml => policy(pins => [qw(backup-1 backup-2 backup-3)]) },
    { case => 'the same key by another CA', want => [], cert => 'www-by-b' },
    { case => 'a key in use is no backup', want => ['single-backup warning'], cert => 'www-renewed',
        pins_yaml => policy(pins => [qw(backup-1 backup-2)]) },
    { case => 'a root that is sent', want => ['root-only-pin warning'], cert => 'www-with-root',
        pins_yaml => policy(pins => [qw(root-a backup-1 backup-2)]) },

    { case => 'every pin is in the chain', want => [ 'no-backup-pin error', 'single-backup warning' ],
        at => [ 'pins.yaml:3:3', 'server www.example.com' ], pins_yaml => policy(pins => [qw(www int-a)]) },
    { case => 'a retired pin is no backup', want => [ 'no-backup-pin error', 'single-backup warning' ],
        pins_yaml => policy(pins => [ 'www', 'int-a', 'pin-sha256: "{{pin:backup-1}}", retired: true' ]) },
    { case => 'one pin is not in it', want => ['single-backup warning'], pins_yaml => policy(pins => [qw(www int-a backup-1)]) },

    { case => 'a pin of a superfluous certificate', want => ['off-path-pin warning'], cert => 'www-superfluous',
        at => [ 'pins.yaml:', 'server www.example.com' ], says => qr/int-b.*HPKP Test Intermediate B/,
        pins_yaml => policy(pins => [qw(www int-b backup-1)]) },
    { case => 'and of nothing else', want => [ 'no-pin-in-chain error', 'off-path-pin warning' ], cert => 'www-superfluous',
        pins_yaml => policy(pins => [qw(int-b backup-1 backup-2)]) },
    { case => 'the same pins where it is not sent', want => [], pins_yaml => policy(pins => [qw(www int-b backup-1)]) },

    { case => 'clients that look at the leaf', want => ['leaf-without-pin error'],
        at => [ 'pins.yaml:3:3', 'server www.example.com' ],
        pins_yaml => policy(pins => [qw(int-a backup-1 backup-2)], clients => '[leaf]') },
    { case => 'both kinds', want => ['leaf-without-pin error'],
        pins_yaml => policy(pins => [qw(int-a backup-1 backup-2)], clients => '[chain, leaf]') },
    { case => 'the leaf is pinned', want => [], pins_yaml => policy(clients => '[leaf, chain, sent]') },
    { case => 'clients that look at what is sent', want => ['sent-without-pin error'], cert => 'www-unpinned',
        at => [ 'pins.yaml:3:3', 'server www.example.com' ], pins_yaml => policy(clients => '[sent]') },
    { case => 'sent and chain', want => [ 'sent-without-pin error', 'no-pin-in-chain error' ], cert => 'www-unpinned',
        pins_yaml => policy(clients => '[chain, sent]') },
    { case => 'an intermediate is sent', want => [],
        pins_yaml => policy(pins => [qw(int-a backup-1 backup-2)], clients => '[sent]') },

    # Leaves live 800 days, less what has gone by since the PKI was made.
    { case => 'the leaf ends first', want => [ 'leaf-expires-first warning', 'max-age-long warning' ],
        at => ['server www.example.com'], pins_yaml => policy(enforce => '{max-age: 900d}') },
    { case => 'the intermediate matches too', want => ['max-age-long warning'],
        pins_yaml => policy(pins => [qw(www int-a backup-1 backup-2)], enforce => '{max-age: 900d}') },
    { case => 'an expired leaf', want => ['chain-expired warning'], cert => 'expired', at => ['server www.example.com'],
        pins_yaml => policy(pins => [qw(expired int-a backup-1 backup-2)]) },
    { case => 'an expired leaf without pin', want => [ 'no-pin-in-chain error', 'chain-expired warning' ], cert => 'expired' },

    # Report-only is checked as well, unless it says that it is about tomorrow.
    { case => 'report-only', want => ['no-pin-in-chain error'], cert => 'www-unpinned', at => ['server www.example.com'],
        pins_yaml => policy(report_only => qq({report-uri: "$report"})) },
    { case => 'report-only with allow-mismatch', want => ['no-pin-in-chain warning'], cert => 'www-unpinned',
        pins_yaml => policy(report_only => qq({report-uri: "$report", allow-mismatch: true})) },
    { case => 'allow-mismatch without backup', want => [ 'no-backup-pin warning', 'single-backup warning' ],
        pins_yaml => policy(pins => [qw(www int-a)], report_only => qq({report-uri: "$report", allow-mismatch: true})) },
    { case => 'allow-mismatch does not help the enforced half', want => ['no-pin-in-chain error'], cert => 'www-unpinned',
        pins_yaml => policy(enforce => '{max-age: 1d}', report_only => qq({report-uri: "$report", allow-mismatch: true})) },
    { case => 'pins of tomorrow', want => ['no-pin-in-chain warning'],
        pins_yaml => policy(enforce => '{max-age: 1d}',
            report_only => qq({report-uri: "$report", allow-mismatch: true, $tomorrow})) },
    { case => 'pins of tomorrow without saying so', want => ['no-pin-in-chain error'],
        pins_yaml => policy(enforce => '{max-age: 1d}',
            report_only => qq({report-uri: "$report", $tomorrow})) },

    { case => 'no TLS', want => ['server-not-tls error'], at => ['server plain.example.com'], server => '',
        more => "server {\n listen 127.0.0.1:{{port:plain}};\n server_name plain.example.com;\n hpkp_policy pins.yaml;\n}\n" },
    { case => 'no TLS, inherited', want => [], http => "hpkp_policy pins.yaml;\n", server => '',
        more => "server {\n listen 127.0.0.1:{{port:plain}};\n server_name plain.example.com;\n}\n" },
    { case => 'off', want => [], cert => 'www-unpinned', http => "hpkp_policy pins.yaml;\n", server => 'hpkp_policy off;' },
);

subtest 'one finding for many servers' => sub {
    my $server = site(pins_yaml => policy(), server => '', cert => 'www-unpinned', http => "hpkp_policy pins.yaml;\n",
        more => join '', map { tls_server(name => "$_.example.com", cert => 'www-unpinned') } qw(a b c d));
    my $run = $server->test_config;
    my @same = grep { $_->{id} eq 'no-pin-in-chain' } findings($run->{err});

    is(scalar @same, 1, 'printed once');
    like($same[0]{says}, qr/\(3 of 5 servers\)/, 'with three of its servers and their number');
    like($same[0]{says}, qr/\Q@{[ $server->server_line('www.example.com') ]}\E(?!\d)/, 'the first of them');
};

subtest 'a server in an included file' => sub {
    my $site = "# nginx names this file\n" . tls_server(cert => 'www-unpinned', extra => 'hpkp_policy pins.yaml;');
    my $server = HPKP::Server->new(http => "include sites/*.conf;\n",
        files => { 'pins.yaml' => policy(), 'sites/www.conf' => $site });
    has_finding($server->test_config, 'no-pin-in-chain', 'error', name => 'is found there',
        at => [ 'pins.yaml:3:3', 'in ' . $server->file('conf/sites/www.conf:2') ]);
};

subtest 'a backup is one for all servers of the policy' => sub {
    my $two = tls_server(name => 'www.example.com', extra => 'hpkp_policy pins.yaml;')
        . tls_server(name => 'example.com', cert => 'www-renewed', extra => 'hpkp_policy pins.yaml;');
    my $server = HPKP::Server->new(http => $two, files => { 'pins.yaml' => policy() });
    has_finding($server->test_config, 'single-backup', 'warning', at => ['pins.yaml:3:3'],
        name => 'backup-1 is in use by the other server');
};

subtest 'several policies in one context' => sub {
    my $app = sub { policy(name => 'app', pins => [ $_[0], 'backup-1', 'backup-2' ], @_[ 1, 2 ]) };
    my $server = site(server => "hpkp_policy pins.yaml;\nhpkp_policy app.yaml;",
        files => { 'app.yaml' => $app->('int-b', guard => '{}') });
    has_finding($server->test_config, 'no-pin-in-chain', 'error', at => ['app.yaml:3:3'], says => qr/"app"/,
        name => 'each guard must hold');

    $server->write('conf/app.yaml', $app->('int-a', guard => '{}'));
    findings_are($server->test_config, [], 'and here does');
    $server->write('conf/app.yaml', $app->('int-a', report_only => qq({report-uri: "$report"})));
    findings_are($server->test_config, [], 'one header from each');
    $server->write('conf/app.yaml', $app->('int-a', enforce => '{max-age: 1d}'));
    my $run = $server->test_config;
    is($run->{exit}, 1, 'the same header from both is refused');
    like($run->{err}, qr/\[emerg\].*nginx\.conf:\d+/, 'with a place');
};

done_testing;
