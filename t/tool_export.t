# hpkp export: each format, read by a parser of its kind. Clients that connect: tool_export_clients.t.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger ();
use JSON::PP ();

need_tools(qw(xmllint plistutil ldns-dane danetool));
my $tool = HPKP::Ledger::tool();
my $pki = HPKP::PKI->new;
my $chain = $pki->dir . '/chains/www.pem';
my $temp = File::Temp->newdir('hpkp-t-XXXXXX', TMPDIR => 1);
my @live = map { $pki->pin($_) } qw(www backup-1);

sub file_of {
    my ($name, $text) = @_;
    $text =~ s/\{\{pin:([\w-]+)\}\}/$pki->pin($1)/ge;
    return write_text("$temp/$name", $text);
}

# A policy file of these pins and modes.
sub pins_file {
    my (%part) = @_;
    return file_of('pins.yaml', policy(pins => [qw(www backup-1)], guard => '{}', %part));
}

sub export {
    my ($format, @arguments) = @_;
    return run_command([ $tool, 'export', '--to', $format, @arguments ]);
}

sub exported {
    my ($format, @arguments) = @_;
    my $run = export($format, @arguments);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($run->{exit}, 0, "--to $format") or diag($run->{err});
    return $run->{out};
}

sub xpath {
    my ($file, $expression) = @_;
    return output_of('xmllint', '--xpath', $expression, $file) =~ s/\n\z//r;
}

# What a property list says, by a reader of property lists: its text after a way through the binary form.
sub plist_file {
    my ($text) = @_;
    output_of('plistutil', '-i', file_of('list', $text), '-f', 'bin', '-o', "$temp/binary");
    output_of('plistutil', '-i', "$temp/binary", '-f', 'xml', '-o', "$temp/plist");
    like(read_text("$temp/binary"), qr/^bplist/, 'a property list');
    return "$temp/plist";
}

# The value of a key of the first dictionary behind these keys.
sub plist_value {
    my ($file, @keys) = @_;
    my $at = join '/', map { qq{key[.="$_"]/following-sibling::*[1]} } @keys;
    return xpath($file, "/plist/dict/$at") =~ s/>\s+</></gr;
}

# The part of Android's grammar that the format uses, as the parser of Android reads it.
my $android = <<'RNG';
<grammar xmlns="http://relaxng.org/ns/structure/1.0" datatypeLibrary="http://www.w3.org/2001/XMLSchema-datatypes"><start>
<element name="network-security-config"><oneOrMore><element name="domain-config">
  <oneOrMore><element name="domain">
    <attribute name="includeSubdomains"><choice><value>true</value><value>false</value></choice></attribute>
    <data type="string"><param name="pattern">[a-z0-9.-]+</param></data>
  </element></oneOrMore>
  <element name="pin-set">
    <optional><attribute name="expiration"><data type="date"><param name="pattern">\d{4}-\d\d-\d\d</param></data></attribute></optional>
    <oneOrMore><element name="pin">
      <attribute name="digest"><value>SHA-256</value></attribute>
      <data type="base64Binary"><param name="length">32</param></data>
    </element></oneOrMore>
  </element>
  <optional><element name="trustkit-config">
    <attribute name="enforcePinning"><data type="boolean"/></attribute>
    <attribute name="disableDefaultReportUri"><value>true</value></attribute>
    <zeroOrMore><element name="report-uri"><data type="anyURI"/></element></zeroOrMore>
  </element></optional>
</element></oneOrMore></element>
</start></grammar>
RNG

sub valid_android {
    my ($text) = @_;
    my $run = run_command([ 'xmllint', '--noout', '--relaxng', file_of('android.rng', $android), file_of('android.xml', $text) ]);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($run->{exit}, 0, 'valid') or diag($run->{err}, $text);
    return "$temp/android.xml";
}

subtest 'android' => sub {
    my $pins = pins_file(guard => '{until: 2027-06-01, includeSubDomains: true}');
    my $xml = valid_android(exported('android', $pins, qw(--at 2026-12-01 --host www.example.com --host api.example.org --host WWW.example.com)));
    is(xpath($xml, '//domain/text()'), "www.example.com\napi.example.org", 'each host once');
    is(xpath($xml, '//@includeSubdomains'), qq( includeSubdomains="true"\n includeSubdomains="true"), 'subdomains');
    is(xpath($xml, '//pin/text()'), join("\n", @live), 'the pins');
    is(xpath($xml, 'string(//@expiration)'), '2027-06-02', 'they expire the day after the last one of the guard');
    is(export('android', $pins, qw(--at 2028-01-01 --host www.example.com))->{exit}, 2, 'a guard that is over: nothing');
    $xml = valid_android(exported('android', pins_file(), qw(--host www.example.com)));
    is(xpath($xml, 'string(//@includeSubdomains)'), 'false', 'no subdomains');
    is(xpath($xml, 'count(//@expiration)'), 0, 'no expiry');
};

