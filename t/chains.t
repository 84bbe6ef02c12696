# What chain a server serves: taken from nginx itself, in each of the ways nginx can come by a certificate.

use lib 't/lib';
use HPKP::Test;
use POSIX qw(mkfifo);

my $policy = 'hpkp_policy pins.yaml;';

sub server_of {
    my ($http, %part) = @_;
    return HPKP::Server->new(http => $http, files => { 'pins.yaml' => policy(%part) });
}

subtest 'RSA and ECDSA in one server' => sub {
    my $http = tls_server(certs => [qw(www-rsa www)], extra => $policy);

    # The leaf pins of one of them are not enough; nor those of the other.
    for my $only (qw(www www-rsa)) {
        my $server = server_of($http, pins => [ $only, 'backup-1', 'backup-2' ]);
        my $run = $server->test_config;
        my $other = $only eq 'www' ? 'www-rsa' : 'www';
        has_finding($run, 'no-pin-in-chain', 'error', at => [ 'in ' . $server->server_line('www.example.com') ],
            says => qr/\Q@{[ $server->pki->pin($other) ]}\E/, name => "only $only is pinned");
        refused($run, 'is refused');
    }

    my $server = server_of($http, pins => [qw(www www-rsa backup-1 backup-2)]);
    accepted($server->test_config, 'both are pinned');
    $server->start;
    my %cipher = (www => 'ECDHE-ECDSA-AES128-GCM-SHA256', 'www-rsa' => 'ECDHE-RSA-AES128-GCM-SHA256');
    for my $cert (sort keys %cipher) {
        my $answer = fetch($server, '/', curl => [ '--tlsv1.2', '--tls-max', '1.2', '--ciphers', $cipher{$cert} ]);
        one_header($answer, pins_header($server, max_age => 2592000, pins => [qw(www www-rsa backup-1 backup-2)]),
            "sent over $cert");
    }
    $server->stop;
    $server->no_alerts;

    # One issuer for both: its pin covers both.
    accepted(server_of($http, pins => [qw(int-a backup-1 backup-2)])->test_config, 'the intermediate is pinned');
};

subtest 'a server without a certificate uses the default server\'s' => sub {
    my $named = "server {\n listen 127.0.0.1:{{port:tls}} ssl;\n server_name www.example.com;\n $policy\n}\n";

    my $server = server_of(tls_server(name => 'example.com') . $named);
    accepted($server->test_config, 'which fits');
    $server->start;
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000), 'and gets the header');
    no_header(fetch($server, '/', host => 'example.com'), 'while the default server has none');
    $server->stop;

    $server = server_of(tls_server(name => 'default.example.com', cert => 'www-unpinned') . $named);
    my $run = $server->test_config;
    has_finding($run, 'no-pin-in-chain', 'error', at => [ 'in ' . $server->server_line('www.example.com') ],
        name => 'which does not fit');

    # One listen address has a default that fits, another has one that does not.
    $server = server_of(tls_server(name => 'a.example.com', port => 'a') . tls_server(name => 'b.example.com', port => 'b',
            cert => 'www-unpinned') . "server {\n listen 127.0.0.1:{{port:a}} ssl;\n listen 127.0.0.1:{{port:b}} ssl;\n"
            . " server_name www.example.com;\n $policy\n}\n");
    has_finding($server->test_config, 'no-pin-in-chain', 'error', at => [ 'in ' . $server->server_line('www.example.com') ],
        says => qr/\Q@{[ $server->pki->pin('www-unpinned') ]}\E/, name => 'one of two defaults does not fit');
};

