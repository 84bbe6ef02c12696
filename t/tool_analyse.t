# hpkp analyse URL, as a user runs it: against an nginx without our module, which sends whatever it is told to, and
# against ports where there is none.

use lib 't/lib';
use HPKP::Test;
use HPKP::CrossPKI;
use IO::Socket::INET ();
use JSON::PP ();

my $tool = need_file(build_dir() . '/hpkp', 'build it: cmake -S . -B build && cmake --build build');
my $pki = HPKP::PKI->new;
my $roots = $pki->dir . '/roots.pem';

sub pin { return map { sprintf 'pin-sha256="%s"', $pki->pin($_) } @_ }
sub value { return join '; ', @_ }

my $good = value('max-age=2592000', pin(qw(www backup-1 backup-2)));
my $good_too = value('max-age=2592000', pin(qw(wildcard backup-1 backup-2)));

# A host of each kind: what it is called, and its headers.
my %headers = (
    'www.example.com' => [ [ 'Public-Key-Pins', $good ] ],
    'none.example.com'      => [],
    'twice.example.com'     => [ [ 'Public-Key-Pins', $good_too ], [ 'Public-Key-Pins', 'max-age=5; nonsense' ] ],
    'malformed.example.com' => [ [ 'Public-Key-Pins', 'max-age=2592000; max-age=5; PIN-SHA256="' . $pki->pin('wildcard') . '"' ] ],
    'root.example.com'      => [ [ 'Public-Key-Pins', value('max-age=600', pin(qw(root-a backup-1 backup-2))) ] ],
    'wrong.example.com'     => [ [ 'Public-Key-Pins', value('max-age=600', pin(qw(backup-1 backup-2))) ] ],
    'single.example.com'    => [ [ 'Public-Key-Pins', value('max-age=9000000', pin(qw(wildcard wildcard))) ] ],
    'self.example.com'      => [ [ 'Public-Key-Pins', value('max-age=600', pin(qw(wildcard backup-1 backup-2)), 'includeSubDomains',
        'report-uri="https://reports.self.example.com/"') ] ],
    'relative.example.com'  => [ [ 'Public-Key-Pins', value('max-age=600', pin(qw(wildcard backup-1 backup-2)), 'report-uri="/pkp"') ] ],
    'over.example.com'      => [ [ 'Public-Key-Pins', value('max-age=0', pin(qw(wildcard backup-1))) ] ],
    'example-pin.example.com' => [ [ 'Public-Key-Pins', value('max-age=600', pin('wildcard'), 'pin-sha256="E9CZ9INDbd+2eRQozYqqbQ2yXLVKB9+xcprMF+44U1g="') ] ],
    'report.example.com'    => [ [ 'Public-Key-Pins-Report-Only', value(pin(qw(backup-1 backup-2)), 'report-uri="https://r.example.net/"') ] ],
    'own.example.com'       => [ [ 'Public-Key-Pins-Report-Only', value(pin(qw(backup-1 backup-2)), 'report-uri="https://own.example.com/r"') ] ],
    'both.example.com'      => [ map { [ $_, value(pin(qw(wildcard backup-1 backup-2)), 'max-age=600', 'report-uri="https://both.example.com/r"') ] }
        'Public-Key-Pins', 'Public-Key-Pins-Report-Only' ],
    'mute.example.com'      => [ [ 'Public-Key-Pins-Report-Only', value(pin(qw(wildcard backup-2))) ] ],
);

sub block {
    my ($name) = @_;
    my $lines = join "\n", map { qq(add_header $_->[0] '$_->[1]' always;) } @{ $headers{$name} };
    my @own = $name eq 'www.example.com' ? (cert => 'www', listen => 'default_server') : (cert => 'wildcard');
    return tls_server(name => $name, @own, extra => $lines);
}

my $plain = <<"CONF";
    server { listen 127.0.0.1:{{port:plain}}; server_name www.example.com; add_header Public-Key-Pins '$good'; }
CONF
my $moved = tls_server(name => 'moved.example.com', cert => 'wildcard', extra => qq(add_header Public-Key-Pins '$good' always;\nabsolute_redirect off;\nreturn 301 /elsewhere;));
my $http = join '', map({ block($_) } sort keys %headers), $moved, $plain,
    tls_server(name => 'other.example.net', cert => 'www', extra => qq(add_header Public-Key-Pins '$good' always;));
my $server = HPKP::Server->new(module => 'none', http => $http)->start;
my $there = '127.0.0.1:' . $server->port('tls');

