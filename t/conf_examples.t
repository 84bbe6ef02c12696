# Every example in conf-examples/ starts as it stands, without a warning, and sends what it says; and
# conf-examples/quickstart.sh does what it promises.

use lib 't/lib';
use HPKP::Test;

my $examples = project_root() . '/conf-examples';

# What the clients of each example get: the source of each pin in make-pki.sh's directory, in the policy's order.
my @backups = qw(backup-1.csr backup-2.csr);
my %sends = (
    'leaf'                  => { enforce => { max_age => 300, pins => [ 'www.pub', @backups ] } },
    'intermediate'          => { enforce => { max_age => 604800, pins => [ 'intermediate-a.pem', @backups ] } },
    'intermediate-other-ca' => { enforce => { max_age => 604800,
            pins => [ 'intermediate-a.pem', 'intermediate-a-next.pem', 'intermediate-b.pem' ] } },
    'two-cas'               => { enforce => { max_age => 604800,
            pins => [ 'intermediate-a.pem', 'intermediate-b.pem', @backups ] } },
    'root'                  => { enforce => { max_age => 604800,
            pins => [ 'intermediate-a.pem', 'root-a.pem', @backups ] } },
    'report-only'           => { report_only => { pins => [ 'www.pub', @backups ],
            report_uri => 'https://reports.example.net/pkp' } },
    'both-headers'          => { enforce => { max_age => 604800, pins => [ 'intermediate-a.pem', @backups ] },
        report_only => { pins => [ 'www.pub', @backups ], report_uri => 'https://reports.example.net/pkp-next' } },
    'tls-in-front'          => { enforce => { max_age => 604800, pins => [ 'www.pub', @backups ] } },
    'app-guard'             => {},
);

my @there = sort map { m{([^/]+)\.yaml$} } glob "$examples/*.yaml";
is_deeply(\@there, [ sort keys %sends ], 'each example is tested here, and each test has its example');

my %pin;

sub pin_of {
    my ($pki, $file) = @_;
    my $tool = $file =~ /\.pub$/ ? 'pkey -pubin -pubout' : $file =~ /\.csr$/ ? 'req -noout -pubkey' : 'x509 -noout -pubkey';

    return $pin{"$pki/$file"} //= do {
        my $pin = output_of('sh', '-c', "openssl $tool -in '$pki/$file' | openssl pkey -pubin -outform der"
            . ' | openssl dgst -sha256 -binary | openssl base64');
        chomp $pin;
        $pin;
    };
}

# One PKI for all: the examples differ in what they do with it.
my $made = File::Temp->newdir('hpkp-examples-XXXXXX', TMPDIR => 1);
output_of("$examples/make-pki.sh", "$made/pki");
my $again = run_command([ "$examples/make-pki.sh", "$made/pki" ]);
isnt($again->{exit}, 0, 'make-pki.sh does not overwrite a PKI');

for my $name (sort keys %sends) {
    subtest $name => sub { try_example($name) };
}

