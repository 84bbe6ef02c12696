# The same answers over HTTP/3, where every stream has a pool of its own and all share one TLS connection.
#
# Debian 12's nginx has no HTTP/3: there, this file asserts just that, so that it cannot be forgotten.

use lib 't/lib';
use HPKP::Answers qw(answers_server check_answers expected);
use HPKP::Test;

my $server = answers_server(quic => 1);

if (run_command([ $server->{binary}, '-V' ])->{err} !~ /--with-http_v3_module/) {
    my $test = $server->test_config;
    isnt($test->{exit}, 0, 'this nginx has no HTTP/3');
    like($test->{err}, qr/invalid parameter "quic"/, 'and says so');
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

subtest 'many requests on one connection' => sub {
    my @paths = ('/', '/proxy/404', '/nowhere') x 5;
    my @answers = fetch_series($server, [ map { [ $_, http => '3' ] } @paths ]);
    is((grep { $_->{new_connections} } @answers), 1, 'one connection');
    is_deeply([ values_of($_, 'Public-Key-Pins') ], $enforced, 'each has the header') for @answers;
};

for my $path ('/proxy/', '/added', '/') {
    no_header(fetch($server, $path, http => '3', host => 'guard.example.com'), "a guard, $path");
}
$server->stop;
$server->no_alerts;

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
