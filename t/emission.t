# The header is on every answer over TLS, once, and on nothing else. (HTTP/2 is http2.t.)

use lib 't/lib';
use HPKP::Answers qw(answers_server answers_table check_answers raw_cases expected);
use HPKP::Test;

my $server = answers_server();
findings_are($server->test_config, [], 'nothing wrong with the policies');
$server->start;
my ($enforced, $reported) = expected($server);

sub both_once {
    my ($answer, $name) = @_;
    my @sent = map { [ values_of($answer, $_) ] } qw(Public-Key-Pins Public-Key-Pins-Report-Only);
    is_deeply(\@sent, [ $enforced, $reported ], $name) or diag($answer->{head});
}

check_answers($server, $_) for '1.0', '1.1';

subtest 'keep-alive' => sub {
    my @answers = fetch_series($server, [ map { [$_] } qw(/ /proxy/ /nowhere /301 /text / /added /proxy/404) ]);
    is($answers[$_]{new_connections}, $_ == 0 ? 1 : 0, 'one connection') for 1 .. $#answers;
    both_once($_, 'each answer has both') for @answers;
};

subtest 'what curl would not send' => sub {
    for my $case (raw_cases()) {
        my ($name, $bytes, $status) = @$case;
        my $text = raw_tls($server, $bytes);
        $text =~ s{^HTTP/1\.1 100 Continue\r\n\r\n}{};
        my $answer = parse_answer($text);
        is($answer->{status}, $status, "$name: status") or diag($text);
        both_once($answer, "$name: both headers");
    }
    my $text = raw_tls($server, "GET /\r\n");
    is($text, "<p>index</p>\n", 'HTTP/0.9 has no headers');

    $text = raw_tls($server, "GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n"
        . "GET /nowhere HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n");
    is(scalar(() = $text =~ /^Public-Key-Pins: /mg), 2, 'two pipelined requests, two headers');
    is(scalar(() = $text =~ /^HTTP\/1.1 /mg), 2, 'and two answers');
};

subtest 'a client certificate is missing' => sub {
    # Before nginx looks at Host: the server of the SNI answers.
    my $answer = fetch($server, '/', host => 'verify.example.com');
    is($answer->{status}, 400, 'the answer 496');
    both_once($answer, 'has both headers');
    $answer = fetch($server, '/', sni => 'www.example.com', host => 'verify.example.com');
    is($answer->{status}, 421, 'the answer 421');
    both_once($answer, 'has both headers');
};

subtest 'plain HTTP' => sub {
    for my $case (answers_table()) {
        my %option = %$case;
        my ($name, $path, $status) = delete @option{qw(name path status body kept http1)};
        my $answer = fetch($server, $path, %option, plain => 1);
        is($answer->{status}, $status, "$name: status");
        no_header($answer, "$name: none, and no other's");
    }

    # Plain HTTP to the TLS port: nginx's own answer 497, sent in clear.
    my $text = raw_plain($server, "GET / HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n", port => 'tls');
    like($text, qr/^HTTP\/1.1 400 .*plain HTTP request was sent to HTTPS port/s, 'the answer 497');
    unlike($text, qr/public-key-pins/i, 'has none');
};

subtest 'a guard removes the others\' headers and sends none' => sub {
    for my $path ('/', '/proxy/', '/proxy/404', '/added', '/accel', '/page-proxied', '/ssi/page.html') {
        no_header(fetch($server, $path, host => 'guard.example.com'), "TLS, $path");
        no_header(fetch($server, $path, host => 'guard.example.com', plain => 1), "plain, $path");
    }
    is_deeply([ values_of(fetch($server, '/proxy/', host => 'guard.example.com'), 'X-Upstream') ], ['kept'], 'and only those');
};

subtest 'a server without policy is left alone' => sub {
    for my $plain (0, 1) {
        my @where = (host => 'bare.example.com', plain => $plain);
        my $answer = fetch($server, '/proxy/', @where);
        is_deeply([ values_of($answer, 'Public-Key-Pins') ], [ 'max-age=9; from upstream', 'max-age=8; from upstream' ],
            'the upstream\'s');
        is_deeply([ values_of($answer, 'Public-Key-Pins-Report-Only') ], ['from upstream'], 'both kinds');
        $answer = fetch($server, '/added', @where);
        is_deeply([ values_of($answer, 'Public-Key-Pins') ], [ 'max-age=1', 'max-age=2' ], 'add_header\'s');
        no_header(fetch($server, '/', @where), 'and none is made up');
    }
};

$server->stop;
$server->no_alerts;
done_testing;