subtest 'ios' => sub {
    my $list = plist_file(exported('ios', pins_file(clients => '[leaf]', guard => '{includeSubDomains: true}'), '--chain', $chain,
            qw(--host www.example.com --host example.org)));
    my @at = qw(NSAppTransportSecurity NSPinnedDomains);
    for my $host ('www.example.com', 'example.org') {
        is(plist_value($list, @at, $host, 'NSIncludesSubdomains'), '<true/>', "$host: subdomains");
        is(plist_value($list, @at, $host, 'NSPinnedLeafIdentities'), '<array>' . join('', map {
            "<dict><key>SPKI-SHA256-BASE64</key><string>$_</string></dict>" } @live) . '</array>', 'the pins');
    }
    is(xpath($list, 'count(//key[.="NSPinnedCAIdentities"])'), 0, 'one list alone');
};

subtest 'trustkit' => sub {
    my $pins = pins_file(guard => '{until: 2027-06-01}', enforce => '{max-age: 1d, report-uri: "https://r.example.net/a?b=c&d"}');
    my @arguments = ($pins, qw(--at 2026-12-01 --host www.example.com));
    my $list = plist_file(exported('trustkit', @arguments));
    my %want = (
        TSKEnforcePinning => '<true/>', TSKIncludeSubdomains => '<false/>', TSKDisableDefaultReportUri => '<true/>',
        TSKExpirationDate => '<string>2027-06-02</string>', TSKReportUris => '<array><string>https://r.example.net/a?b=c&amp;d</string></array>',
        TSKPublicKeyHashes => '<array>' . join('', map { "<string>$_</string>" } @live) . '</array>',
    );
    is(plist_value($list, qw(TSKConfiguration TSKPinnedDomains www.example.com), $_), $want{$_}, $_) for sort keys %want;
    is(plist_value($list, qw(TSKConfiguration TSKSwizzleNetworkDelegates)), '<false/>', 'which older releases want to see');

    my $xml = valid_android(exported('trustkit', @arguments, qw(--platform android)));
    is(xpath($xml, 'string(//@enforcePinning)'), 'true', 'Android: enforced');
    is(xpath($xml, 'string(//report-uri)'), 'https://r.example.net/a?b=c&d', 'report-uri');
    is(xpath($xml, 'string(//@expiration)'), '2027-06-02', 'expiry');
};

subtest 'trustkit, of what would end the app' => sub {
    my $run = export('trustkit', pins_file(), qw(--host localhost --output), "$temp/never.plist");
    is($run->{exit}, 1, 'exit 1');
    is(export('trustkit', pins_file(), qw(--host localhost))->{out}, '', 'nothing on the output');
    is($run->{out}, '', 'nor there when a file is asked for');
    ok(!-e "$temp/never.plist", 'nor in the file');
    like($run->{err}, qr/^error: TrustKit ends .*\nnothing is exported$/m, 'says why');
};

