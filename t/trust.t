# Trusted paths: a pin is held against every path that a client may build to a root of the stores under trust, and
# against no other. (How stores are read is trust_store.t, chains without a root private_pki.t.)

use lib 't/lib';
use HPKP::Test;
use HPKP::CrossPKI;

my $report = 'https://reports.example.net/pkp';
my $pki = HPKP::CrossPKI->new;
my ($in_a, $in_b, $either) = ('a: roots/a.pem', 'b: roots/b.pem', 'a: roots/a.pem, b: roots/b.pem');

my %roots = ('roots/a.pem' => $pki->certificates('root-a'), 'roots/b.pem' => $pki->certificates('root-b'));
sub cross { my (%part) = @_; return (pki => $pki, %part, files => { %roots, %{ $part{files} || {} } }) }

# A policy file for these stores; pins as words.
sub trusting {
    my ($trust, $pins, %part) = @_;
    return pins_yaml => ($trust ? "trust: {$trust}\n" : '') . policy(pins => [ split ' ', $pins ], %part);
}

my ($leaf, $int, $root_a, $root_b) = ('www.example.com', map { "HPKP Cross $_" } 'Intermediate', 'Root A', 'Root B');

# The details expected: a heading as it is, a certificate as [ short name, pin ], with a third word where it is pinned.
sub drawing {
    return [ map { !ref ? $_ : sprintf('%-23s  pin-sha256="%s"', $_->[0], $pki->pin($_->[1]))
        . ($_->[2] ? qq(  <- pinned as "$_->[1]") : '') } @_ ];
}

