# The same answers over HTTP/2, where names are lower-case and many requests share a connection.

use lib 't/lib';
use HPKP::Answers qw(answers_server answers_table check_answers expected);
use HPKP::Test;

my $server = answers_server()->start;
my ($enforced, $reported) = expected($server);

check_answers($server, '2');

my $answer = fetch($server, '/', http => '2');
like($answer->{head}, qr/^public-key-pins: max-age=/m, 'lower-case name');
like($answer->{head}, qr/^public-key-pins-report-only: pin-sha256=/m, 'of both');

subtest 'many requests on one connection' => sub {
    my @paths = ('/', '/proxy/404', '/nowhere') x 10;
    my @answers = fetch_series($server, [ map { [ $_, http => '2' ] } @paths ]);
    is((grep { $_->{new_connections} } @answers), 1, 'one connection');
    is_deeply([ values_of($_, 'Public-Key-Pins') ], $enforced, 'each has the header') for @answers;
};

subtest 'streams at the same time' => sub {
    my @heads = map { $server->file("temp/head$_") } 1 .. 20;
    my $at = 'www.example.com:' . $server->port('tls');
    my @each = ('--http2', '--cacert', $server->pki->dir . '/roots.pem', '--resolve', "$at:127.0.0.1");

    my @command = qw(curl --silent --show-error --parallel);
    for my $i (0 .. $#heads) {
        push @command, '--next' if $i > 0;
        push @command, @each, '--dump-header', $heads[$i], '--output', '/dev/null';
        push @command, "https://$at/" . ($i % 2 ? 'proxy/' : 'long.txt');
    }
    my $run = run_command(\@command);
    is($run->{exit}, 0, 'curl') or diag($run->{err});
    for my $head (@heads) {
        my @seen = read_text($head) =~ /^public-key-pins: (.*?)\r?$/mg;
        is_deeply(\@seen, $enforced, 'the header once');
    }
};

for my $path ('/proxy/', '/added', '/') {
    no_header(fetch($server, $path, http => '2', host => 'guard.example.com'), "a guard, $path");
}
$answer = fetch($server, '/proxy/', http => '2', host => 'bare.example.com');
is((() = values_of($answer, 'public-key-pins')), 2, 'a server without policy is left alone');

$server->stop;
$server->no_alerts;

done_testing;
