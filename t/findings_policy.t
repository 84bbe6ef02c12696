# Findings that the policy alone gives rise to: number of pins, report-uri, max-age, modes, files on disk.
# Each case is a whole configuration: exactly these findings, and beside each error the neighbour that passes.

use lib 't/lib';
use HPKP::Test;
use POSIX qw(mkfifo);

my $report = 'https://reports.example.net/pkp';
my $pki = HPKP::PKI->new->dir;
chomp(my $hash = output_of('openssl', 'x509', '-noout', '-subject_hash', '-in', "$pki/certs/root-a.pem"));

sub enforced {
    my ($inside) = @_;
    return policy(enforce => "{max-age: 30d, $inside}");
}

check_cases(
    { case => 'nothing wrong', want => [] },

    { case => 'one pin', want => [ 'too-few-pins error', 'no-backup-pin error', 'single-backup warning' ],
        at => ['pins.yaml:3:3'], pins_yaml => policy(pins => ['www']) },
    { case => 'two pins, one retired', want => [ 'too-few-pins error', 'no-backup-pin error', 'single-backup warning' ],
        at => ['pins.yaml:3:3'], pins_yaml => policy(pins => [ 'www', 'pin-sha256: "{{pin:backup-1}}", retired: true' ]) },
    { case => 'two pins', want => ['single-backup warning'], at => [ 'pins.yaml:3:3', 'server www.example.com' ],
        pins_yaml => policy(pins => [qw(www backup-1)]) },
    { case => 'a retired backup is none', want => ['single-backup warning'],
        pins_yaml => policy(pins => [ 'www', 'backup-1', 'pin-sha256: "{{pin:backup-2}}", retired: true' ]) },
    { case => 'a retired pin still matches', want => [],
        pins_yaml => policy(pins => [ 'pin-sha256: "{{pin:www}}", retired: true', 'backup-1', 'backup-2' ]) },
    { case => 'twenty pins', want => [], pins_yaml => policy(pins => [ 'www', 'backup-1', 'backup-2', made_up(17) ]) },
    { case => 'twenty-one pins', want => ['too-many-pins warning'], at => ['pins.yaml:3:3'],
        pins_yaml => policy(pins => [ 'www', 'backup-1', 'backup-2', made_up(18) ]) },

    { case => 'no mode', want => ['no-mode error'], at => ['pins.yaml:3:3'], pins_yaml => policy(no_mode => 1) },
    { case => 'report-only alone', want => [], pins_yaml => policy(report_only => qq({report-uri: "$report"})) },
    { case => 'report-only without report-uri', want => ['report-only-needs-report-uri error'], at => ['pins.yaml:8:'],
        pins_yaml => policy(report_only => '{}') },

    (map { +{ case => "report-uri $_", want => ['report-uri-invalid error'], at => ['pins.yaml:8:'],
            pins_yaml => enforced(qq(report-uri: '$_')) } }
        'ftp://reports.example.net/', '/pkp', 'reports.example.net/pkp', '//reports.example.net/pkp', 'https:///pkp',
        'https://', 'https:reports', 'https://reports.example.net/"x', 'https://reports.example.net/\\x',
        'https://reports.example.net/a b', 'https://reports.example.net/é', 'mailto:a@example.net',
        'https://reports.example.net:port/'),
    { case => 'report-only has its report-uri checked too', want => ['report-uri-invalid error'],
        pins_yaml => policy(report_only => '{report-uri: "ftp://x.example/"}') },
    (map { +{ case => "report-uri $_", want => [], pins_yaml => enforced(qq(report-uri: '$_')) } }
        'http://reports.example.net', 'https://reports.example.net:8443/a%20b?c=d&e=f;g', 'https://[2001:db8::1]/pkp',
        'HTTPS://reports.example.net/'),

    { case => 'report-uri on the pinned host', want => ['report-uri-self error'], at => ['pins.yaml:'],
        pins_yaml => enforced('report-uri: "https://www.example.com/pkp"') },
    { case => 'in another spelling', want => ['report-uri-self error'],
        pins_yaml => enforced('report-uri: "HTTPS://WWW.example.com:8443/pkp"') },
    { case => 'over http it arrives', want => [], pins_yaml => enforced('report-uri: "http://www.example.com/pkp"') },
    { case => 'on a subdomain of it', want => ['report-uri-self error'],
        pins_yaml => enforced('includeSubDomains: true, report-uri: "https://r.www.example.com/pkp"') },
    { case => 'on a subdomain that is not pinned', want => [],
        pins_yaml => enforced('report-uri: "https://r.www.example.com/pkp"') },
    { case => 'on a name that only looks like a subdomain', want => [],
        pins_yaml => enforced('includeSubDomains: true, report-uri: "https://www.notexample.com/pkp"') },
    { case => 'report-only pins nothing', want => [],
        pins_yaml => policy(report_only => '{report-uri: "https://www.example.com/pkp"}') },

    { case => 'max-age of 60 days', want => [], pins_yaml => policy(enforce => '{max-age: 60d}') },
    { case => 'a second more', want => ['max-age-long warning'], at => ['pins.yaml:8:'],
        pins_yaml => policy(enforce => '{max-age: 5184001}') },
    { case => 'max-age 0', want => [], pins_yaml => policy(enforce => '{max-age: 0}') },
    { case => 'max-age 0 is checked all the same', want => ['no-pin-in-chain error'], cert => 'www-unpinned',
        pins_yaml => policy(enforce => '{max-age: 0}') },

    # What a client has cannot be changed from here: a guard's set of pins only warns.
    { case => 'a guard with one pin', want => [ 'too-few-pins warning', 'no-backup-pin warning', 'single-backup warning' ],
        pins_yaml => policy(pins => ['www'], guard => '{}') },
    { case => 'a guard with two', want => ['single-backup warning'],
        pins_yaml => policy(pins => [qw(www backup-1)], guard => '{}') },
    { case => 'a guard is checked', want => ['no-pin-in-chain error'], cert => 'www-unpinned',
        pins_yaml => policy(guard => '{}') },
    { case => 'a header beside the guard asks for more',
        want => [ 'too-few-pins error', 'no-backup-pin error', 'single-backup warning' ],
        pins_yaml => policy(pins => ['www'], guard => '{}', enforce => '{max-age: 1d}') },

    { case => 'trust: a bundle, a directory', want => [],
        files => { 'stores/a.pem' => read_text("$pki/roots.pem"), "stores/dir/$hash.0" => read_text("$pki/certs/root-a.pem") },
        pins_yaml => "trust: {a: stores/a.pem, b: stores/dir}\n" . policy() },
    { case => 'trust: a missing file', want => ['trust-unreadable error'], at => ['pins.yaml:1:'], says => qr/"?a"?.*stores/,
        pins_yaml => "trust: {a: stores/a.pem}\n" . policy() },
    { case => 'trust: no certificates', want => ['trust-unreadable error'], files => { 'stores/a.pem' => "nothing\n" },
        pins_yaml => "trust: {a: stores/a.pem}\n" . policy() },
);