sub details_are {
    my ($server, $id, $severity, $want, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $found = has_finding($server->test_config, $id, $severity, name => $name) or return;
    is_deeply($found->{details}, $want, "$name: the drawing") or diag(join "\n", @{ $found->{details} });
}

subtest 'a root that is not sent' => sub {
    my @root_pin = ('root-a backup-1 backup-2');
    check_cases(map { +{ cross(%$_) } }
        { case => 'its pin, proved by its store', want => ['root-only-pin warning'], trusting($in_a, @root_pin),
            at => [ 'pins.yaml:4:3', 'server www.example.com' ] },
        { case => 'nothing proves it', want => ['no-pin-in-chain error'], trusting('', @root_pin),
            at => [ 'pins.yaml:3:3', 'server www.example.com' ] },
        { case => 'another store proves nothing', want => ['untrusted-chain error'], trusting($in_b, @root_pin),
            at => [ 'pins.yaml:4:3', 'server www.example.com' ], says => qr/store.*\(b\).*\n.*trust/s },
        { case => 'with the intermediate besides', want => [], trusting($in_a, 'root-a int backup-1 backup-2') },
        { case => 'a guard for it', want => ['root-only-pin warning'], trusting($in_a, @root_pin, guard => '{}') },
        { case => 'clients that look at what is sent', want => [ 'sent-without-pin error', 'root-only-pin warning' ],
            trusting($in_a, @root_pin, clients => '[chain, sent]') },
        { case => 'for them the intermediate', want => [],
            trusting($in_a, 'int backup-1 backup-2', clients => '[chain, sent]') },
        { case => 'an intermediate is missing', want => ['untrusted-chain error'], trusting($in_a, @root_pin),
            cert => 'www-alone' },
        { case => 'the store has it', want => ['root-only-pin warning'], trusting('a: roots/more.pem', @root_pin),
            cert => 'www-alone', files => { 'roots/more.pem' => $pki->certificates('int-by-a', 'root-a') } },
        { case => 'TLS ends in front', want => ['root-only-pin warning'], trusting($in_a, @root_pin),
            more => "server {\n listen 127.0.0.1:{{port:plain}};\n server_name www.example.com;\n hpkp_policy pins.yaml;\n"
                . " hpkp_secure \$http_x_tls;\n hpkp_served_chain {{pki}}/chains/www.pem;\n}\n" },
    );

    my $server = site(cross(trusting($in_a, @root_pin), extra => 'location /pin { return 200 "$hpkp_pin\n"; }',
            more => tls_server(name => 'sub.example.com', cert => 'sub-int')))->start;
    my $header = pins_header($server, max_age => 2592000, pins => [qw(root-a backup-1 backup-2)]);
    one_header(fetch($server, '/'), $header, 'the header goes out');
    one_header(fetch($server, '/nowhere', http => '1.0'), $header, 'with an error too');
    is(fetch($server, '/pin')->{body}, "root-a\n", '$hpkp_pin is the root\'s');
    # No load has judged this leaf for the policy, and nothing that is sent with it is pinned.
    no_header(fetch($server, '/', sni => 'sub.example.com'), 'not on a connection that was made with another certificate');
    $server->stop;
    $server->no_alerts;

    details_are(site(cross(trusting($in_b, @root_pin))), 'untrusted-chain', 'error',
        drawing('sent:', [ $leaf, 'www' ], [ $int, 'int' ]), 'what is sent where no store has the root');
};

subtest 'two roots' => sub {
    # However the roots are come by, the paths are the same.
    my %stores = (
        'two stores'         => [ $either, 'a', 'b' ],
        'a bundle'           => [ 'both: roots/both.pem', 'both', 'both' ],
        'a hashed directory' => [ 'dir: roots/hashed', 'dir', 'dir' ],
    );
    my @both = cross(cert => 'www-both', files => { 'roots/both.pem' => $pki->certificates('root-a', 'root-b') });

    for my $how (sort keys %stores) {
        my ($trust, $of_a, $of_b) = @{ $stores{$how} };
        my $load = sub {
            my $server = site(@both, trusting($trust, "$_[0] backup-1 backup-2"));
            $server->write("roots/hashed/$_.pem", $pki->certificates("root-$_")) for qw(a b);
            rename $server->file('roots'), $server->file('conf/roots/dir') or die "rename: $!";
            rename $server->file('conf/roots/dir/hashed'), $server->file('conf/roots/hashed') or die "rename: $!";
            output_of('openssl', 'rehash', $server->file('conf/roots/hashed'));
            return $server;
        };
        details_are($load->('root-a'), 'path-without-pin', 'error', drawing(
            "path 1 of 2, to a root in $of_a:", [ $leaf, 'www' ], [ $int, 'int' ], [ $root_a, 'root-a', 'pinned' ],
            "path 2 of 2, to a root in $of_b:", [ $leaf, 'www' ], [ $int, 'int' ], [ $root_b, 'root-b' ]),
            "$how: the pin of one");
        findings_are($load->('root-b')->test_config, [ 'path-without-pin error', 'root-only-pin warning' ],
            "$how: the pin of the other");
        findings_are($load->('root-a root-b')->test_config, ['root-only-pin warning'], "$how: the pins of both");
        findings_are($load->('int')->test_config, [], "$how: the intermediate's");
        findings_are($load->('www')->test_config, [], "$how: the leaf's");
    }

    check_cases(map { +{ cross(cert => 'www-both', %$_) } }
        { case => 'the pin of one root', want => [ 'path-without-pin error', 'root-only-pin warning' ],
            at => [ 'pins.yaml:4:3', 'server www.example.com' ], trusting($either, 'root-a backup-1 backup-2'),
            says => qr/only 1 of the 2 paths/ },
        { case => 'the pins of both', want => ['root-only-pin warning'], trusting($either, 'root-a root-b backup-1 backup-2') },
        { case => 'a store that is not reached asks nothing', want => [], cert => 'www-by-b',
            trusting($either, 'int-b backup-1 backup-2') },
        { case => 'only one store is named', want => ['root-only-pin warning'], trusting($in_a, 'root-a backup-1 backup-2') },
        { case => 'RSA beside EC, each by both paths', want => [ 'path-without-pin error', 'root-only-pin warning' ],
            certs => [qw(www-both www-rsa-both)], trusting($either, 'www root-b backup-1 backup-2'),
            says => qr/only 1 of the 2 paths.*\Q@{[ $pki->pin('www-rsa') ]}\E/s },
        { case => 'RSA beside EC, the intermediate', want => [], certs => [qw(www-both www-rsa-both)],
            trusting($either, 'int backup-1 backup-2') },
    );
};

subtest 'roots that sign each other' => sub {
    check_cases(map { +{ cross(%$_) } }
        { case => 'the key of one root is on both paths', want => ['root-only-pin warning'], cert => 'www-crossed',
            trusting($either, 'root-a backup-1 backup-2') },
        { case => 'the key of the other is on one', want => [ 'path-without-pin error', 'root-only-pin warning' ],
            cert => 'www-crossed', trusting($either, 'root-b backup-1 backup-2') },
        { case => 'to the other alone, by the cross-sign', want => ['root-only-pin warning'], cert => 'www-crossed',
            trusting($in_b, 'root-b backup-1 backup-2') },
        { case => 'there the key of the one is an intermediate\'s', want => [], cert => 'www-crossed',
            trusting($in_b, 'root-a backup-1 backup-2') },
        { case => 'a cross-sign that the store has, not the server', want => ['root-only-pin warning'],
            trusting('b: roots/more.pem', 'root-b backup-1 backup-2'),
            files => { 'roots/more.pem' => $pki->certificates('root-b', 'a-by-b') } },
        { case => 'a cross-sign is no root', want => ['untrusted-chain error'],
            trusting('x: roots/x.pem', 'www backup-1 backup-2'),
            files => { 'roots/x.pem' => $pki->certificates('a-by-b', 'b-by-a', 'int-by-a') } },
    );

    my @via = ([ $leaf, 'www' ], [ $int, 'int' ]);
    details_are(site(cross(cert => 'www-crossed', trusting($either, 'root-b backup-1 backup-2'))), 'path-without-pin', 'error',
        drawing('path 1 of 2, to a root in b:', @via, [ $root_a, 'root-a' ], [ $root_b, 'root-b', 'pinned' ],
            'path 2 of 2, to a root in a:', @via, [ $root_a, 'root-a' ]), 'each path once');

    my $mesh = has_finding(site(cross(cert => 'www-mesh', trusting($either, 'backup-1 backup-2')))->test_config,
        'no-pin-in-chain', 'error', name => 'all four cross-signs, in any order');
    my (@paths, $path);
    for (@{ $mesh->{details} }) {
        if (/^path \d of (\d), to a root in (\w)/) { push @paths, $path = ["$1 $2"] }
        elsif (/^(.*?)  +pin-sha256=/)             { push @$path, $1 }
    }
    my @by_a = ($leaf, $int, $root_a);
    my @by_b = ($leaf, $int, $root_b);
    is_deeply([ sort { "@$a" cmp "@$b" } @paths ],
        [ [ '4 a', @by_a ], [ '4 a', @by_b, $root_a ], [ '4 b', @by_a, $root_b ], [ '4 b', @by_b ] ], 'are four paths');
};

subtest 'paths that no client takes' => sub {
    my $via_a = [ 'the path, to a root in a:', [ $leaf, 'www' ], [ $int, 'int' ], [ $root_a, 'root-a' ] ];
    my @not_taken = (
        # chain, certificate on no path, why
        [ 'www-expired-cross', [ $root_a, 'root-a' ],
            "$leaf > $int > $root_a > $root_b (b): $root_a: certificate has expired" ],
        [ 'www-limited', [ $int, 'int' ], "$leaf > $int > $root_b (b): $leaf: permitted subtree violation" ],
    );
    for my $case (@not_taken) {
        my ($chain, $off, $why) = @$case;
        my %with = (cert => $chain);

        findings_are(site(cross(%with, trusting($either, 'root-a backup-1 backup-2')))->test_config,
            ['root-only-pin warning'], "$chain: asks for no pin");
        findings_are(site(cross(%with, trusting($either, 'int backup-1 backup-2')))->test_config, [], "$chain: nor for more");
        details_are(site(cross(%with, trusting($either, 'root-b backup-1 backup-2'))), 'no-pin-in-chain', 'error',
            drawing(@$via_a, 'sent, but on no path (clients ignore them):', $off, 'these paths do not count:', $why),
            "$chain: and is shown with its reason");
    }

    my %only = (cert => 'www-only-limited');
    my $server = site(cross(%only, trusting($in_b, 'www backup-1 backup-2')));
    findings_are($server->test_config, ['untrusted-chain error'], 'no other path: the only error, whatever is pinned');
    details_are($server, 'untrusted-chain', 'error', drawing('sent:', [ $leaf, 'www', 'pinned' ], [ $int, 'int' ],
            'these paths do not count:', "$leaf > $int > $root_b (b): $leaf: permitted subtree violation"), 'no other path');
};

subtest 'a backup for each path' => sub {
    check_cases(map { +{ cross(cert => 'www-both', %$_) } }
        { case => 'every live pin is on one of two paths', want => [ 'no-backup-pin error', 'single-backup warning' ],
            at => [ 'pins.yaml:4:3', 'server www.example.com' ], trusting($either, 'int root-a') },
        { case => 'each path lacks one', want => ['single-backup warning'], trusting($either, 'int root-a root-b') },
        { case => 'a retired one is none', want => [ 'no-backup-pin error', 'single-backup warning' ],
            pins_yaml => "trust: {$either}\n"
                . policy(pins => [ 'int', 'root-a', 'pin-sha256: "{{pin:root-b}}", retired: true' ]) },
        { case => 'and only that store is named', want => [ 'no-backup-pin error', 'single-backup warning' ],
            trusting($in_a, 'int root-a') },
        { case => 'a root of no path is a backup', want => [], trusting($in_a, 'int root-a root-b backup-1') },
    );
};

subtest 'dates' => sub {
    my %valid = (trusting($in_a, 'int backup-1 backup-2'));
    my %future = (cert => 'future', trusting('f: roots/f.pem', 'int root-future backup-1 backup-2'),
        files => { 'roots/f.pem' => $pki->certificates('root-future') });
    check_cases(
        { case => 'an expired leaf', want => ['chain-expired warning'], cross(%valid, cert => 'expired'),
            at => ['server www.example.com'], says => qr/www\.example\.com.*expired on 20/ },
        { case => 'which nobody pins', want => [ 'no-pin-in-chain error', 'chain-expired warning' ],
            cross(cert => 'expired', trusting($in_a, 'www backup-1 backup-2')) },
        { case => 'dates excuse no other store', cross(trusting($in_b, 'int backup-1 backup-2'), cert => 'expired'),
            want => ['untrusted-chain error'] },
        # To a clock that is not yet set the whole chain is of the future.
        { case => 'none of it is valid yet', want => ['chain-expired warning'], cross(%future),
            at => ['server www.example.com'], says => qr/is not valid yet \(it is 20\d\d-/ },
    );

    details_are(site(cross(cert => 'expired', trusting($in_a, 'www backup-1 backup-2'))), 'no-pin-in-chain', 'error',
        drawing("the path, to a root in a, outdated ($leaf: certificate has expired):", [ $leaf, 'expired' ], [ $int, 'int' ],
            [ $root_a, 'root-a' ]), 'an outdated path');

    # A root's own date: clients differ, so the path is asked for, and a note says so.
    my %old = (cert => 'www-old-root', files => { 'roots/old.pem' => $pki->certificates(qw(root-a root-expired)) });
    my $old = 'old: roots/old.pem';
    findings_are(site(cross(%old, trusting($old, 'root-a backup-1 backup-2')))->test_config,
        [ 'path-without-pin error', 'root-only-pin warning' ], 'a root that has expired is a root');
    my $noted = site(cross(%old, trusting($old, 'int backup-1 backup-2')));
    findings_are($noted->test_config, [], 'no warning');
    has_finding($noted->log, 'anchor-expired', 'note', at => [ 'in ' . $noted->server_line('www.example.com') ],
        says => qr/HPKP Cross Root of Old.*expired on 20/, name => 'but a note');

    my $server = site(cross(%future))->start;
    like($server->log, qr/hpkp: chain-expired: /, 'nginx comes up before the clock is set');
    my $answer = fetch($server, '/', curl => ['--insecure']);
    one_header($answer, pins_header($server, max_age => 2592000, pins => [qw(int root-future backup-1 backup-2)]),
        'and sends the header: once the clock is set, it must');
    $server->stop;
    $server->no_alerts;
};

subtest 'allow-mismatch' => sub {
    my %lenient = (report_only => qq({report-uri: "$report", allow-mismatch: true}));
    check_cases(map { +{ cross(%$_) } }
        { case => 'tomorrow\'s root', want => ['untrusted-chain warning'],
            trusting($in_b, 'int-b backup-1 backup-2', %lenient) },
        { case => 'not what is enforced today', want => ['untrusted-chain error'],
            trusting($in_b, 'int-b backup-1 backup-2', %lenient, enforce => '{max-age: 1d}') },
        { case => 'one of two paths', want => [ 'path-without-pin warning', 'root-only-pin warning' ], cert => 'www-both',
            trusting($either, 'root-b backup-1 backup-2', %lenient) },
        { case => 'report-only without it', want => ['untrusted-chain error'],
            trusting($in_b, 'int-b backup-1 backup-2', report_only => qq({report-uri: "$report"})) },
    );
};

subtest 'the scope of a policy' => sub {
    my %below = (cert => 'www-both', name => 'www.example.com example.com');
    my $enforced = '{max-age: 30d, includeSubDomains: true}';
    my $scope = sub {
        my ($cert, $pins, $trust) = @_;
        return (cross(%below, trusting($trust || $either, $pins, enforce => $enforced),
            more => tls_server(name => 'sub.example.com', cert => $cert)));
    };
    check_cases(
        { case => 'a subdomain under another intermediate', want => ['scope-conflict error'],
            $scope->('sub', 'int backup-1 backup-2'), says => qr/reaches sub\.example\.com/,
            at => [ 'pins.yaml:4:3', 'server sub.example.com' ] },
        { case => 'whose root is pinned', want => [], $scope->('sub', 'int root-b backup-1 backup-2') },
        { case => 'one of whose roots is pinned', want => ['scope-conflict error'],
            $scope->('sub-both', 'www root-b backup-1 backup-2') },
        { case => 'both of whose roots are', want => [], $scope->('sub-both', 'www root-a root-b backup-1 backup-2') },
        { case => 'the root that is not pinned is in no store', want => [],
            $scope->('sub-both', 'www root-b backup-1 backup-2', $in_b) },
        { case => 'its own root is in no store', want => ['scope-conflict error'],
            $scope->('sub', 'int int-b backup-1 backup-2', $in_a) },
    );

    details_are(site($scope->('sub-both', 'www root-b backup-1 backup-2')), 'scope-conflict', 'error', [
        map { s/www\.example\.com/sub.example.com/r } @{ drawing(
            'path 1 of 2, to a root in a:', [ $leaf, 'sub' ], [ $int, 'int' ], [ $root_a, 'root-a' ],
            'path 2 of 2, to a root in b:', [ $leaf, 'sub' ], [ $int, 'int' ], [ $root_b, 'root-b', 'pinned' ]) } ],
        'the subdomain\'s paths, by the policy\'s stores');
};

subtest 'each policy file has its stores' => sub {
    my $yaml = sub { my %part = trusting(@_); return $part{pins_yaml} };
    my $server = site(cross(cert => 'www-both', server => "hpkp_policy pins.yaml;\nhpkp_policy app.yaml;",
        trusting($in_a, 'int root-a backup-1 backup-2'), files => {
            'app.yaml' => $yaml->($in_b, 'root-b backup-1 backup-2', name => 'app', guard => '{}') }));
    findings_are($server->test_config, ['root-only-pin warning'], 'each is judged by its own');
    $server->write('conf/app.yaml', $yaml->($either, 'root-b backup-1 backup-2', name => 'app', guard => '{}'));
    my $run = $server->test_config;
    findings_are($run, [ 'path-without-pin error', 'root-only-pin warning' ], 'one has both');
    has_finding($run, 'path-without-pin', 'error', at => ['app.yaml:4:3'], says => qr/"app"/, name => 'and is named');
};

done_testing;
