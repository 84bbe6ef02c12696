# The same answers over HTTP/3, where every stream has a pool of its own and all share one TLS connection.
#
# nginx has it since 1.25.0, where it is built with it. Debian 12's 1.22 has not: there, this file asserts just that, so
# that it cannot be forgotten. The client is curl, which Debian builds with HTTP/3 since 13.

use lib 't/lib';
use HPKP::Answers qw(answers_server check_answers expected);
use HPKP::Test;

my $server = answers_server(quic => 1);

my $built = run_command([ $server->{binary}, '-V' ])->{err};
my ($version) = $built =~ m{nginx/(\S+)};

if ($built !~ /--with-http_v3_module/) {
    like($server->test_config->{err}, qr/invalid parameter "quic"|"quic" parameter requires ngx_http_v3_module/, "this nginx ($version) has no HTTP/3: nothing to test");
    done_testing;
    exit;
}
like(run_command([ 'curl', '--version' ])->{out}, qr/^Features:.* HTTP3/m, 'curl speaks HTTP/3');

$server->start;
my ($enforced, $reported) = expected($server);

check_answers($server, '3');

my $answer = fetch($server, '/', http => '3');
like($answer->{head}, qr{^HTTP/3 200}m, 'it is HTTP/3');
like($answer->{head}, qr/^public-key-pins: max-age=/m, 'lower-case name');
for my $name ('Public-Key-Pins', 'Public-Key-Pins-Report-Only') {
    my @tcp = values_of(fetch($server, '/'), $name);
    is_deeply([ values_of($answer, $name) ], \@tcp, "$name: the same as over TCP");
    is(@tcp, 1, 'once');
}

subtest 'many requests on one connection' => sub {
    my @paths = ('/', '/proxy/404', '/nowhere') x 5;
    my @answers = fetch_series($server, [ map { [ $_, http => '3' ] } @paths ]);
    is((grep { $_->{new_connections} } @answers), 1, 'one connection');
    is_deeply([ values_of($_, 'Public-Key-Pins') ], $enforced, 'each has the header') for @answers;
};

for my $path ('/proxy/', '/added', '/') {
    no_header(fetch($server, $path, http => '3', host => 'guard.example.com'), "a guard, $path");
}
$answer = fetch($server, '/proxy/', http => '3', host => 'bare.example.com');
is((() = values_of($answer, 'public-key-pins')), 2, 'a server without policy is left alone');
$server->stop;
$server->no_alerts;

# The certificate is the one of the server name in the handshake, the header the one of the Host.
subtest 'another server\'s certificate' => sub {
    my ($quic, $second) = map { "listen 127.0.0.1:{{port:$_}} quic;" } qw(tls second);
    my @other = (name => 'other.example.com', cert => 'wildcard');
    my $two = site(
        pins_yaml => policy(pins => [qw(www wildcard backup-1 backup-2)]),
        extra => $quic,
        files => { 'other.yaml' => policy() },
        more => tls_server(@other, extra => $quic)
            . tls_server(port => 'second', extra => "$second\nhpkp_policy other.yaml;")
            . tls_server(@other, port => 'second', extra => $second),
    )->start;
    my %ask = (http => '3', sni => 'other.example.com', host => 'www.example.com');

    one_header(fetch($two, '/', %ask), pins_header($two, max_age => 2592000, pins => [qw(www wildcard backup-1 backup-2)]),
        'one that fits');
    no_header(fetch($two, '/', %ask, port => 'second'), 'one that does not');
    one_header(fetch($two, '/', http => '3', port => 'second'), pins_header($two, max_age => 2592000), 'its own');
    $two->stop;
    $two->no_alerts;
};

subtest 'once per connection' => sub {
    my $once = site(
        pins_yaml => policy(enforce => '{max-age: 30d}'),
        extra => "listen 127.0.0.1:{{port:tls}} quic;\nhpkp_emit once-per-connection;",
    )->start;
    my @answers = fetch_series($once, [ map { [ '/', http => '3' ] } 1 .. 10 ]);
    is((grep { $_->{new_connections} } @answers), 1, 'one connection');
    is(scalar(map { values_of($_, 'Public-Key-Pins') } @answers), 1, 'one header');
    is(scalar(values_of($answers[0], 'Public-Key-Pins')), 1, 'with the first response');
    $once->stop;
    $once->no_alerts;
};

done_testing;
