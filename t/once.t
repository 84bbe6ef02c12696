# hpkp_emit once-per-connection: the first answer of each host name on a connection has the header, the others do not.

use lib 't/lib';
use HPKP::Test;

my $report = 'https://reports.example.net/pkp';
my $server = HPKP::Server->new(
    files => { 'pins.yaml' => policy(enforce => '{max-age: 30d}', report_only => qq({report-uri: "$report"})) },
    http  => "hpkp_emit once-per-connection;\nhpkp_policy pins.yaml;\n"
        . tls_server(name => 'www.example.com a.example.com', cert => 'www', listen => 'http2',
            extra => "location /added { add_header Public-Key-Pins 'foreign' always; return 404; }\n"
                . "location /auth/ { auth_request /granted; alias {{prefix}}/html/; }\nlocation /granted { return 204; }\n")
        . tls_server(name => 'example.com') . tls_server(name => 'always.example.com', extra => 'hpkp_emit every-response;')
        . "server {\n listen 127.0.0.1:{{port:plain}};\n server_name www.example.com;\n"
        . " hpkp_served_chain {{pki}}/chains/www.pem;\n hpkp_secure \$http_x_tls;\n}\n");
$server->start;
my $header = pins_header($server, max_age => 2592000);

# How many answers of a series have the header, and which is the first: "3 from 0".
sub counted {
    my (@answers) = @_;
    my @with = grep { values_of($answers[$_], 'Public-Key-Pins') } 0 .. $#answers;
    my @double = grep { my @sent = values_of($_, 'Public-Key-Pins'); @sent > 1 || @sent && $sent[0] ne $header } @answers;
    return @double ? 'wrong headers' : @with ? scalar(@with) . " from $with[0]" : 'none';
}

for my $http ('1.1', '2') {
    my @same = (http => $http, sni => 'www.example.com');

    my @answers = fetch_series($server, [ map { [ "/?$_", @same ] } 1 .. 100 ]);
    is((grep { $_->{new_connections} } @answers), 1, "HTTP/$http: a hundred requests on one connection");
    is(counted(@answers), '1 from 0', 'one header, on the first');
    is((grep { values_of($_, 'Public-Key-Pins-Report-Only') } @answers), 1, 'one of the other kind too');

    one_header(fetch($server, '/', @same), $header, 'another connection has its own') for 1 .. 3;

    @answers = fetch_series($server, [ [ '/nowhere', @same ], [ '/', @same ], [ '/added', @same ] ]);
    is(counted(@answers), '1 from 0', 'an error is an answer like any other; a foreign header is removed later too');
    @answers = fetch_series($server, [ [ '/added', @same ], [ '/added', @same ] ]);
    is(counted(@answers), '1 from 0', 'ours replaces the foreign one');
    @answers = fetch_series($server, [ [ '/', @same, head => 1 ], [ '/', @same ] ]);
    is(counted(@answers), '1 from 0', 'HEAD counts');

    one_header(fetch($server, '/auth/', @same), $header, 'a sub-request that comes first does not count');

    # nginx makes some answers twice over: the second makes the first forgotten.
    for my $case ([ 416, 'Range: bytes=1000-2000' ], [ 412, 'If-Match: "other"' ], [ 304, 'If-None-Match: *' ]) {
        my ($status, $condition) = @$case;
        my $answer = fetch($server, '/', @same, headers => [$condition]);
        is($answer->{status}, $status, "the answer $status");
        one_header($answer, $header, 'as the first answer of its connection');
    }

    # Clients keep pins by host name, so each name needs its own.
    my @names = qw(www.example.com a.example.com example.com) x 2;
    @answers = fetch_series($server, [ map { [ '/', @same, host => $_ ] } @names ]);
    is((grep { $_->{new_connections} } @answers), 1, 'three names on one connection');
    is(join(' ', map { scalar values_list($_) } @answers), '1 1 1 0 0 0', 'once for each');
    @names = qw(www.example.com WWW.example.com www.example.com:443 www.example.com:8443 www.example.com.);
    @answers = fetch_series($server, [ map { [ '/', @same, host => $_ ] } @names ]);
    is(counted(@answers), '1 from 0', 'letter case, a port and the last dot make no other name');

    @answers = fetch_series($server, [ map { [ '/', @same, host => 'always.example.com' ] } 1 .. 5 ]);
    is(counted(@answers), '5 from 0', 'every-response in one server');
}

my @answers = fetch_series($server, [ map { [ '/', plain => 1, headers => ['X-TLS: on'] ] } 1 .. 5 ]);
is((grep { $_->{new_connections} } @answers), 1, 'one plain connection');
is(counted(@answers), '5 from 0', 'where hpkp_secure decides, every response: the connection is not the client\'s');

# More names than anybody has: still an answer each, whatever is remembered.
my @many = map { [ '/', sni => 'www.example.com', host => "n$_.example.com" ] } 1 .. 60;
@answers = fetch_series($server, [ @many, @many ]);
is((grep { $_->{status} == 200 } @answers), 120, 'sixty names, twice');
is(scalar(grep { values_list($_) } @answers[ 0 .. 59 ]), 60, 'each has it the first time');

$server->stop;
$server->no_alerts;
done_testing;

sub values_list { my @sent = values_of($_[0], 'Public-Key-Pins'); return scalar @sent }