sub run_tool {
    my (@arguments) = @_;
    return run_command([ $tool, 'analyse', @arguments ], env => { map { $_ => undef } qw(http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY) });
}

# Of a host of ours, or of a whole URL.
sub analysed {
    my ($url, @more) = @_;
    $url = "https://$url/" if $url !~ /:/;
    return run_tool($url, '--connect', $there, '--trust', "own=$roots", @more);
}

sub document {
    my $run = analysed(@_, '--format', 'json');
    return (JSON::PP::decode_json($run->{out}), $run->{exit});
}

sub ids { return join ' ', sort map { "$_->{id}:$_->{severity}" } @{ $_[0]{findings} } }
sub actions { return join ' ', map { "$_->{id}:$_->{action}" } @{ $_[0]{clients} } }
sub why { my ($json, $id) = @_; return (map { $_->{why} // '' } grep { $_->{id} eq $id } @{ $json->{clients} })[0] }

# The test's own authority is none that a browser ships, so Firefox notes nothing of all this.
my $all_note = 'rfc:note chromium:note firefox:ignore wget2:note';
my $none_notes = 'rfc:ignore chromium:ignore firefox:ignore';

subtest 'a good one, for people' => sub {
    my $run = analysed('www.example.com');
    is($run->{exit}, 0, 'exit 0') or diag($run->{out}, $run->{err});
    is($run->{err}, '', 'nothing on stderr');
    my @said = (
        qr{^https://www\.example\.com/\n    HTTP/\S+ 200 from \Q$there\E, TLSv1\.3\n}m,
        qr{^Public-Key-Pins: \Q$good\E$}m,
        qr{^    www\.example\.com +pin-sha256="\Q@{[ $pki->pin('www') ]}\E"  <- pinned$}m,
        qr{^    HPKP Test Root A +pin-sha256="\Q@{[ $pki->pin('root-a') ]}\E"$}m,
        qr{^    pin-sha256="\Q@{[ $pki->pin('www') ]}\E"  www\.example\.com$}m,
        qr{^    pin-sha256="\Q@{[ $pki->pin('backup-1') ]}\E"  a backup: on no path$}m,
        qr{^    RFC 7469 +notes the pins for 30 days: a pin is in the chain}m,
        qr{^    Chromium before 72 +notes .*installed by hand$}m,
        qr{^    Firefox before 72 +ignores the header: the root is none that it ships}m,
        qr{^    GNU Wget2 +notes the pins for 30 days: a pin is among the certificates sent}m,
    );
    like($run->{out}, $_, "says $_") for @said;
    unlike($run->{out}, qr/error|warning|\e/, 'no finding, no colour');
};

subtest 'a good one, for programs' => sub {
    my ($json, $exit) = document('www.example.com');
    is($exit, 0, 'exit 0');
    is($json->{version}, 1, 'version');
    is("$json->{url} $json->{host} $json->{status} $json->{'tls-version'} $json->{address}", "https://www.example.com/ www.example.com 200 TLSv1.3 $there", 'who');
    is(actions($json), $all_note, 'what clients do');
    is(ids($json), '', 'no finding');
    my $header = $json->{'public-key-pins'};
    is_deeply($header->{values}, [$good], 'the header');
    ok($header->{conforms}, 'conforms');
    is($header->{'max-age'}, 2592000, 'max-age');
    is_deeply([ map { $_->{'on-paths'} } @{ $header->{pins} } ], [ ['www.example.com'], [], [] ], 'where its pins are');
    is($json->{'public-key-pins-report-only'}, undef, 'no other header');
    my $chain = $json->{chain};
    is("$chain->{trust} " . ($chain->{'name-covered'} ? 1 : 0) . ($chain->{'built-in-root'} ? 1 : 0), 'trusted 10', 'the chain');
    is_deeply([ map { $_->{'pin-sha256'} } @{ $chain->{paths}[0]{certificates} } ], [ map { $pki->pin($_) } qw(www int-a root-a) ], 'its path');
};

# host, what clients do, findings, exit code, what one of them or an advice says
my @cases = (
    [ 'none.example.com', 'rfc:nothing chromium:nothing firefox:nothing wget2:nothing', '', 0, qr/there is no Public-Key-Pins/ ],
    [ 'twice.example.com', 'rfc:note chromium:note firefox:ignore wget2:note', '', 0, qr/2 headers Public-Key-Pins are sent/ ],
    [ 'malformed.example.com', "$none_notes wget2:locked-out", '', 1, qr/byte 17: max-age stands there twice/ ],
    [ 'root.example.com', 'rfc:note chromium:note firefox:ignore wget2:locked-out', 'root-only-pin:warning', 1, qr/none is among the certificates sent/ ],
    [ 'wrong.example.com', "$none_notes wget2:locked-out", 'no-pin-in-chain:error', 1, qr/none of its pins is in the chain/ ],
    [ 'single.example.com', "$none_notes wget2:note",
        'duplicate-pin:warning max-age-long:warning no-backup-pin:error single-backup:warning too-few-pins:error', 1, qr/it has no backup/ ],
    [ 'self.example.com', $all_note, 'report-uri-self:error', 1, qr/no report can arrive/ ],
    [ 'relative.example.com', 'rfc:note chromium:ignore firefox:ignore wget2:note', 'report-uri-invalid:error', 1, qr/is no absolute http or https URI/ ],
    [ 'over.example.com', 'rfc:forget chromium:forget firefox:ignore wget2:forget', 'single-backup:warning', 0, qr/max-age=0 tells clients to forget/ ],
    [ 'example-pin.example.com', $all_note, 'placeholder-pin:error single-backup:warning', 1, qr/is an example of RFC 7469/ ],
    [ 'report.example.com', 'rfc:nothing chromium:nothing firefox:nothing wget2:nothing', 'no-pin-in-chain:warning', 0, qr/reports this visit: none of its pins/ ],
    [ 'own.example.com', 'rfc:nothing chromium:nothing firefox:nothing wget2:nothing', 'no-pin-in-chain:warning', 0, qr/Chromium.*: it sends none over https to the host itself/ ],
    [ 'both.example.com', $all_note, 'report-uri-self:error', 1, qr/no report can arrive/ ],
    [ 'mute.example.com', 'rfc:nothing chromium:nothing firefox:nothing wget2:nothing', 'report-only-needs-report-uri:error', 1, qr/it has no report-uri/ ],
    [ 'other.example.net', "$none_notes wget2:ignore", 'name-not-covered:warning', 1, qr/the certificate is not for this name/ ],
    [ 'https://127.0.0.1/', "$none_notes wget2:ignore", 'ip-host:warning', 1, qr/never pinned|not for this name/ ],
);

for my $case (@cases) {
    my ($host, $actions, $ids, $exit, $says) = @$case;
    subtest $host => sub {
        my ($json, $status) = document($host);
        is(actions($json), $actions, 'what clients do');
        is(ids($json), $ids, 'findings');
        is($status, $exit, "exit $exit");
        my $run = analysed($host);
        is($run->{exit}, $exit, 'the same for people');
        like($run->{out}, $says, "says $says");
    };
}

subtest 'an address' => sub {
    my $own = $server->file('temp');
    output_of(qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=ip -addext subjectAltName=IP:127.0.0.1),
        '-keyout', "$own/ip.key", '-out', "$own/ip.crt");
    my $by_address = HPKP::Server->new(module => 'none', http => "server { listen 127.0.0.1:{{port:tls}} ssl; ssl_certificate $own/ip.crt; "
        . "ssl_certificate_key $own/ip.key; add_header Public-Key-Pins '$good'; }")->start;
    my $json = JSON::PP::decode_json(run_tool('https://127.0.0.1:' . $by_address->port('tls') . '/', '--trust', "own=$own/ip.crt", '--format', 'json')->{out});
    ok($json->{chain}{'name-covered'}, 'the certificate is for it');
    is(why($json, 'rfc'), 'an IP address is never pinned (RFC 7469 2.3.3)', 'and it is pinned all the same');
    $by_address->stop;
};

subtest 'a redirect is named, and its pins count' => sub {
    my ($json, $exit) = document('moved.example.com');
    is($json->{status}, 301, 'the status');
    is($json->{redirect}, 'https://moved.example.com/elsewhere', 'where to');
    is(ids($json), 'no-pin-in-chain:error', 'its header is judged');
    is($exit, 1, 'exit 1');
    like(analysed('moved.example.com')->{out}, qr{leads to https://moved\.example\.com/elsewhere}, 'for people too');
};

subtest 'a chain that clients refuse' => sub {
    my $run = run_tool('https://www.example.com/', '--connect', $there);
    is($run->{exit}, 1, 'exit 1 with the header of a chain that the system does not trust');
    like($run->{out}, qr/^error: untrusted-chain: .* no valid path to a root of the system's bundle/m, 'says so');
    like($run->{out}, qr/^    each of them  ignores the header: the chain is not trusted/m, 'and what that means');
    unlike($run->{out}, qr/no-pin-in-chain/, 'a pin may be the root\'s that is not known');
    $run = run_tool('none.example.com', '--connect', $there);
    is($run->{exit}, 0, 'without a header there is nothing to ignore');
    like($run->{out}, qr/^warning: untrusted-chain: /m, 'it is said all the same');
    my ($json) = JSON::PP::decode_json(run_tool('https://www.example.com/', '--connect', $there, '--trust', "b=" . $pki->dir . '/certs/root-b.pem', '--format', 'json')->{out});
    is("$json->{chain}{trust} " . ids($json), 'untrusted untrusted-chain:error', 'a store that does not have its root');
};

subtest 'several paths' => sub {
    my $cross = HPKP::CrossPKI->new;
    my $two = HPKP::Server->new(module => 'none', pki => $cross, http => tls_server(cert => 'www-both',
        extra => qq(add_header Public-Key-Pins 'max-age=600; pin-sha256="{{pin:root-a}}"; pin-sha256="{{pin:backup-1}}"; pin-sha256="{{pin:backup-2}}"';)))->start;
    my $run = run_tool('www.example.com', '--connect', '127.0.0.1:' . $two->port('tls'), '--trust', 'b=' . $cross->dir . '/certs/root-b.pem',
        '--trust', 'a=' . $cross->dir . '/certs/root-a.pem');
    like($run->{out}, qr/^    path 1 of \d, to a root in /m, 'are drawn');
    like($run->{out}, qr/^error: path-without-pin: /m, 'one of them is not pinned');
    like($run->{out}, qr/notes the pins .* for \d of the \d paths .*locked out/, 'and what that does');
    is($run->{exit}, 1, 'exit 1');
    $two->stop;
};

subtest 'plain HTTP' => sub {
    my $run = run_tool('http://www.example.com/', '--connect', '127.0.0.1:' . $server->port('plain'));
    is($run->{exit}, 1, 'exit 1: the header is for nothing');
    like($run->{out}, qr/not encrypted/, 'says so');
    like($run->{out}, qr/ignores the header: over plain HTTP pins mean nothing/, 'and what that means');
};

subtest 'where there is nobody to ask' => sub {
    my $deaf = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5) or die "listen: $!";
    my $gone = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "listen: $!";
    my $gone_port = $gone->sockport;
    close $gone;
    my %wrong = (
        "refused" => [ [ "https://127.0.0.1:$gone_port/" ], qr/^hpkp: 127\.0\.0\.1:$gone_port refuses the connection/ ],
        "no answer" => [ [ 'https://127.0.0.1:' . $deaf->sockport . '/', '--time-limit', 1 ], qr/^hpkp: \S+ gives no answer within 1 second\n/ ],
        "no TLS" => [ [ 'https://127.0.0.1:' . $server->port('plain') . '/' ], qr/^hpkp: \S+ speaks no TLS: it answers in plain text/ ],
        "no name" => [ [ 'https://nobody.invalid/' ], qr/^hpkp: nobody\.invalid:443: no host of this name is found/ ],
        "no URL" => [ [ 'ftp://www.example.com/' ], qr/^hpkp: "ftp:\S+" is no http or https URL/ ],
        "no port" => [ [ 'https://www.example.com/', '--connect', 'localhost:99999' ], qr/^hpkp: "localhost:99999" has no port/ ],
        "a proxy that is not there" => [ [ "https://localhost:$gone_port/" ], qr/^hpkp: localhost:$gone_port cannot be reached by the proxy/, "http://127.0.0.1:$gone_port" ],
        "no store" => [ [ 'https://www.example.com/', '--connect', $there, '--trust', 'own=/nowhere.pem' ], qr{^hpkp: --trust own: /nowhere\.pem } ],
    );
    for my $name (sort keys %wrong) {
        my ($arguments, $says, $proxy) = @{ $wrong{$name} };
        my $run = $proxy ? run_command([ $tool, 'analyse', @$arguments ], env => { https_proxy => $proxy }) : run_tool(@$arguments);
        is($run->{exit}, 2, "$name: exit 2");
        like($run->{err}, $says, "$name: says what is wrong");
        is($run->{out}, '', "$name: and no more");
    }
};

# What is said of GNU Wget2 is what it does: a first visit, a look at what it keeps, a second visit.
subtest 'GNU Wget2 does as is said' => sub {
    need_tools('wget2');
    # It cannot be told where a name is, and may be told so by localhost alone.
    my @values = (
        value('max-age=600', pin(qw(local backup-1))), value('max-age=600', pin('int-a')), value('max-age=600', pin(qw(root-a backup-1))),
        value('max-age=0', pin(qw(local backup-1))), value(pin('local')), 'max-age=600', 'nonsense', value('max-age=600', 'pin-sha1="abc"'),
        value('max-age=9223372036854775807', pin('local')), 'max-age=600, ' . value(pin('local')), 'max-age=60x; ' . value(pin('local')),
        value('max-age=600', map { s/^pin/PIN/r } pin('local')), value('max-age=600', map { s/"//gr } pin('local')),
        value('max-age=600', map { s/"//gr } pin('int-a')), value('max-age=600', map { s/="/=" /r } pin('local')),
    );
    my $locations = join "\n", map { "location = /$_ { add_header Public-Key-Pins '$values[$_]' always; return 204; }" } 0 .. $#values;
    my $local = HPKP::Server->new(module => 'none', http => tls_server(name => 'localhost', cert => 'local', extra => $locations))->start;
    my $store = $local->file('temp/hpkp');
    for my $at (0 .. $#values) {
        my $url = 'https://localhost:' . $local->port('tls') . "/$at";
        my @wget2 = ('wget2', '--no-config', '--quiet', '--tries=1', '--output-document=-', "--hpkp-file=$store", "--ca-certificate=$roots", $url);
        my %env = (env => { HOME => $local->file('temp'), map { $_ => undef } qw(http_proxy https_proxy HTTPS_PROXY all_proxy) });
        # What is forgotten must have been there.
        write_text($store, sprintf "localhost 0 %d 6000\n*sha256 %s\n", time, $pki->pin('local'));
        utime 1, 1, $store;
        run_command(\@wget2, %env);
        my $kept = read_text($store) =~ /^localhost /m;
        my $done = !$kept ? 'forget' : run_command(\@wget2, %env)->{exit} == 5 ? 'locked-out' : 'note';
        my $json = JSON::PP::decode_json(run_tool($url, '--trust', "own=$roots", '--format', 'json')->{out});
        is((split /:/, (split ' ', actions($json))[3])[1], $done, "$done: $values[$at]") or diag(read_text($store));
        ok(grep({ $_->{id} eq 'leaf-expires-first' } @{ $json->{findings} }), 'longer than any certificate') if $values[$at] =~ /=9223372036854775807;/;
    }
    $local->stop;
};

# Raw sockets from here on: what nginx would not send.
subtest 'answers of anybody\'s making' => sub {
    my %answers = (
        'a 1xx first' => [ "HTTP/1.1 103 Early Hints\r\nPublic-Key-Pins: early\r\n\r\nHTTP/1.1 200 OK\r\nPublic-Key-Pins: late\r\n\r\nbody", qr/^Public-Key-Pins: late\n(?!Public-Key-Pins:)/m ],
        'control characters' => [ "HTTP/1.1 200 OK\r\nPublic-Key-Pins: a\e[31mb\xff\r\n\r\n", qr/^Public-Key-Pins: a\?\[31mb\?$/m ],
        'a folded line' => [ "HTTP/1.1 200 OK\r\nPublic-Key-Pins: a;\r\n b\r\n\r\n", qr/^Public-Key-Pins: a; b$/m ],
        'no HTTP' => [ "SSH-2.0-x\r\n", qr/^hpkp: 127\.0\.0\.1:\d+: / ],
        'headers without end' => [ "HTTP/1.1 200 OK\r\n" . ('X: ' . 'y' x 100 . "\r\n") x 20_000, qr/^hpkp: \S+ sends more than 256 KiB of headers/ ],
        # libcurl 7.88 leaves their number to us, 8.23 takes 5000.
        'short ones' => [ "HTTP/1.1 200 OK\r\n" . "X: y\r\n" x 400_000,
            qr/^hpkp: \S+ (?:sends more than 256 KiB of headers|Too many response headers, 5000 is max)/ ],
    );
    for my $name (sort keys %answers) {
        my ($answer, $says) = @{ $answers{$name} };
        my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "listen: $!";
        my $pid = fork // die "fork: $!";
        if ($pid == 0) {
            alarm 10;
            my $client = $socket->accept;
            sysread $client, my $request, 4096;
            print {$client} $answer;
            close $client;
            POSIX::_exit(0);
        }
        my $run = run_tool('http://127.0.0.1:' . $socket->sockport . '/');
        waitpid $pid, 0;
        like($run->{out} . $run->{err}, $says, $name);
        is($run->{signal}, 0, "$name: no crash");
    }
};

$server->stop;
done_testing;
