# HPKP::Answers - one server that gives every kind of answer, and the table of requests for them.
#
#     my $server = answers_server;       # not started; answers_server(quic => 1) for HTTP/3 on the same port
#     for my $case (answers_table) { ... $case->{path}, $case->{status} ... }
#     check_answers($server, '1.1');     # asks for all of them over that HTTP version: exactly one header of each kind
#     raw_cases()                        # for HTTP/1.x only: [ NAME, BYTES, STATUS ] of requests curl would not send
#
# Of any server that sends Public-Key-Pins for www.example.com:
#     my $before = whole_answers($server);             # some answers, byte for byte but for the date
#     check_unchanged($server, $before, 'afterwards'); # the same again, each with the header
#
# The servers, all on 127.0.0.1:
#     www.example.com        port tls (and plain): a policy that enforces and reports, so that both headers are due
#     guard.example.com      port tls: a guard alone. Its certificate is a wildcard's
#     bare.example.com       port tls: no policy
#     verify.example.com     port tls: wants a client certificate, which no test has
#     the upstream           port upstream: sends both headers itself, in odd spelling too

package HPKP::Answers;

use strict;
use warnings;

use Exporter qw(import);
use HPKP::Test;

our @EXPORT_OK = qw(answers_server answers_table check_answers raw_cases expected whole_answers check_unchanged);

my $report = 'https://reports.example.net/pkp';