subtest 'certificates at http level' => sub {
    my $certs = "ssl_certificate {{pki}}/chains/%s.pem;\nssl_certificate_key {{pki}}/keys/%s.pem;\n";
    my $www = "server {\n listen 127.0.0.1:{{port:tls}} ssl;\n server_name www.example.com;\n}\n";
    my $plain = "server {\n listen 127.0.0.1:{{port:plain}};\n server_name plain.example.com;\n}\n";

    my $server = server_of(sprintf($certs, 'www', 'www') . "$policy\n$www$plain");
    my $run = $server->test_config;
    findings_are($run, [], 'inherited certificate and policy; the plain server has no chain');
    $server->start;
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000), 'over TLS');
    no_header(fetch($server, '/', plain => 1, host => 'plain.example.com'), 'not on the plain one');
    $server->stop;

    # Were the plain server's SSL_CTX taken for a chain, this would be refused.
    $server = server_of(sprintf($certs, 'www-unpinned', 'unpinned') . "$policy\n" . tls_server() . $plain);
    findings_are($server->test_config, [], 'an unpinned one that only the plain server inherits');

    $server = server_of(sprintf($certs, 'www-unpinned', 'unpinned') . "$policy\n$www$plain");
    $run = $server->test_config;
    has_finding($run, 'no-pin-in-chain', 'error', at => [ 'in ' . $server->server_line('www.example.com') ],
        name => 'an unpinned one');
    unlike($run->{err}, qr/\Q@{[ $server->server_line('plain.example.com') ]}\E(?!\d)/, 'says nothing of the plain server');

    $server = server_of(sprintf($certs, 'www-unpinned', 'unpinned') . "$policy\n" . tls_server()
        . "server {\n listen 127.0.0.1:{{port:tls}} ssl default_server;\n ssl_reject_handshake on;\n}\n");
    findings_are($server->test_config, [], 'a server that rejects handshakes has no chain');
    $server->start;
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000), 'the others go on');
    $server->stop;
};

subtest 'no ssl of its own' => sub {
    my $bare = "server {\n listen 127.0.0.1:{{port:tls}};\n server_name www.example.com;\n"
        . " ssl_certificate {{pki}}/chains/%s.pem;\n ssl_certificate_key {{pki}}/keys/%s.pem;\n $policy\n}\n";
    my $marks = tls_server(name => 'other.example.com', cert => 'other');

    my $server = server_of($marks . sprintf($bare, 'www', 'www'));
    findings_are($server->test_config, [], 'another server makes the address TLS');
    $server->start;
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000), 'so the header is sent');
    $server->stop;

    has_finding(server_of($marks . sprintf($bare, 'www-unpinned', 'unpinned'))->test_config, 'no-pin-in-chain', 'error',
        name => 'and the chain is checked');
    has_finding(server_of(sprintf($bare, 'www', 'www'))->test_config, 'server-not-tls', 'error',
        name => 'alone it speaks no TLS');
    has_finding(server_of(tls_server() . "server {\n listen 127.0.0.1:{{port:tls}} ssl;\n server_name no.example.com;\n"
            . " ssl_reject_handshake on;\n $policy\n}\n")->test_config, 'server-not-tls', 'error',
        name => 'a server that rejects handshakes');
};

subtest 'odd files' => sub {
    for my $cert (qw(www-odd-order www-with-root www-superfluous)) {
        my $server = server_of(tls_server(cert => $cert, extra => $policy), pins => [qw(int-a backup-1 backup-2)]);
        findings_are($server->test_config, [], "$cert: the intermediate is found");
        $server->start;
        one_header(fetch($server, '/'), pins_header($server, max_age => 2592000, pins => [qw(int-a backup-1 backup-2)]),
            'and sent');
        $server->stop;
    }

    my $server = server_of(tls_server(cert => 'www-superfluous', extra => $policy), pins => [qw(int-b backup-1 backup-2)]);
    has_finding($server->test_config, 'no-pin-in-chain', 'error', name => 'a superfluous certificate is not in the chain');

    $server = server_of(tls_server(cert => 'www-alone', extra => $policy), pins => [qw(int-a backup-1 backup-2)]);
    has_finding($server->test_config, 'no-pin-in-chain', 'error', name => 'an intermediate that is not sent');

    $server = server_of(tls_server(cert => 'self-signed', extra => $policy), pins => [qw(self-signed backup-1 backup-2)]);
    findings_are($server->test_config, [], 'a self-signed leaf');
};

