# hpkp_secure: TLS ends in front of nginx, and a variable says which requests came over it.

use lib 't/lib';
use HPKP::Test;

my $http = <<'CONF';
add_header Public-Key-Pins "of add_header" always;
server {
    listen 127.0.0.1:{{port:plain}};
    server_name www.example.com;
    hpkp_policy pins.yaml;
    hpkp_served_chain {{pki}}/chains/www.pem;
    hpkp_secure $http_x_tls;
    location / { }
    location /404 { return 404; }
    location /arg { hpkp_secure $arg_tls; return 200 "x"; }
    location /arg/inner { return 200 "y"; }
    location /jump { hpkp_secure $arg_tls; rewrite ^ / last; }
}
CONF

my $server = HPKP::Server->new(http => $http, files => { 'pins.yaml' => policy() });
findings_are($server->test_config, [], 'nothing wrong');
$server->start;
my $header = pins_header($server, max_age => 2592000);

sub ask {
    my ($path, @headers) = @_;
    return fetch($server, $path, plain => 1, headers => \@headers);
}

no_header(ask('/'), 'no value');
no_header(ask('/', 'X-TLS;'), 'an empty value');
no_header(ask('/', 'X-TLS: 0'), '0');
one_header(ask('/', "X-TLS: $_"), $header, "the value $_") for '1', 'on', 'https', '00', 'false';
one_header(ask('/404', 'X-TLS: on'), $header, 'on an error');
one_header(ask('/nowhere', 'X-TLS: on'), $header, 'on a page that is not there');
one_header(fetch($server, '/', plain => 1, headers => ['X-TLS: on'], http => '1.0'), $header, 'HTTP/1.0');

# A location's own variable replaces the server's.
no_header(ask('/arg', 'X-TLS: on'), 'in a location: the server\'s variable does not count');
one_header(ask('/arg?tls=1'), $header, 'in a location: its own does');
one_header(ask('/jump?tls=1', 'X-TLS: on'), $header, 'after an internal redirect the last location decides');
no_header(ask('/jump?tls=1'), 'and it alone');

# The certificate of a connection from the machine in front is not the one that clients see.
$server->configure(http => tls_server(cert => 'www-unpinned', extra => <<'CONF'));
hpkp_policy pins.yaml;
hpkp_served_chain {{pki}}/chains/www.pem;
hpkp_secure $http_x_tls;
CONF
$server->reload;
one_header(fetch($server, '/', headers => ['X-TLS: on']), $header, 'TLS behind, too: the variable decides, not its certificate');

# In http, for all servers.
$server->configure(http => "hpkp_policy pins.yaml;\nhpkp_served_chain {{pki}}/chains/www.pem;\nhpkp_secure \$http_x_tls;\n"
    . "server {\n listen 127.0.0.1:{{port:plain}};\n server_name www.example.com;\n}\n");
accepted($server->test_config, 'directives at http level');
$server->reload;
one_header(ask('/', 'X-TLS: on'), $header, 'hold in the server');
no_header(ask('/'), 'and only with the variable');
$server->stop;
$server->no_alerts;

# Without hpkp_served_chain nginx would not know what it speaks for.
for my $where ([ 'server', 'hpkp_secure $http_x_tls;' ], [ 'location', 'location / { hpkp_secure $http_x_tls; }' ]) {
    $server->configure(http => tls_server(extra => "hpkp_policy pins.yaml;\n$where->[1]"));
    my $run = $server->test_config;
    is($run->{exit}, 1, "hpkp_secure in a $where->[0] without hpkp_served_chain is refused");
    like($run->{err}, qr/\[emerg\].*(?:hpkp_secure.*hpkp_served_chain|hpkp_served_chain.*hpkp_secure)/s,
        'and says what is missing');
}

done_testing;