subtest 'files that others can write' => sub {
    my $server = site(files => { 'b.csr' => read_text("$pki/csr/backup-3.pem") },
        pins_yaml => policy(pins => [ 'www', 'backup-1', 'csr: b.csr' ]));

    findings_are($server->test_config, [], 'none');
    for my $case (
        [ 'pins.yaml', 0664, 1 ], [ 'pins.yaml', 0646, 1 ], [ 'b.csr', 0664, 1 ], [ 'b.csr', 0646, 1 ],
        [ 'b.csr', 0600, 0 ], [ 'nginx.conf', 0666, 0 ],
    ) {
        my ($name, $mode, $found) = @$case;
        chmod $mode, $server->file("conf/$name");
        my $run = $server->test_config;
        findings_are($run, [ $found ? 'file-writable warning' : () ], sprintf '%s, mode %o', $name, $mode);
        my $at = $name eq 'b.csr' ? 'pins.yaml:7:' : 'pins.yaml';
        has_finding($run, 'file-writable', 'warning', at => [$at], says => qr/\Q$name\E/) if $found;
        accepted($run, 'a warning');
        chmod 0644, $server->file("conf/$name");
    }
};

subtest 'the private key of a backup' => sub {
    my $server = site();
    my $key = read_text("$pki/keys/backup-1.pem");

    $server->write('conf/old/backup.key', $key);
    findings_are($server->test_config, [], 'elsewhere');
    $server->write('conf/backup.key', $key);
    my $run = $server->test_config;
    findings_are($run, ['backup-key-online warning'], 'beside the policy');
    has_finding($run, 'backup-key-online', 'warning', at => ['pins.yaml:6:'], says => qr{/conf/backup\.key});
    unlink $server->file('conf/backup.key');

    # However the key is written down.
    my $file = $server->file('conf/some.file');
    my $encrypted = output_of(qw(openssl pkey -aes128 -passout pass:x -in), "$pki/keys/www.pem");
    my %form = (
        'DER'                    => output_of(qw(openssl pkey -outform der -in), "$pki/keys/backup-1.pem"),
        'the older form'         => output_of('sh', '-c', "openssl ec -in '$pki/keys/backup-1.pem' 2>/dev/null"),
        'CRLF'                   => $key =~ s/\n/\r\n/gr,
        'after text'             => "the spare key\n\n$key",
        'after a certificate'    => read_text("$pki/certs/www.pem") . $key,
        'after another key'      => read_text("$pki/keys/www.pem") . $key,
        'after an encrypted key' => "$encrypted$key",
    );
    for my $form (sort keys %form) {
        write_text($file, $form{$form});
        findings_are($server->test_config, ['backup-key-online warning'], $form);
    }

    # What lies there must not hold the load up.
    unlink $file;
    mkfifo($file, 0644) or die "mkfifo: $!";
    symlink '/dev/zero', "$file.2" or die "symlink: $!";
    write_text("$file.3", $encrypted);
    $run = $server->test_config(timeout => 5);
    findings_are($run, [], 'a FIFO, a device and an encrypted key');
    accepted($run, 'are passed over');
    unlink $file, "$file.2", "$file.3";

    # The key of the leaf is no backup: it has to be somewhere.
    $server->write('conf/leaf.key', read_text("$pki/keys/www.pem"));
    findings_are($server->test_config, [], 'the leaf\'s key beside the policy');

    # Another server of this nginx loads a backup's key.
    $server->configure(http => tls_server(extra => 'hpkp_policy pins.yaml;')
        . tls_server(name => 'spare.example.net', port => 'spare', cert => 'www-renewed'));
    $run = $server->test_config;
    my $spare = $server->server_line('spare.example.net');
    has_finding($run, 'backup-key-online', 'warning', at => ['pins.yaml:6:'], says => qr/\Q$spare\E/,
        name => 'in a file that nginx loads');
    accepted($run, 'a warning');
};

done_testing;

# Pins of nobody's keys.
sub made_up {
    my ($number) = @_;
    require MIME::Base64;
    return map { 'pin-sha256: "' . MIME::Base64::encode_base64(chr($_) x 32, '') . '"' } 1 .. $number;
}