subtest 'hpkp_served_chain' => sub {
    my $chain = 'hpkp_served_chain {{pki}}/chains/%s.pem;';
    my $secure = 'hpkp_secure $http_x_tls;';
    my $plain = "server {\n listen 127.0.0.1:{{port:plain}};\n server_name www.example.com;\n $policy\n %s\n}\n";

    my $server = server_of(sprintf $plain, sprintf($chain, 'www') . $secure);
    findings_are($server->test_config, [], 'a plain server in front of which TLS ends');
    has_finding(server_of(sprintf $plain, sprintf($chain, 'www-unpinned') . $secure)->test_config, 'no-pin-in-chain', 'error',
        name => 'a chain that does not match');
    has_finding(server_of(sprintf $plain, sprintf($chain, 'www') . sprintf($chain, 'www-unpinned') . $secure)->test_config,
        'no-pin-in-chain', 'error', says => qr/\Q@{[ $server->pki->pin('www-unpinned') ]}\E/,
        name => 'one of two does not match');
    findings_are(server_of(sprintf($plain, sprintf($chain, 'www') . sprintf($chain, 'www-rsa') . $secure),
            pins => [qw(www www-rsa backup-1)])->test_config, ['single-backup warning'], 'two that match');

    # It replaces the server's own certificate in every check.
    findings_are(server_of(tls_server(cert => 'www-unpinned', extra => $policy . sprintf $chain, 'www'))->test_config, [],
        'instead of the server\'s own');
    $server = server_of(tls_server(extra => $policy . sprintf $chain, 'www-unpinned'));
    has_finding($server->test_config, 'no-pin-in-chain', 'error', name => 'also where its own would match');

    $server = server_of(tls_server(extra => "$policy hpkp_served_chain served.pem;"));
    my $run = $server->test_config;
    has_finding($run, 'served-chain-unreadable', 'error', at => ['nginx.conf:'], says => qr{/conf/served\.pem},
        name => 'a missing file, looked for beside nginx.conf');
    refused($run, 'is refused');
    $server->write('conf/served.pem', read_text($server->pki->dir . '/chains/www.pem'));
    findings_are($server->test_config, [], 'there it is found');
    for my $text ('', "nothing\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        read_text($server->pki->dir . '/keys/www.pem'))
    {
        $server->write('conf/served.pem', $text);
        has_finding($server->test_config, 'served-chain-unreadable', 'error', name => 'a file without a certificate');
    }
    unlink $server->file('conf/served.pem');
    mkfifo($server->file('conf/served.pem'), 0644) or die "mkfifo: $!";
    $run = $server->test_config(timeout => 5);
    has_finding($run, 'served-chain-unreadable', 'error', name => 'a FIFO');
};

subtest 'certificates by variable' => sub {
    my $variable = "server {\n listen 127.0.0.1:{{port:tls}} ssl;\n server_name www.example.com other.example.com;\n"
        . " ssl_certificate {{prefix}}/certs/\$ssl_server_name.pem;\n"
        . " ssl_certificate_key {{prefix}}/certs/\$ssl_server_name.key;\n"
        . " $policy\n %s\n}\n";

    my $server = server_of(sprintf $variable, '');
    my $run = $server->test_config;
    has_finding($run, 'chain-unknown', 'error', at => [ 'in ' . $server->server_line('www.example.com') ]);
    refused($run, 'is refused');

    # The unpinned one cannot be seen at load: no header where it is presented.
    $server->configure(http => sprintf $variable, 'hpkp_served_chain {{pki}}/chains/www.pem;');
    accepted($server->test_config, 'accepted with hpkp_served_chain');
    for my $pair ([ 'www.example.com', 'www' ], [ 'other.example.com', 'other' ]) {
        my ($host, $cert) = @$pair;
        $server->write("certs/$host.pem", read_text($server->pki->dir . "/chains/$cert.pem"));
        $server->write("certs/$host.key", read_text($server->pki->dir . "/keys/$cert.pem"));
    }
    $server->start;
    for (1 .. 3) {
        one_header(fetch($server, '/'), pins_header($server, max_age => 2592000), 'the leaf fits');
        no_header(fetch($server, '/', host => 'other.example.com'), 'the leaf does not fit');
    }
    my @said = $server->log =~ /hpkp: no header sent/g;
    is(scalar @said, 1, 'said once');

    # A leaf that no load has seen, but whose key is pinned.
    $server->write('certs/www.example.com.pem', read_text($server->pki->dir . '/chains/www-renewed.pem'));
    $server->write('certs/www.example.com.key', read_text($server->pki->dir . '/keys/backup-1.pem'));
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000), 'a renewed leaf fits');
    $server->write('certs/www.example.com.pem', read_text($server->pki->dir . '/chains/www-unpinned.pem'));
    $server->write('certs/www.example.com.key', read_text($server->pki->dir . '/keys/unpinned.pem'));
    no_header(fetch($server, '/'), 'another does not');
    $server->stop;
    $server->no_alerts;
};

done_testing;
