# conf-examples/renewal: what the hooks do with a renewed certificate, each called as its ACME client calls it, for a
# real nginx. Deployed and served, or refused with nothing changed.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(ledger_file day);
use File::Path qw(make_path);

my $tool = HPKP::Ledger::tool();
my $pki = HPKP::PKI->new;
my $renewal = project_root() . '/conf-examples/renewal';
my $name = 'www.example.com';

# nginx as the comments in deploy.sh have it: its certificate in a directory that the hooks fill.
sub server_block {
    my (%part) = @_;
    return "    server {\n        listen 127.0.0.1:{{port:tls}} ssl;\n        server_name " . ($part{name} // "$name example.com") . ";\n"
        . "        ssl_certificate {{prefix}}/tls/$name/fullchain.pem;\n        ssl_certificate_key {{prefix}}/tls/$name/privkey.pem;\n"
        . "        hpkp_policy pins.yaml;\n    }\n";
}

# What an ACME client has after a renewal: a directory with its files, by its names for them.
sub renewed {
    my ($server, $chain, $key) = @_;
    my $dir = $server->file("acme/live/$name");
    make_path($dir);
    my $bytes = read_text($pki->dir . "/chains/$chain.pem");
    write_text("$dir/fullchain.pem", $bytes);
    write_text("$dir/cert.pem", $bytes);
    write_text("$dir/chain.pem", $pki->certificates('int-a'));
    write_text("$dir/privkey.pem", read_text($pki->dir . '/keys/' . ($key // $pki->key_name($chain)) . '.pem'));
    return $dir;
}

# How each client calls: the command and what it puts into the environment.
my %client = (
    certbot => sub {
        my ($dir) = @_;
        return ([ 'sh', '-c', "$renewal/certbot.sh" ], RENEWED_LINEAGE => $dir, RENEWED_DOMAINS => "$name example.com");
    },
    'acme.sh' => sub {
        my ($dir) = @_;
        return ([ 'sh', '-c', "cd $dir && eval $renewal/acme.sh" ], Le_Domain => $name, CERT_PATH => "$dir/cert.pem",
            CERT_KEY_PATH => "$dir/privkey.pem", CA_CERT_PATH => "$dir/chain.pem", CERT_FULLCHAIN_PATH => "$dir/fullchain.pem");
    },
    dehydrated => sub {
        my ($dir) = @_;
        return ([ "$renewal/dehydrated.sh", 'deploy_cert', $name, map({ "$dir/$_.pem" } qw(privkey cert fullchain chain)), time ]);
    },
);

sub settings {
    my ($server) = @_;
    my $nginx = join ' ', $server->command;
    return (HPKP_POLICY => $server->file('conf/pins.yaml'), HPKP_LEDGER => ledger_file($server), HPKP_TLS_DIR => $server->file('tls'),
        HPKP_COMMAND => join(' ', $server->by_its_clock($ENV{HPKP_PRELOAD} // ''), $tool), HPKP_NGINX_TEST => "$nginx -t", HPKP_NGINX_RELOAD => "$nginx -s reload");
}

sub call {
    my ($server, $client, $dir, %environment) = @_;
    my ($command, %given) = $client{$client}->($dir);
    return run_command($command, env => { settings($server), %given, %environment }, directory => $server->file('temp'));
}

sub deploy_by_hand {
    my ($server, $dir, @hosts) = @_;
    return run_command([ "$renewal/deploy.sh", $name, "$dir/fullchain.pem", "$dir/privkey.pem", @hosts ], env => { settings($server) });
}

sub key_served {
    my ($server) = @_;
    my $port = $server->port('tls');
    my $text = output_of('sh', '-c', "openssl s_client -connect 127.0.0.1:$port -servername $name < /dev/null 2>/dev/null"
        . " | openssl x509 -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl base64");
    chomp $text;
    return $text;
}

sub is_served {
    my ($server, $key, $why) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    # The old worker serves beside the new one until it has gone.
    ok(wait_until(sub { key_served($server) eq $pki->pin($key) }, 10), $why);
}

# Every file below tls/, with its bytes and mode: what a refusal must leave alone.
sub deployed {
    my ($server) = @_;
    return join '', map { sprintf "%s %o %s\n", $_, (lstat)[2], -l $_ ? readlink $_ : -f $_ ? read_text($_) : '' }
        split /\n/, output_of('find', $server->file('tls'));
}

# A running nginx that serves the chain www, put there by deploy.sh itself.
sub running {
    my (%part) = @_;
    my $server = HPKP::Server->new(clock => $part{clock} // day(0), http => '', files => { 'pins.yaml' => $part{pins_yaml} // policy() });
    my $run = deploy_by_hand($server, renewed($server, 'www'));
    # nginx does not run yet; its files are there before nginx.conf names them.
    is($run->{exit}, 1, 'without an nginx to reload: said') or diag($run->{err});
    ok(!-e $server->file("tls/$name"), 'and nothing deployed');
    $run = run_command([ "$renewal/deploy.sh", $name, map { renewed($server, 'www') . "/$_.pem" } qw(fullchain privkey) ],
        env => { settings($server), HPKP_NGINX_RELOAD => 'true' });
    is($run->{exit}, 0, 'the first certificate') or diag($run->{err});
    $server->configure(http => server_block(%part));
    return $server->start;
}

sub refused_untouched {
    my ($server, $run, $before, $name_of_test, $says) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($run->{exit}, 1, "$name_of_test: refused") or diag($run->{out}, $run->{err});
    like($run->{err}, $says, "$name_of_test: says why");
    like($run->{err}, qr/^hpkp deploy: \Q$name\E: .*\n    The files in \S+ are as they were.*\n    \S.*\n    Then, .*: \S+deploy\.sh \Q$name\E /m,
        "$name_of_test: says what to do");
    is(deployed($server), $before, "$name_of_test: the files are as they were");
}

for my $client (sort keys %client) {
    subtest $client => sub {
        my $server = running();
        my @workers = $server->workers;
        my $first = deployed($server);

        # The same key, another certificate.
        my $run = call($server, $client, renewed($server, 'www-by-b'));
        is($run->{exit}, 0, 'the same key: exit 0') or diag($run->{err});
        is($run->{out}, "hpkp deploy: $name: deployed\n", 'says so');
        $server->wait_for_new_workers(@workers);
        like(output_of('openssl', 'x509', '-noout', '-issuer', '-in', $server->file("tls/$name/fullchain.pem")), qr/Intermediate B/, 'its chain is there');
        is_served($server, 'www', 'and served');
        is(scalar(my @left = glob($server->file('tls') . '/*')), 2, 'nothing else is left');
        is(sprintf('%o', (stat $server->file("tls/$name/$_.pem"))[2] & 07777), '600', "$_ is its owner's alone") for qw(fullchain privkey);

        # What is there already asks for nothing.
        @workers = $server->workers;
        $run = call($server, $client, renewed($server, 'www-by-b'));
        is_deeply([ @$run{qw(exit out err)} ], [ 0, '', '' ], 'once more: nothing to do');
        is_deeply([ $server->workers ], \@workers, 'and no reload');

        # A key that nobody pinned.
        my $before = deployed($server);
        isnt($before, $first, 'these are the new files');
        $run = call($server, $client, renewed($server, 'www-unpinned'));
        refused_untouched($server, $run, $before, 'an unpinned key', qr/^error: no-pin-in-chain: /m);
        is_served($server, 'www', 'the old certificate is served');
        is_deeply([ $server->workers ], \@workers, 'by the workers of before');

        # The key of a backup that clients have.
        $run = call($server, $client, renewed($server, 'www-renewed'));
        is($run->{exit}, 0, 'a pinned backup: exit 0') or diag($run->{err});
        is_served($server, 'backup-1', 'is served');
        $server->stop;
        $server->no_alerts;
    };
}

subtest 'a backup before its time' => sub {
    # backup-3 is new in the policy: clients that hold the old one do not know it.
    my $server = running();
    $server->set_clock(day(1));
    $server->write('conf/pins.yaml', policy(pins => [qw(www backup-2 backup-3)]));
    $server->reload;
    $server->set_clock(day(2));
    my $before = deployed($server);
    my $dir = renewed($server, 'www-third');
    my $run = call($server, 'dehydrated', $dir);
    my $until = day(31, 300);
    refused_untouched($server, $run, $before, 'too early', qr/^error: locks-out-clients: .*^    remedy: .*accepted from \Q$until\E UTC/ms);
    is_served($server, 'www', 'the old key is served');

    # dehydrated asks every day about what it has.
    my $again = sub {
        my (undef, undef, @arguments) = @{ ($client{dehydrated}->($dir))[0] };
        return run_command([ "$renewal/dehydrated.sh", 'unchanged_cert', @arguments[ 0 .. 4 ] ], env => { settings($server) });
    };
    $server->set_clock(day(31, 299));
    refused_untouched($server, $again->(), $before, 'a second too early', qr/locks-out-clients/);
    $server->set_clock($until);
    $run = $again->();
    is($run->{exit}, 0, 'on its day: deployed') or diag($run->{err});
    is_served($server, 'backup-3', 'and served');
    $server->stop;
};

subtest 'what the check cannot see' => sub {
    my $server = running();
    my $before = deployed($server);

    # Another's key: nginx -t sees it, and all is as it was.
    my $run = call($server, 'certbot', renewed($server, 'www-by-b', 'backup-1'));
    refused_untouched($server, $run, $before, 'a key that is not the certificate\'s', qr/key values mismatch/);

    # The reload fails after nginx -t has passed.
    $run = call($server, 'certbot', renewed($server, 'www-by-b'), HPKP_NGINX_RELOAD => 'false');
    refused_untouched($server, $run, $before, 'a reload that fails', qr/could not be reloaded/);
    is_served($server, 'www', 'the old certificate is served');

    # hpkp itself is missing, or its files.
    $run = call($server, 'certbot', renewed($server, 'www-by-b'), HPKP_COMMAND => '/nonexistent/hpkp');
    refused_untouched($server, $run, $before, 'no hpkp', qr{/nonexistent/hpkp});
    $run = call($server, 'certbot', renewed($server, 'www-by-b'), HPKP_POLICY => '/nonexistent.yaml');
    refused_untouched($server, $run, $before, 'no policy', qr{/nonexistent\.yaml.*could not be judged}s);
    unlike($run->{err}, qr/Renew with/, 'which no renewal mends');

    # Of several policies, those that this server has.
    $server->write('conf/several.yaml', $server->fill_in(<<'END'));
version: 1
policies:
  fits: {pins: [{pin-sha256: "{{pin:www}}"}, {pin-sha256: "{{pin:backup-1}}"}, {pin-sha256: "{{pin:backup-2}}"}], guard: {}}
  other: {pins: [{pin-sha256: "{{pin:www-third}}"}, {pin-sha256: "{{pin:backup-1}}"}, {pin-sha256: "{{pin:backup-2}}"}], guard: {}}
END
    my %several = (HPKP_POLICY => $server->file('conf/several.yaml'));
    $run = call($server, 'certbot', renewed($server, 'www-by-b'), %several, HPKP_POLICY_NAME => 'fits other');
    like($run->{err}, qr/no-pin-in-chain: .*policy "other"/, 'of two names the second one counts too');
    unlike($run->{err}, qr/no-pin-in-chain: .*policy "fits"/, 'and the first');

    # The host that nginx serves is none of the certificate's: a word, no refusal.
    $run = call($server, 'acme.sh', renewed($server, 'www-by-b'), HPKP_HOSTS => "$name shop.example.com");
    is($run->{exit}, 0, 'a host that the certificate lacks: deployed') or diag($run->{err});
    like($run->{err}, qr/^warning: name-not-covered: .*shop\.example\.com/m, 'with a word');
    $run = call($server, 'certbot', renewed($server, 'other'));
    isnt($run->{exit}, 0, 'a certificate of another host, with another key: refused');
    like($run->{err}, qr/^warning: name-not-covered: .*\Q$name\E/m, 'with a word on that too');

    # A wildcard is a name, not a pattern for the files that lie around.
    write_text($server->file('temp/file.example.com'), '');
    my $chain = 'www';
    for my $names ([ RENEWED_DOMAINS => "$name *.example.com" ], [ HPKP_HOSTS => "$name *.example.com" ]) {
        $run = call($server, 'certbot', renewed($server, $chain), @$names);
        is($run->{exit}, 0, 'deployed') or diag($run->{err});
        like($run->{err}, qr/does not cover \*\.example\.com/, "$names->[0]: a wildcard arrives as it is");
        $chain = 'www-by-b';
    }
    $server->stop;
};

subtest 'called wrongly' => sub {
    my $server = site();
    for my $wrong ([qw(deploy.sh)], [qw(deploy.sh www chain)], [qw(deploy.sh ../x chain key)], [ 'deploy.sh', '', 'chain', 'key' ],
        [qw(certbot.sh)], [qw(acme.sh)], [qw(dehydrated.sh deploy_cert www)]) {
        my ($script, @arguments) = @$wrong;
        my $run = run_command([ "$renewal/$script", @arguments ], env => { settings($server) });
        ok($run->{exit} == 2 || $run->{exit} == 1, "@$wrong: fails");
        isnt($run->{err}, '', 'says why');
    }
    is(run_command([ "$renewal/dehydrated.sh", $_, 'x' ], env => { settings($server) })->{exit}, 0, "dehydrated's $_ is no business of ours")
        for qw(deploy_challenge startup_hook exit_hook this_hookscript_is_broken__dehydrated_is_working_fine__please_ignore_unknown_hooks_in_your_script);

    my $dir = renewed($server, 'www');
    make_path($server->file("tls/$name"));
    my $run = deploy_by_hand($server, $dir);
    is($run->{exit}, 1, 'a directory of somebody else\'s: refused');
    like($run->{err}, qr/mv \S+ \S+\.old/, 'and what to do');
};

subtest 'POSIX sh' => sub {
    need_tools('shellcheck');
    my @scripts = glob "$renewal/*.sh";
    is(scalar @scripts, 4, 'four scripts');
    my $run = run_command([ 'shellcheck', '--shell=sh', @scripts ], directory => $renewal);
    is($run->{out} . $run->{err}, '', 'shellcheck finds nothing');
    ok(-x $_, "$_ is executable") for @scripts;
};

done_testing;
