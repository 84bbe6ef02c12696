# HPKP::Fetch - ask a server over TLS, with any SNI and any Host, and see every header in order.
#
#     my $answer = fetch($server, '/path?x', %option);
#     $answer->{status}                      200
#     $answer->{headers}                     [ [ 'Server', 'nginx' ], ... ] in the order sent, duplicates and all
#     $answer->{body}, $answer->{head}       the head is the raw text of status line and headers
#     values_of($answer, 'Public-Key-Pins')  the values of that header, its name in any letter case
#
# Options, all optional:
#     port    => 'tls'                the server's port of that name
#     host    => 'www.example.com'    the Host header (:authority)
#     sni     => 'www.example.com'    the TLS server name; left out: the host
#     http    => '1.1'                or '1.0', '2', '3'
#     plain   => 1                    no TLS
#     method  => 'POST', head => 1, data => 'x', headers => [ 'Range: bytes=0-1' ], curl => [ '--ciphers', ... ]
#
#     my @answers = fetch_series($server, [ [ '/a', %option ], [ '/b', %option ] ]);
# asks for all of them in one curl, thus on one connection where SNI and HTTP version are the same; no bodies.
# $answers[N]{new_connections} is what curl says it opened for that one.
#
#     my $text = raw_tls($server, $bytes, sni => ..., port => ..., arguments => [ '-tls1_3' ]);
#     my $text = raw_plain($server, $bytes, port => 'plain');
# send the bytes as they are (openssl s_client, a socket) and return all that comes until the server closes.
#
# TLS is always verified against the test roots.

package HPKP::Fetch;

use strict;
use warnings;

use Exporter qw(import);
use File::Temp ();
use HPKP::Command qw(run_command need_tools read_text);
use IO::Socket::INET;
use Test::More ();

our @EXPORT_OK = qw(fetch fetch_series values_of raw_tls raw_plain parse_answer);

my %version = ('1.0' => '--http1.0', '1.1' => '--http1.1', '2' => '--http2', '3' => '--http3-only');

sub curl_arguments {
    my ($server, $path, %option) = @_;
    my $host = $option{host} // 'www.example.com';
    my $sni = $option{sni} // $host;
    my $port = $server->port($option{port} || ($option{plain} ? 'plain' : 'tls'));
    my $scheme = $option{plain} ? 'http' : 'https';
    my $http = $option{http} || '1.1';

    return (
        '--silent', '--show-error', '--path-as-is', '--max-time', 10, $version{$http},
        '--cacert', $server->pki->dir . '/roots.pem',
        '--resolve', "$sni:$port:127.0.0.1", '--header', "Host: $host",
        (map { ('--header', $_) } @{ $option{headers} || [] }),
        $option{head} ? '--head' : (),
        $option{method} ? ('--request', $option{method}) : (),
        defined $option{data} ? ('--data-binary', $option{data}) : (),
        @{ $option{curl} || [] },
        "$scheme://$sni:$port$path",
    );
}

# On a busy machine nginx 1.26 leaves one in twenty of the first requests of a QUIC connection unread, with the module's
# directives or without any: it waits for the rest of a stream that curl has sent. Such a connection has shown nothing of a
# header, so it is given up, and another one asks.
sub run_curl {
    my ($arguments, %option) = @_;
    my $run;

    for my $attempt (1 .. 3) {
        $run = run_command([ 'curl', @$arguments ], %option);
        last if $run->{exit} != 28 || $run->{out} =~ m{^HTTP/}m || !grep { $_ eq $version{3} } @$arguments;
        Test::More::note("$run->{command}: $run->{err}");
    }
    return $run;
}

sub fetch {
    my ($server, $path, %option) = @_;
    my ($head, $body) = (File::Temp->new, File::Temp->new);

    need_tools('curl');
    my $run = run_curl([ '--dump-header', $head->filename, '--output', $body->filename, curl_arguments($server, $path, %option) ]);
    # 52 and 56: the server closed without an answer, or before its end; the caller sees status 0.
    die "$run->{command}: exit $run->{exit}\n$run->{err}" if $run->{exit} != 0 && !$option{may_fail};

    my $answer = parse_head(last_head(read_text($head->filename)));
    # With --head curl gives out the headers in the body's place.
    $answer->{body} = $option{head} ? '' : read_text($body->filename);
    $answer->{curl_exit} = $run->{exit};
    return $answer;
}

sub fetch_series {
    my ($server, $requests, %option) = @_;
    my @command;

    need_tools('curl');
    for my $request (@$requests) {
        my ($path, %each) = @$request;
        push @command, '--next' if @command;
        push @command, '--dump-header', '-', '--output', '/dev/null', '--write-out', "opened %{num_connects}\n",
            curl_arguments($server, $path, %each);
    }
    my $run = run_curl([ '--fail-early', @command ], timeout => $option{timeout} || 60);
    die "$run->{command}: exit $run->{exit}\n$run->{err}" if $run->{exit} != 0;

    my @answers;
    while ($run->{out} =~ /\G(.*?)opened (\d+)\n/gs) {
        my ($text, $opened) = ($1, $2);
        my $answer = parse_head(last_head($text));
        push @answers, { %$answer, new_connections => $opened };
    }
    die 'asked ' . @$requests . ' times, got ' . @answers . " answers\n$run->{out}" if @answers != @$requests;
    return @answers;
}

# Interim answers (100 Continue) come before the one that counts.
sub last_head {
    my ($text) = @_;
    my @heads = grep { /\S/ } split /\r\n\r\n/, $text;
    return @heads ? $heads[-1] : '';
}

sub parse_head {
    my ($text) = @_;
    my ($first, @lines) = split /\r\n/, $text;
    my ($status) = ($first // '') =~ m{^HTTP/[\d.]+ (\d+)};

    return { status => $status // 0, head => $text, headers => [ map { [ /^([^:]*):[ \t]*(.*)$/s ] } @lines ] };
}

# A whole answer as it came from a socket.
sub parse_answer {
    my ($text) = @_;
    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    return { %{ parse_head($head // '') }, body => $body // '' };
}

sub values_of {
    my ($answer, $name) = @_;
    return map { $_->[1] } grep { defined $_->[0] && lc $_->[0] eq lc $name } @{ $answer->{headers} };
}

sub raw_tls {
    my ($server, $bytes, %option) = @_;
    my $port = $server->port($option{port} || 'tls');
    my @more = @{ $option{arguments} || [] };

    need_tools('openssl');
    # The session's own text goes to stdout too, thus -quiet, which also waits for the server to close.
    my $run = run_command([ 'openssl', 's_client', '-quiet', '-connect', "127.0.0.1:$port",
            (grep({ /servername/ } @more) ? () : ('-servername', $option{sni} // 'www.example.com')), '-verify_return_error',
            '-CAfile', $server->pki->dir . '/roots.pem', @more ], stdin => $bytes, timeout => 15);
    die "openssl s_client did not end\n$run->{err}" if $run->{timed_out};
    return wantarray ? ($run->{out}, $run->{err}) : $run->{out};
}

sub raw_plain {
    my ($server, $bytes, %option) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->port($option{port} || 'plain'),
        Timeout => 5) or die "connect: $@\n";

    print {$socket} $bytes;
    local $SIG{ALRM} = sub { die "the server did not close\n" };
    my $before = alarm 10;
    local $/;
    my $text = <$socket>;
    alarm $before;
    return $text // '';
}

1;