sub try_example {
    my ($name) = @_;
    my $text = read_text("$examples/$name.conf");
    like($text, qr/^# \Q$_\E/m, "says: $_") for 'For whom:', 'Protects:', 'How it fails:';

    my $server = HPKP::Example->new;
    $server->install($examples, $name, "$made/pki");

    my $test = $server->test_config;
    accepted($test, 'nginx -t accepts it');
    # The ledger is new.
    findings_are($test, [ $sends{$name}{enforce} ? 'never-report-only warning' : () ],
        'with no finding but that nobody rehearsed it');
    unlike($server->log, qr/hpkp: private-pki/, 'nor a note: its roots are named');

    $server->start;
    findings_are($server->test_config, [], 'without a warning once it has been sent');
    my @option = $name eq 'tls-in-front' ? (plain => 1, port => 'example', headers => ['X-Forwarded-Proto: https'])
        : (port => 'example');
    my $answer = fetch($server, '/', @option);
    is($answer->{status}, 200, 'answers');
    sends($answer, $name, 'a client');

    if ($name eq 'two-cas') {
        my $rsa = fetch($server, '/', @option, curl => [ '--tls-max', '1.2', '--ciphers', 'ECDHE-RSA-AES128-GCM-SHA256' ]);
        sends($rsa, $name, 'a client that gets the RSA certificate');
    }
    if ($name eq 'tls-in-front') {
        no_header(fetch($server, '/', plain => 1, port => 'example'), 'nothing where the front says nothing');
        no_header(fetch($server, '/', plain => 1, port => 'example', headers => ['X-Forwarded-Proto: http']),
            'nothing for a client that came over plain HTTP');
    }
    if ($name eq 'root') {
        sends(fetch($server, '/', @option, curl => [ '--cacert', "$made/pki/$_.pem" ]), $name, "a client that knows $_")
            for qw(root-a root-b);
        my $yaml = read_text($server->file('conf/root.yaml'));
        $server->write('conf/root.yaml', $yaml =~ s{certificate: pki/\w+\K-a}{-b}gr);
        has_finding($server->reload_refused, 'path-without-pin', 'error', name => 'a pin of root b alone is refused');
        $server->write('conf/root.yaml', $yaml);
    }
    if ($name eq 'app-guard') {
        is($answer->{body}, "app-guard: guard app, matched by leaf\n", 'the variables say what is guarded');
    }

    # Each kind of policy is there to refuse this.
    output_of('sh', '-c', "cd '" . $server->file('conf/pki') . "' && cp offline/root-b.key www.key"
        . ' && for chain in www.pem www-cross.pem; do cp root-b.pem $chain; done');
    refused($server->reload_refused, 'a certificate that nobody pinned is refused');
    sends(fetch($server, '/', @option), $name, 'a client after that');

    $server->no_alerts;
    $server->stop;
}

sub sends {
    my ($answer, $name, $who) = @_;
    my $want = $sends{$name};
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my %header = (enforce => 'Public-Key-Pins', report_only => 'Public-Key-Pins-Report-Only');
    for my $mode (sort keys %header) {
        my $value = $want->{$mode};
        is_deeply([ values_of($answer, $header{$mode}) ], [ $value ? header_value($value) : () ],
            "$who: $header{$mode}") or diag($answer->{head});
    }
}

sub header_value {
    my ($want) = @_;
    my @parts = map { 'pin-sha256="' . pin_of("$made/pki", $_) . '"' } @{ $want->{pins} };

    unshift @parts, "max-age=$want->{max_age}" if defined $want->{max_age};
    push @parts, qq(report-uri="$want->{report_uri}") if $want->{report_uri};
    return join '; ', @parts;
}

subtest 'quickstart.sh' => sub {
    # A sanitizer's library belongs to the nginx of the tests, not to this one.
    my $run = run_command([ "$examples/quickstart.sh", '--stop-after', 2 ], timeout => 300);
    is($run->{exit}, 0, 'exit 0') or diag("$run->{out}$run->{err}");
    is($run->{err}, '', 'nothing on stderr');

    my %part = split_steps($run->{out});
    is_deeply([ sort keys %part ], [ 1 .. 7 ], 'seven steps') or diag($run->{out});

    my $header = qr/^Public-Key-Pins: max-age=300; (?:pin-sha256="[^"]{44}"(?:; )?){3}$/m;
    like($part{4}, $header, 'shows the header');
    like($part{4}, qr/^HTTP\S+ 200/m, 'over checked TLS');
    like($part{4}, qr/the pin named leaf/, 'with the leaf that it pins');

    like($part{5}, qr/\[emerg\].* hpkp: no-pin-in-chain: /, 'the refused reload says why');
    like($part{5}, qr/configuration refused/, 'and that it is refused');
    like($part{5}, qr/header would be valid:\n\$ nginx -s reload\n\S+ \S+ \[emerg\] \S+ hpkp: locks-out-clients: /,
        'with its pin in the policy, the ledger refuses it alone');
    like($part{5}, $header, 'the header is still sent');
    like($part{5}, qr/the pin named leaf/, 'with the old key');

    unlike($part{6}, qr/\[(?:warn|emerg)\]/, 'the accepted reload has no finding');
    like($part{6}, $header, 'the header is sent after it');
    like($part{6}, qr/the pin named backup 1/, 'with the key of the backup');

    my ($stop, $pid) = $part{7} =~ /^To stop it:\s+(kill -QUIT (\d+))$/m;
    ok($stop, 'says how to stop it') or return;
    my ($directory) = $part{7} =~ /and takes (\S+) with it/;
    ok($directory, 'names its directory') or return;
    ok(wait_until(sub { !-e "/proc/$pid" && !-e $directory }, 30), 'stops by itself and takes its directory with it');

    is(run_command([ "$examples/quickstart.sh", @$_ ])->{exit}, 2, "refuses: @$_")
        for [ '--stop-after' ], [ '--stop-after', 'soon' ], ['--help'];
};

sub split_steps {
    my ($text) = @_;
    my (undef, @parts) = split m{^== (\d)/7 .*==$}m, $text;
    return @parts;
}

done_testing;

# A server whose nginx.conf is the example itself: nothing but the port differs.
package HPKP::Example;

use parent -norequire, 'HPKP::Server';

use HPKP::Command qw(output_of read_text);

sub install {
    my ($self, $examples, $name, $pki) = @_;
    my $conf = $self->file('conf');

    output_of('sh', '-c', "cp '$examples'/private-*.conf '$examples/$name.yaml' '$conf/' && cp -r '$pki' '$conf/pki'");
    mkdir $self->file('modules');
    symlink $self->{module}, $self->file('modules/ngx_http_hpkp_module.so') or die "symlink: $!\n";
    # Where the library looks for it.
    symlink '../error.log', $self->file('logs/error.log') or die "symlink: $!\n";

    my $text = read_text("$examples/$name.conf");
    $text =~ s/\b127\.0\.0\.1:\d+\b/127.0.0.1:{{port:example}}/ or die "$name.conf: no port\n";
    # The ledger of a machine is not a test's to write.
    my $said = grep { /^\s*hpkp_ledger\s/m } $text, map { read_text($_) } glob "$conf/private-*.conf";
    $text =~ s/\bhttp \{\n\K/    hpkp_ledger ledger\/hpkp.ledger;\n/ or die "$name.conf: no http\n" if !$said;
    $self->write('conf/nginx.conf', $text);
    $self->{pki} = bless { dir => "$conf/pki" }, 'HPKP::Example::PKI';
}

sub command {
    my ($self, @arguments) = @_;
    return ($self->SUPER::command, '-g', 'daemon off;', @arguments);
}

package HPKP::Example::PKI;

sub dir { return $_[0]{dir} }
