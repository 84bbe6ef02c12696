# SNI of one server and Host of another: nginx switches servers on the same connection. The header of a server goes out
# only where the certificate that was presented fits its policy. The same for certificates by variable and resumed sessions.

use lib 't/lib';
use HPKP::Test;

my @www = (max_age => 2592000);
my @other = (max_age => 600, pins => [qw(other backup-1 backup-2)]);
my @apex = (max_age => 300, pins => [qw(int-a backup-2 backup-3)]);

subtest 'several workers' => sub {
    my $server = HPKP::Server->new(workers => 4, files => { 'pins.yaml' => policy(), 'other.yaml' => policy(name => 'other', pins => $other[3]) },
        http => tls_server(listen => 'reuseport', extra => 'hpkp_policy pins.yaml;')
            . tls_server(name => 'other.example.com', cert => 'other', extra => 'hpkp_policy other.yaml;'));
    $server->start;
    no_header(fetch($server, '/', sni => 'www.example.com', host => 'other.example.com'), 'another certificate') for 1 .. 24;
    is(scalar(() = $server->log =~ /hpkp: no header sent/g), 1, 'said once, whichever worker it is');
    $server->stop;
    $server->no_alerts;
};

subtest 'certificates in the configuration' => sub {
    my $server = HPKP::Server->new(
        files => {
            'pins.yaml'  => policy(),
            'other.yaml' => policy(name => 'other', pins => $other[3], enforce => '{max-age: 10m}'),
            'apex.yaml'  => policy(name => 'apex', pins => $apex[3], enforce => '{max-age: 5m}'),
        },
        http => tls_server(listen => 'http2', extra => 'hpkp_policy pins.yaml;')
            . tls_server(name => 'other.example.com', cert => 'other', extra => 'hpkp_policy other.yaml;')
            . tls_server(name => 'example.com', extra => 'hpkp_policy apex.yaml;'));
    $server->start;

    for my $http ('1.1', '2') {
        one_header(fetch($server, '/', http => $http), pins_header($server, @www), "HTTP/$http: www");
        one_header(fetch($server, '/', http => $http, host => 'other.example.com'), pins_header($server, @other), 'other');
        one_header(fetch($server, '/', http => $http, host => 'example.com'), pins_header($server, @apex), 'apex');

        for (1 .. 3) {
            no_header(fetch($server, '/', http => $http, sni => 'www.example.com', host => 'other.example.com'),
                'other over the certificate of www');
            no_header(fetch($server, '/', http => $http, sni => 'other.example.com', host => 'www.example.com'),
                'www over the certificate of other');
        }
        one_header(fetch($server, '/', http => $http, sni => 'www.example.com', host => 'example.com'),
            pins_header($server, @apex), 'apex over the certificate of www, which fits');
    }

    my @said = $server->log =~ /^.*hpkp: no header sent.*$/mg;
    is(scalar @said, 1, 'said at most once a minute');
    like($said[0] // '', qr/\[error\].*other|\[error\].*www/, 'as an error, which every log shows, that names the server or the policy');

    # One connection, all three hosts.
    my @hosts = qw(www.example.com other.example.com example.com www.example.com);
    my @answers = fetch_series($server, [ map { [ '/', sni => 'www.example.com', host => $_ ] } @hosts ]);
    is((grep { $_->{new_connections} } @answers), 1, 'one connection');
    one_header($answers[0], pins_header($server, @www), 'www');
    no_header($answers[1], 'other');
    one_header($answers[2], pins_header($server, @apex), 'apex');
    one_header($answers[3], pins_header($server, @www), 'www again');

    # No SNI, or one that nobody has: the default server and its certificate.
    my $request = "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n";
    for my $arguments (['-noservername'], [ '-servername', 'unknown.example.net' ]) {
        for my $host ('www.example.com', 'unknown.example.net') {
            one_header(asked($server, sprintf($request, $host), $arguments), pins_header($server, @www), "@$arguments: $host");
        }
        no_header(asked($server, sprintf($request, 'other.example.com'), $arguments), "@$arguments: other");
    }

    # Resumed sessions present no certificate again; the one of the first connection counts.
    for my $version ('-tls1_2', '-tls1_3') {
        my $session = $server->file("temp/session$version");
        my $text = sprintf $request, 'www.example.com';
        asked($server, $text, [ $version, '-sess_out', $session ]);
        need_file($session, 'no session to resume');
        my $again = asked($server, $text, [ $version, '-sess_in', $session ]);
        one_header($again, pins_header($server, @www), "$version: on a resumed session");
        ok(resumed($server, $version, $session), "$version: which was resumed");
        $again = asked($server, sprintf($request, 'other.example.com'), [ $version, '-sess_in', $session ]);
        no_header($again, "$version: other on a session of www");
        next if $version ne '-tls1_3';

        # TLS 1.3 may resume under another name, and the certificate that the client has is then still that of www. nginx
        # since 1.27.4 does not: it shakes hands anew, and presents the certificate of other.
        my $resumed = resumed($server, $version, $session, 'other.example.com');
        note($resumed ? 'resumed' : 'not resumed', ' under another name');
        my @as_other = ($version, '-servername', 'other.example.com', '-sess_in', $session);
        no_header(asked($server, $text, \@as_other), 'www on a session of www, as other');
        $again = asked($server, sprintf($request, 'other.example.com'), \@as_other);
        no_header($again, 'other on a session of www, resumed as other') if $resumed;
        one_header($again, pins_header($server, @other), 'other with its own certificate') if !$resumed;
    }
    $server->stop;
    $server->no_alerts;
};

subtest 'certificates by variable' => sub {
    my $server = HPKP::Server->new(workers => 2, files => { 'pins.yaml' => policy() }, http => <<'CONF');
server {
    listen 127.0.0.1:{{port:tls}} ssl http2;
    server_name www.example.com other.example.com;
    ssl_certificate {{prefix}}/certs/$ssl_server_name.pem;
    ssl_certificate_key {{prefix}}/certs/$ssl_server_name.key;
    ssl_session_tickets on;
    hpkp_policy pins.yaml;
    hpkp_served_chain {{pki}}/chains/www.pem;
}
CONF
    for my $host ([ 'www.example.com', 'www' ], [ 'other.example.com', 'other' ]) {
        $server->write("certs/$host->[0].pem", read_text($server->pki->dir . "/chains/$host->[1].pem"));
        $server->write("certs/$host->[0].key", read_text($server->pki->dir . "/keys/$host->[1].pem"));
    }
    $server->start;

    my ($right, $wrong) = (0, 0);
    for my $round (1 .. 20) {
        for my $http ('1.1', '2') {
            my ($sent) = values_of(fetch($server, '/', http => $http), 'Public-Key-Pins');
            $right++ if ($sent // '') eq pins_header($server, @www);
            $wrong++ if values_of(fetch($server, '/', http => $http, host => 'other.example.com'), 'Public-Key-Pins');
        }
    }
    is($right, 40, 'forty connections with the certificate that fits');
    is($wrong, 0, 'forty with one that does not');

    # What a server knows of the certificate on a resumed session differs between versions: no wrong header, no crash.
    for my $version ('-tls1_2', '-tls1_3') {
        for my $host ('www.example.com', 'other.example.com') {
            my $session = $server->file("temp/session$version-$host");
            my $text = "GET / HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n";
            asked($server, $text, [ $version, '-servername', $host, '-sess_out', $session ]);
            my $again = asked($server, $text, [ $version, '-servername', $host, '-sess_in', $session ]);
            my @sent = values_of($again, 'Public-Key-Pins');
            is($again->{status}, 200, "$version, $host: a resumed session is served");
            is_deeply([ grep { $host ne 'www.example.com' || $_ ne pins_header($server, @www) } @sent ], [], 'no wrong header');
            my $resumed = resumed($server, $version, $session, $host) ? 'yes' : 'no';
            note("$version, $host, resumed: $resumed, headers: " . @sent);
        }
    }
    $server->stop;
    $server->no_alerts;
};

done_testing;

sub asked {
    my ($server, $text, $arguments) = @_;
    return parse_answer(scalar raw_tls($server, $text, arguments => $arguments));
}

# Whether the server takes the session up: s_client says so where it is not -quiet.
sub resumed {
    my ($server, $version, $session, $host) = @_;
    my $run = run_command([ 'openssl', 's_client', '-connect', '127.0.0.1:' . $server->port('tls'),
            '-servername', $host || 'www.example.com', '-CAfile', $server->pki->dir . '/roots.pem',
            $version, '-sess_in', $session ], stdin => "Q\n");
    return $run->{out} =~ /^Reused, /m;
}