subtest 'names cannot break out' => sub {
    my $evil = qq(--> ]]> </string><pin/> " \$x # ; // \\u000a \\n &x; */ \xef\xbf\xbe\xef\xbf\xbf end);
    my $pins = pins_file(clients => '[leaf]', pins => [ map { qq(name: '$evil', pin-sha256: "{{pin:$_}}") } qw(www backup-1) ]);
    my @hosts = qw(--host www.example.com);
    is(xpath(valid_android(exported('android', $pins, @hosts)), 'count(//pin)'), 2, 'XML');
    is(xpath(plist_file(exported('ios', $pins, @hosts, '--level', 'leaf')), 'count(//string)'), 2, 'property list');
    # Line by line, apart from the comments, the same as with harmless names.
    my %bare = map { my $file = $_; $file => { map { $_ => exported($_, $file, @hosts) =~ s{(?:^| +)(?://|;|\#) .*}{}gmr } qw(okhttp tlsa envoy) } }
        $pins, file_of('harmless.yaml', policy(guard => '{}', clients => '[leaf]', pins => [qw(www backup-1)]));
    is_deeply($bare{$pins}, $bare{"$temp/harmless.yaml"}, 'Kotlin, zone file, YAML');
    unlike(exported('okhttp', $pins, @hosts), qr/\\u/, 'no escape that Java would read even in a comment');
};

subtest 'okhttp' => sub {
    my $text = exported('okhttp', pins_file(guard => '{includeSubDomains: true}'), qw(--host www.example.com --host a.example.org));
    my @patterns = $text =~ /\.add\(\s*"([^"]*)"/g;
    is_deeply(\@patterns, [qw(**.www.example.com **.a.example.org)], 'patterns that match the host and all below it');
    is_deeply([ $text =~ m{"sha256/([^"]*)"}g ], [ @live, @live ], 'the pins of each');
};

subtest 'tlsa' => sub {
    my $pins = pins_file(pins => [qw(www int-a backup-1)], clients => '[sent]');
    my @certificate = ('-c', $chain, '-f', $pki->dir . '/roots.pem');
    my $zone = exported('tlsa', $pins, '--chain', $chain, qw(--port 8443 --host www.example.com));
    my $verify = sub { run_command([ 'ldns-dane', '-d', '-t', file_of('zone', $_[0]), @certificate, 'verify', 'www.example.com', 8443 ]) };
    my $run = $verify->($zone);
    is($run->{exit}, 0, 'ldns-dane accepts the chain') or diag($run->{out}, $run->{err});
    my ($ee, $ta) = map { my $usage = $_; join "\n", grep { / TLSA $usage / } split /\n/, $zone } 3, 2;
    is($verify->("$_\n")->{exit}, 0, 'by either usage') for $ee, $ta;
    isnt($verify->($zone =~ s/(TLSA \d 1 1 .)(.)/$1 . ($2 eq '0' ? '1' : '0')/ger)->{exit}, 0, 'and not by other digests');
    my $other = output_of('danetool', '--tlsa-rr', qw(--port 8443 --host www.example.com --load-certificate), $pki->dir . '/certs/www.pem');
    my ($digest) = $other =~ /([0-9a-f]{64})/ or die $other;
    my $run_ca = export('tlsa', pins_file(clients => '[leaf]'), qw(--host www.example.com --level ca));
    is("$run_ca->{exit} $run_ca->{out}", '1 ', 'clients of the leaf, and no pin of a leaf: nothing');
    like($run_ca->{err}, qr/^error: the policy's clients compare the leaf/m, 'says why');
    like($ee, qr/^_8443\._tcp\.www\.example\.com\. IN TLSA 3 1 1 $digest ; www$/m, 'as danetool makes it');
};

subtest 'header, its ramp and the ledger' => sub {
    my $server = site(clock => HPKP::Ledger::day(0), pins_yaml => policy(enforce => '{max-age: {ramp: [{for: 1d, value: 5m}, {value: 30d}]}}'))->start;
    $server->stop;
    my $header = sub {
        my ($day, @arguments) = @_;
        my $run = run_command([ $tool, qw(export --to header), $server->file('conf/pins.yaml'), '--at', HPKP::Ledger::day($day) . ' UTC', @arguments ]);
        is($run->{exit}, 0, 'exported') or diag($run->{err});
        return @{$run}{qw(out err)};
    };
    my @ledger = ('--ledger', HPKP::Ledger::ledger_file($server));
    my $value = sub { 'Public-Key-Pins: ' . pins_header($server, max_age => $_[0]) . "\n" };
    my ($out, $err) = $header->(0.5, @ledger, qw(--host www.example.com));
    is($out, $value->(300), 'in its first step');
    like($err, qr/it began on \Q@{[ HPKP::Ledger::day(0) ]}\E UTC/, 'says since when');
    is(($header->(2, @ledger, qw(--host www.example.com)))[0], $value->(2592000), 'in its last');
    is(($header->(2, qw(--ledger off --host www.example.com)))[0], $value->(300), 'without the ledger it begins now');
    is(($header->(2, @ledger, qw(--host unknown.example.net)))[0], $value->(300), 'and for a host that the ledger does not know');
};

subtest 'json, output and exit codes' => sub {
    my $pins = pins_file(pins => [qw(www backup-1 int-a)]);
    my @hosts = qw(--host www.example.com);
    my $json = JSON::PP::decode_json(exported('json', $pins, '--chain', $chain));
    is($json->{version}, 1, 'the form of our own');
    is_deeply([ map { $_->{level} } @{ $json->{pins} } ], [ 'leaf', undef, 'issuer' ], 'says what the chain shows');

    my $text = exported('okhttp', $pins, @hosts);
    is(exported('okhttp', $pins, @hosts, '--output', "$temp/out"), '', 'into a file: nothing on the output');
    is(read_text("$temp/out"), $text, 'the same');
    $json = JSON::PP::decode_json(exported('okhttp', $pins, @hosts, qw(--format json)));
    is($json->{content}, $text, '--format json has it too');
    is_deeply([ @{$json}{qw(version to policy mode)}, !!$json->{exported} ], [ 1, 'okhttp', 'www', 'guard', 1 ], 'and what it is');

    my $run = export('curl', $pins, '--chain', $chain, '--output', "$temp/never");
    is($run->{exit}, 1, 'what would lock clients out: exit 1');
    is($run->{out}, '', 'nothing is exported');
    ok(!-e "$temp/never", 'not into a file either');
    like($run->{err}, qr/^error: the pin "int-a" is an authority's.*\nnothing is exported$/m, 'says why');
    $json = JSON::PP::decode_json(export('curl', $pins, '--chain', $chain, qw(--format json))->{out});
    like($json->{errors}[0], qr/^the pin "int-a" is an authority's/, 'in JSON too');
    ok(!$json->{exported} && !defined $json->{content}, 'without content');

    my $broken = file_of('broken.yaml', policy(pins => [ 'pin-sha256: "AAAA"', 'www' ], guard => '{}'));
    $run = export('okhttp', $broken, @hosts);
    is($run->{exit}, 1, 'a policy with an error: exit 1');
    like($run->{err}, qr/bad-pin: .*broken\.yaml:5:/, 'which is shown with its place');
    is($run->{out}, '', 'nothing is exported');
    is(export('header', file_of('few.yaml', policy(pins => ['www'])))->{exit}, 1, 'too few pins for a header: exit 1');

    my $two = file_of('two.yaml', policy(guard => '{}') . policy(name => 'api', guard => '{}') =~ s/^.*?policies:\n//sr);
    is(export('okhttp', $two, @hosts, qw(--name api))->{exit}, 0, 'one of two policies');
    for my $wrong ([ 'okhttp', $two, @hosts ], [ 'okhttp', $two, @hosts, qw(--name no) ], [ 'okhttp', $pins ], [ 'frob', $pins, @hosts ],
        [ 'okhttp', "$temp/missing", @hosts ], [ 'okhttp', '-', @hosts ], [ 'okhttp', $pins, '--host', '127.0.0.1' ], [ 'okhttp', $pins, '--host', '*.example.com' ],
        [ 'okhttp', $pins, @hosts, '--chain', $pins ], [ 'okhttp', $pins, @hosts, '--chain', "$temp/missing" ], [ 'okhttp', $pins, @hosts, qw(--port 25) ],
        [ 'okhttp', $pins, @hosts, qw(--platform ios) ], [ 'okhttp', $pins, @hosts, qw(--mode enforce) ], [ 'tlsa', $pins, @hosts, qw(--port 0) ],
        [ 'okhttp', $pins, @hosts, '--output', "$temp/missing/out" ], [ 'okhttp', $pins, @hosts, '--output', $pins ],
        [ 'ios', $pins, @hosts ], [ 'header', $pins ], [ 'header', $pins, '--ledger', "$temp/missing" ], [ 'okhttp', $pins, @hosts, qw(--at yesterday) ],
        [ 'android', $pins, @hosts, qw(--expiration 2026-13-01) ]) {
        $run = export(@$wrong);
        is($run->{exit}, 2, "@$wrong: exit 2");
        isnt($run->{err}, '', 'and says why');
        is($run->{out}, '', 'and nothing else');
    }
    is(-s $pins, length read_text($pins), 'the policy is as it was');
    is(export('okhttp', $pins, @hosts, '--output', '/dev/full')->{exit}, 2, 'a full disk: exit 2');
    $run = run_command([ $tool, qw(export --help) ]);
    is($run->{exit}, 0, '--help');
    like($run->{out}, qr/^ +$_ /m, "it explains $_") for qw(android ios trustkit okhttp curl tlsa wget2 envoy header json);
};

done_testing;