my $locations = <<'CONF';
client_max_body_size 100;
gzip on; gzip_http_version 1.0; gzip_min_length 1; gzip_types text/plain;
location / { }
location /text { return 200 "text\n"; }
location /204 { return 204; }
location /301 { return 301 /elsewhere; }
location /302 { return 302 http://elsewhere.example.net/; }
location /308 { return 308 /elsewhere; }
location /401 { auth_basic "closed"; auth_basic_user_file {{prefix}}/html/nobody; }
location /403 { deny all; }
location /500 { return 500; }
location /503 { return 503; }
location /loop { rewrite ^ /loop last; }
location /internal { internal; }
location /502 { proxy_pass http://127.0.0.1:{{port:closed}}; }
location /proxy/ { proxy_pass http://127.0.0.1:{{port:upstream}}/; }
location /hidden/ { proxy_hide_header Public-Key-Pins; proxy_pass http://127.0.0.1:{{port:upstream}}/; }
location /added {
    add_header Public-Key-Pins "max-age=1" always;
    add_header pUBLIC-kEY-pINS "max-age=2" always;
    add_header Public-Key-Pins-Report-Only "x" always;
    add_header public-key-pins-REPORT-only "y" always;
    add_header X-Other "kept" always;
    return 404;
}
location /added-inside { add_header X-Other "kept"; return 200 "x"; }
location /expires { expires 1h; alias {{prefix}}/html; }
location /named { error_page 404 = @named; }
location @named { return 200 "named\n"; }
location /page { error_page 404 /pages/404.html; }
location /page-proxied { error_page 404 /proxy/; }
location /intercepted {
    proxy_intercept_errors on;
    error_page 404 /pages/404.html;
    proxy_pass http://127.0.0.1:{{port:upstream}}/404;
}
location /try { try_files /nowhere /index.html; }
location /try-named { try_files /nowhere @named; }
location /rewrite { rewrite ^ /index.html last; }
location /accel { proxy_pass http://127.0.0.1:{{port:upstream}}; }
location /accelerated { internal; alias {{prefix}}/html/index.html; }
location /auth { auth_request /granted; alias {{prefix}}/html; }
location /auth-no { auth_request /refused; }
location /auth-proxied { auth_request /proxy/; alias {{prefix}}/html; }
location /granted { return 204; }
location /refused { return 403; }
location /ssi { ssi on; alias {{prefix}}/html/ssi; }
location /mirror { mirror /proxy/; alias {{prefix}}/html; }
location /after { add_after_body /proxy/; alias {{prefix}}/html; }
location /slice { limit_except GET { deny all; } alias {{prefix}}/html; }
location /status { stub_status; }
location /sub { sub_filter index INDEX; alias {{prefix}}/html; }
CONF

my $upstream = <<'CONF';
    server {
        listen 127.0.0.1:{{port:upstream}};
        add_header Public-Key-Pins "max-age=9; from upstream" always;
        add_header PUBLIC-KEY-PINS "max-age=8; from upstream" always;
        add_header Public-Key-Pins-Report-Only "from upstream" always;
        add_header X-Upstream "kept" always;
        location /accel { add_header X-Accel-Redirect /accelerated; add_header Public-Key-Pins "accel"; return 200; }
        location /404 { return 404; }
        location /500 { return 500 "x"; }
        location /302 { return 302 /x; }
    }
CONF

sub answers_server {
    my (%option) = @_;
    my $listen = 'http2';
    my $plain = "listen 127.0.0.1:{{port:plain}};\n" . ($option{quic} ? "listen 127.0.0.1:{{port:tls}} quic;\n" : '');

    my $server = HPKP::Server->new(
        files => {
            'pins.yaml' => policy(pins => [qw(www wildcard backup-1 backup-2)], enforce => '{max-age: 30d}',
                report_only => qq({report-uri: "$report"})),
            'guard.yaml' => policy(pins => [qw(wildcard backup-1 backup-2)], guard => '{}'),
        },
        http => tls_server(listen => $listen, extra => "${plain}hpkp_policy pins.yaml;\n$locations")
            . tls_server(name => 'guard.example.com', cert => 'wildcard', extra => "${plain}hpkp_policy guard.yaml;\n$locations")
            . tls_server(name => 'bare.example.com', cert => 'wildcard', extra => "$plain$locations")
            . tls_server(name => 'verify.example.com', cert => 'wildcard',
                extra => "hpkp_policy pins.yaml;\nssl_verify_client on;\nssl_client_certificate {{pki}}/roots.pem;")
            . $upstream,
    );
    $server->write('html/pages/404.html', "not here\n");
    $server->write('html/long.txt', 'some text ' x 2000);
    $server->write('html/nobody', '');
    $server->write('html/ssi/page.html', qq(<!--#include virtual="/text" -->|<!--#include virtual="/proxy/" -->|)
        . qq(<!--#include virtual="/302" -->|<!--#include virtual="/added" --> end\n));
    return $server;
}

# Options beside name, path and status are fetch()'s; body is a pattern; over HTTP/2 and 3 nginx just drops what is http1.
sub answers_table {
    return (
        { name => 'static', path => '/', status => 200, body => qr/index/ },
        { name => 'empty path of a directory without slash', path => '/pages', status => 301 },
        { name => 'return 200', path => '/text', status => 200, body => qr/^text$/ },
        { name => 'return 204', path => '/204', status => 204 },
        { name => 'return 301', path => '/301', status => 301 },
        { name => 'return 302', path => '/302', status => 302 },
        { name => 'return 308', path => '/308', status => 308 },
        { name => 'not modified', path => '/', headers => ['If-None-Match: *'], status => 304 },
        { name => 'precondition failed', path => '/', headers => ['If-Match: "other"'], status => 412 },
        { name => 'authorization required', path => '/401', status => 401 },
        { name => 'forbidden', path => '/403', status => 403 },
        { name => 'directory without index', path => '/pages/', status => 403 },
        { name => 'not found', path => '/nowhere', status => 404 },
        { name => 'internal location', path => '/internal', status => 404 },
        { name => 'not allowed', path => '/', method => 'POST', data => 'x', status => 405 },
        { name => 'unknown method', path => '/', method => 'FROB', status => 405 },
        { name => 'limit_except', path => '/slice/', method => 'DELETE', status => 403 },
        { name => 'body too large', path => '/proxy/', method => 'POST', data => 'x' x 1000, status => 413 },
        { name => 'URI too long', path => '/' . 'x' x 9000, status => 414, http1 => 1 },
        { name => 'header too large', path => '/', headers => [ 'X-Long: ' . 'x' x 9000 ], status => 400, http1 => 1 },
        { name => 'return 500', path => '/500', status => 500 },
        { name => 'rewrite loop', path => '/loop', status => 500 },
        { name => 'bad gateway', path => '/502', status => 502 },
        { name => 'unavailable', path => '/503', status => 503 },
        { name => 'HEAD', path => '/', head => 1, status => 200 },
        { name => 'HEAD of what is not there', path => '/nowhere', head => 1, status => 404 },
        { name => 'a range', path => '/', headers => ['Range: bytes=0-1'], status => 206 },
        { name => 'several ranges', path => '/', headers => ['Range: bytes=0-1,3-4'], status => 206, body => qr/Content-Range/i },
        { name => 'no such range', path => '/', headers => ['Range: bytes=1000-2000'], status => 416 },
        { name => 'gzip', path => '/long.txt', headers => ['Accept-Encoding: gzip'], status => 200, body => qr/^\x1f\x8b/ },
        { name => 'proxied', path => '/proxy/', status => 200 },
        { name => 'proxied 404', path => '/proxy/404', status => 404 },
        { name => 'proxied 500', path => '/proxy/500', status => 500 },
        { name => 'proxied 302', path => '/proxy/302', status => 302 },
        { name => 'proxied 304', path => '/proxy/', headers => ['If-None-Match: *'], status => 304 },
        { name => 'proxied HEAD', path => '/proxy/', head => 1, status => 200 },
        { name => 'proxy_hide_header', path => '/hidden/', status => 200 },
        { name => 'add_header of the same names', path => '/added', status => 404, kept => 1 },
        { name => 'add_header of another name', path => '/added-inside', status => 200, kept => 1 },
        { name => 'expires', path => '/expires/', status => 200 },
        { name => 'error_page, named location', path => '/named', status => 200, body => qr/named/ },
        { name => 'error_page, static', path => '/page', status => 404, body => qr/not here/ },
        { name => 'error_page, proxied', path => '/page-proxied', status => 404 },
        { name => 'proxy_intercept_errors', path => '/intercepted', status => 404, body => qr/not here/ },
        { name => 'try_files', path => '/try', status => 200, body => qr/index/ },
        { name => 'try_files, named location', path => '/try-named', status => 200, body => qr/named/ },
        { name => 'rewrite', path => '/rewrite', status => 200, body => qr/index/ },
        { name => 'X-Accel-Redirect', path => '/accel', status => 200, body => qr/index/ },
        { name => 'auth_request', path => '/auth/', status => 200, body => qr/index/ },
        { name => 'auth_request refuses', path => '/auth-no', status => 403 },
        { name => 'auth_request of an upstream', path => '/auth-proxied/', status => 200 },
        { name => 'SSI', path => '/ssi/page.html', status => 200, body => qr/^text\n\|.*end/s },
        { name => 'mirror', path => '/mirror/', status => 200 },
        { name => 'add_after_body', path => '/after/', status => 200 },
        { name => 'stub_status', path => '/status', status => 200 },
        { name => 'sub_filter', path => '/sub/', status => 200, body => qr/INDEX/ },
    );
}

# The values due: of Public-Key-Pins, of Public-Key-Pins-Report-Only.
sub expected {
    my ($server) = @_;
    my @pins = (pins => [qw(www wildcard backup-1 backup-2)]);
    return ([ pins_header($server, max_age => 2592000, @pins) ], [ pins_header($server, @pins, report_uri => $report) ]);
}

sub check_answers {
    my ($server, $http) = @_;
    my ($enforced, $reported) = expected($server);

    for my $case (answers_table()) {
        my %option = %$case;
        my ($name, $path, $status, $body, $kept, $http1) = delete @option{qw(name path status body kept http1)};
        next if $http1 && $http ge '2';
        my $answer = fetch($server, $path, %option, http => $http);

        is($answer->{status}, $status, "HTTP/$http, $name: status") or diag($answer->{head});
        is_deeply([ values_of($answer, 'Public-Key-Pins') ], $enforced, "HTTP/$http, $name: Public-Key-Pins once")
            or diag($answer->{head});
        is_deeply([ values_of($answer, 'Public-Key-Pins-Report-Only') ], $reported, "HTTP/$http, $name: Report-Only once")
            or diag($answer->{head});
        like($answer->{body}, $body, "HTTP/$http, $name: body") if $body;
        unlike($answer->{body}, qr/public-key-pins/i, "HTTP/$http, $name: not in the body");
        is_deeply([ values_of($answer, 'X-Other') ], ['kept'], "HTTP/$http, $name: other headers stay") if $kept;
    }
}

my $get = "Host: www.example.com\r\nConnection: close\r\n\r\n";

sub raw_cases {
    return (
        [ 'no Host', "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400 ],
        [ 'two Hosts', "GET / HTTP/1.1\r\nHost: a\r\n$get", 400 ],
        [ 'a bad Host', "GET / HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n", 400 ],
        [ 'no method', "\@\@\@ / HTTP/1.1\r\n$get", 400 ],
        [ 'no such version', "GET / HTTP/7.0\r\n$get", 505 ],
        [ 'a header without colon', "GET / HTTP/1.1\r\nbroken header\r\n$get", 400 ],
        [ 'a bad Content-Length', "POST / HTTP/1.1\r\nContent-Length: x\r\n$get", 400 ],
        [ 'both lengths', "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n$get", 400 ],
        [ 'a bad chunk', "POST /proxy/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${get}zz\r\n", 400 ],
        [ 'TRACE', "TRACE / HTTP/1.1\r\n$get", 405 ],
        [ 'an absolute URI', "GET http://www.example.com/ HTTP/1.1\r\n$get", 200 ],
        [ 'HTTP/1.0 without Host', "GET / HTTP/1.0\r\n\r\n", 200 ],
        [ 'outside the root', "GET /../../etc/passwd HTTP/1.1\r\n$get", 400 ],
        [ 'Expect', "POST /text HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n${get}x", 200 ],
    );
}

my %asked = (
    '200'     => "GET / HTTP/1.1\r\n",
    '304'     => "GET / HTTP/1.1\r\nIf-None-Match: *\r\n",
    '404'     => "GET /nowhere HTTP/1.1\r\n",
    '416'     => "GET / HTTP/1.1\r\nRange: bytes=1000-2000\r\n",
    '206'     => "GET / HTTP/1.1\r\nRange: bytes=1-3\r\n",
    'proxied' => "GET /proxy/ HTTP/1.1\r\n",   # where the server has such a location
    'HEAD'    => "HEAD / HTTP/1.1\r\n",
    'bad'     => "GET / HTTP/1.1\r\nbroken\r\n",
);

sub whole_answers {
    my ($server) = @_;
    return { map {
        my $text = raw_tls($server, "$asked{$_}$get");
        ($_ => $text =~ s/^Date: .*\r\n//mr)
    } keys %asked };
}

sub check_unchanged {
    my ($server, $before, $name) = @_;
    my $now = whole_answers($server);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply($now, $before, "$name: the same bytes");
    is(scalar(grep { /^Public-Key-Pins: /m } values %$now), scalar keys %asked, "$name: with the header");
}

1;
