# hpkp ledger show, forget, close, export and import, as a user runs them.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(ledger_file ledger_tool entries entry_text time_text day);
use JSON::PP ();

my $policy = 'hpkp_policy pins.yaml;';
my $tool = HPKP::Ledger::tool();

# A ledger with something open, something ended, something that nobody holds any more.
sub lived {
    my $server = site(clock => day(0), pins_yaml => policy(name => 'first', enforce => '{max-age: 1d}'))->start;
    $server->set_clock(day(1));
    $server->write('conf/pins.yaml', policy(name => 'second', enforce => '{max-age: 30d, includeSubDomains: true}', pins => [qw(www backup-2 backup-3)]));
    $server->reload;
    $server->set_clock(day(5));
    $server->write('conf/pins.yaml', policy(name => 'third', enforce => '{max-age: 7d}'));
    $server->reload;
    return $server;
}

sub shown {
    my ($server, @arguments) = @_;
    my $run = ledger_tool($server, 'show', @arguments);
    is($run->{exit}, 0, "show @arguments") or diag($run->{err});
    is($run->{err}, '', 'nothing on stderr');
    return $run->{out};
}

subtest 'show' => sub {
    my $server = lived();
    my $text = shown($server, '--host', 'www.example.com');
    my $pki = $server->pki;
    like($text, qr/^[0-9a-f]{16}  www\.example\.com  policy "second"\n/m, 'id, host, policy');
    like($text, qr/enforce, max-age 30 days, includeSubDomains\n +first sent \Q@{[ day(1) ]}\E UTC, last sent \Q@{[ day(5) ]}\E UTC\n/,
        'an ended one: from when to when');
    like($text, qr/clients hold it until \Q@{[ day(35, 300) ]}\E UTC \(in 30 days\)\n/, 'until when it is held');
    like($text, qr{first sent \Q@{[ day(5) ]}\E UTC, may still be sent, by \Q@{[ $server->file('conf/nginx.conf') ]}\E}, 'an open one: by whom');
    like($text, qr/^ +pin-sha256="\Q@{[ $pki->pin($_) ]}\E"  $_$/m, "the pin $_") for qw(www backup-1 backup-2 backup-3);
    unlike($text, qr/"first"/, 'what nobody holds is left out');
    like(shown($server, '--host', 'www.example.com', '--all'), qr/"third"/, 'all');

    is_deeply([ $text =~ /^\w{16}  (\S+)  policy (\S+)$/mg ],
        [ 'example.com', '"second"', 'www.example.com', '"second"', 'www.example.com', '"third"' ], 'what one host has, or inherits');
    is_deeply([ shown($server) =~ /^\w{16}  (\S+)  policy (\S+)$/mg ],
        [ map { ($_, '"second"', $_, '"third"') } 'example.com', 'www.example.com' ], 'every host');
    like(shown($server, '--host', 'a.b.www.example.com'), qr/"second"/, 'a subdomain: what it inherits');
    unlike(shown($server, '--host', 'a.b.www.example.com'), qr/"third"/, 'and nothing else');
    is(shown($server, '--host', 'example.org'), "no client holds a policy for example.org\n", 'nothing');

    my $json = JSON::PP::decode_json(shown($server, '--format', 'json', '--host', 'www.example.com'));
    is($json->{version}, 1, 'JSON');
    is_deeply([ map { "$_->{host} $_->{policy}{policy}" } @{ $json->{entries} } ],
        [ 'example.com second', 'www.example.com second', 'www.example.com third' ], 'has the same entries');
    $server->stop;
    like(shown($server, '--host', 'www.example.com'), qr/last sent \Q@{[ day(5) ]}\E UTC\n.*until \Q@{[ day(12, 300) ]}\E UTC/, 'stopped');
    $server->set_clock(day(40));
    is(shown($server), "no client holds a policy\n", 'when all have forgotten');
};

subtest 'forget' => sub {
    my $server = lived();
    my ($second) = grep { $_->{policy}{policy} eq 'second' } entries($server, host => 'www.example.com');
    my $run = ledger_tool($server, 'forget', $second->{id}, '--reason', 'the app never shipped');
    is($run->{exit}, 0, 'exit 0') or diag($run->{err});
    like($run->{out}, qr/^forgotten: $second->{id}\b/, 'says so');
    my ($now) = grep { $_->{id} eq $second->{id} } entries($server);
    like($now->{forgotten}, qr/^\S.*: the app never shipped$/, 'by whom and why');
    is($now->{'held-until'}, undef, 'it is held no more');
    like(shown($server, '--all'), qr/forgotten, .*: the app never shipped/, 'show --all says it');
    is(ledger_tool($server, 'forget', $second->{id}, '--reason', 'again')->{exit}, 0, 'twice does no harm');
    like((grep { $_->{id} eq $second->{id} } entries($server))[0]{forgotten}, qr/: again$/, 'the last word counts');
    ledger_tool($server, 'forget', $second->{id}, '--reason', "a\e[31m\nb");
    like(shown($server, '--all'), qr/forgotten, .*: a\?\[31m\?b$/m, 'a reason that a terminal would obey');

    for my $wrong ([ 'deadbeefdeadbeef', '--reason', 'x' ], [ $second->{id} ], [], [ $second->{id}, '--reason' ], [ $second->{id}, '--reason', ' ' ]) {
        $run = ledger_tool($server, 'forget', @$wrong);
        is($run->{exit}, 2, "forget @$wrong: exit 2");
        isnt($run->{err}, '', 'and says why');
    }
    $server->stop;
};

subtest 'close' => sub {
    my $server = lived();
    $server->crash;
    my ($third) = grep { $_->{open} } entries($server, host => 'www.example.com');
    $server->set_clock(day(6));
    my $run = ledger_tool($server, 'close', $third->{instance});
    is($run->{exit}, 0, 'exit 0') or diag($run->{err});
    ($third) = grep { $_->{id} eq $third->{id} } entries($server);
    ok(!$third->{open}, 'its entries are closed');
    is(time_text($third->{'last-sent'}), day(6), 'now: nobody knows when it was sent last');
    $run = ledger_tool($server, 'close', 'nobody');
    is($run->{exit}, 2, 'one that is not known: exit 2');
    like($run->{err}, qr/"nobody"/, 'which it names');
};

subtest 'export and import' => sub {
    my $server = lived();
    my @clock = $server->by_its_clock($ENV{HPKP_PRELOAD} // '');
    my $export = ledger_tool($server, 'export')->{out};
    my @lines = map { JSON::PP::decode_json($_) } split /\n/, $export;
    is_deeply([ sort keys %{ { map { $_->{type} => 1 } @lines } } ], [qw(entry history key)], 'lines of JSON');
    is((grep { $_->{version} != 1 } @lines), 0, 'with their version');
    my $file = $server->file('temp/export');
    is(ledger_tool($server, 'export', $file)->{exit}, 0, 'into a file');
    is(read_text($file), $export, 'the same');

    # Any number of times, in any order.
    my $import = sub {
        my ($name, @inputs) = @_;
        my $path = $server->file("temp/$name");
        my $run = run_command([ @clock, $tool, qw(ledger import --ledger), $path, @inputs ]);
        my $shown = run_command([ @clock, $tool, qw(ledger show --all --format json --ledger), $path ]);
        return ($run, -e $path ? join "\n", sort split /\n(?= {8}\{)/, $shown->{out} : '');
    };
    write_text($server->file('temp/reversed'), join '', reverse split /^/, $export);
    my ($run, $once) = $import->('once', $file);
    is($run->{exit}, 0, 'import') or diag($run->{err});
    is($run->{out}, 'imported: ' . @lines . " lines\n", 'says how much');
    is(sprintf('%o', (stat $server->file('temp/once'))[2] & 07777), '600', 'a ledger that is made is for its owner alone');
    my (undef, $twice) = $import->('twice', $file, $server->file('temp/reversed'), $file);
    my (undef, $reversed) = $import->('backwards', $server->file('temp/reversed'));
    my @ids = sort map { $_->{id} } grep { $_->{type} eq 'entry' } @lines;
    is_deeply([ sort $once =~ /"id": "(\w+)"/g ], \@ids, 'every entry is there');
    is_deeply([ sort $reversed =~ /"id": "(\w+)"/g ], \@ids, 'backwards too');
    is_deeply([ sort $twice =~ /"id": "(\w+)"/g ], \@ids, 'and each once');

    # It is all or nothing.
    write_text($server->file('temp/broken'), $export . "{\"version\": 1, \"type\": \"entry\"}\n");
    for my $bad ($server->file('temp/broken'), $server->file('temp/missing'), $tool) {
        my ($run, $there) = $import->('bad', $file, $bad);
        is($run->{exit}, 2, "$bad: exit 2");
        like($run->{err}, qr/\Q$bad\E.*nothing was imported/, 'says which, and where') or diag($run->{err});
        unlike($there, qr/"id"/, 'nothing was imported');
    }

    # Another machine that has the same hosts is bound by it.
    my $other = site(clock => day(6), ledger => 'fresh', server => '', cert => 'www-unpinned');
    findings_are($other->test_config, [], 'another machine, which knows nothing');
    is(ledger_tool($other, 'import', $file)->{exit}, 0, 'imports the ledger');
    findings_are($other->test_config, ['locks-out-clients error'], 'and is bound by it');
    is(run_command([ @clock, 'sh', '-c', "'$tool' ledger export --ledger " . ledger_file($server) . " | '$tool' ledger import --ledger "
                . ledger_file($other) . ' -' ])->{exit}, 0, 'by a pipe, again');
    $server->stop;
    ledger_tool($server, 'export', $file);
    is(ledger_tool($other, 'import', $file)->{exit}, 0, 'after the end of the first');
    is((grep { $_->{open} } entries($other)), 0, 'the end is known there too');
};

# What clock-went-back and a lost file need: this machine's own export is its own again.
subtest 'import --own' => sub {
    my $server = lived();
    my $instance = (grep { $_->{open} } entries($server))[0]{instance};
    my $export = ledger_tool($server, 'export')->{out};
    my $file = $server->file('temp/export');
    my %stays = ('' => 1, '--own' => 0);
    write_text($file, $export);
    for my $own (sort keys %stays) {
        rename ledger_file($server), ledger_file($server) . ".old$own" or die "rename: $!";
        is(ledger_tool($server, 'import', ($own ? $own : ()), $file)->{exit}, 0, "import $own");
        my @open = grep { $_->{open} && $_->{policy}{policy} eq 'third' } entries($server, host => 'www.example.com');
        is(@open, 1, 'what was open is open');
        ($own ? \&is : \&isnt)->($open[0]{instance}, $instance, $own ? 'and this nginx is who sends it' : 'another machine sends it');
        is(ledger_tool($server, 'import', ($own ? $own : ()), $file)->{exit}, 0, 'once more');

        $server->configure(http => tls_server(extra => $policy));
        $server->set_clock(day(6));
        $server->reload;
        $server->stop;
        my ($then) = grep { $_->{id} eq $open[0]{id} } entries($server);
        is($then->{open} ? 1 : 0, $stays{$own}, $own ? 'the end of this nginx ends it' : 'which this nginx does not end');
        $server->set_clock(day(5));
        $server->start;
    }
    $server->stop;
    $server->no_alerts;
};

subtest 'import --own, with what another machine sends' => sub {
    # Two machines with the same configuration file, as containers and fleets have.
    my $server = lived();
    my @lines = map { s/"instance":"[^"]*": ?|(?<="instance":")[^:"]*: /web2\/01234567: /r } grep { /"third"/ && /"entry"/ } split /\n/, ledger_tool($server, 'export')->{out};
    s/"id":"\w{4}/"id":"ffff/ for @lines;
    ok(@lines > 0, 'web2 sends something');
    write_text($server->file('temp/web2'), join '', map { "$_\n" } @lines);
    is(ledger_tool($server, 'import', $server->file('temp/web2'))->{exit}, 0, 'its export');
    my $file = $server->file('temp/export');
    ledger_tool($server, 'export', $file);
    rename ledger_file($server), ledger_file($server) . '.old' or die "rename: $!";
    is(ledger_tool($server, 'import', '--own', '--clamp', $file)->{exit}, 0, 'import --own');
    my @web2 = grep { $_->{id} =~ /^ffff/ } entries($server);
    is(@web2, @lines + 0, 'it is there');
    is((grep { $_->{instance} !~ m{^web2/} } @web2), 0, "and still web2's");
    $server->stop;
    is((grep { !$_->{open} } grep { $_->{id} =~ /^ffff/ } entries($server)), 0, 'which goes on sending');
};

subtest 'files that are none of an export' => sub {
    my $server = lived();
    my $ledger = ledger_file($server);
    my $before = read_text($ledger);
    symlink $ledger, $server->file('temp/link') or die "symlink: $!";
    for my $itself ($ledger, $server->file('temp/link'), $server->file('ledger/../ledger/hpkp.ledger')) {
        my $run = ledger_tool($server, 'export', $itself);
        is($run->{exit}, 2, 'export to the ledger itself: exit 2');
        like($run->{err}, qr/is the ledger itself/, 'and says so');
    }
    is(read_text($ledger), $before, 'the ledger is as it was');

    write_text($server->file('temp/rest'), ledger_tool($server, 'export')->{out} =~ s/.{20}\n\z//sr);
    write_text($server->file('temp/nobody'), ledger_tool($server, 'export')->{out} =~ s/"instance":"[^"]*"/"instance":""/gr);
    for my $none ($server->file('temp'), '/dev/zero', map { $server->file("temp/$_") } qw(nowhere rest nobody)) {
        my $run = ledger_tool($server, 'import', $none);
        is($run->{exit}, 2, "import $none: exit 2");
        like($run->{err}, qr/nothing was imported/, 'and says so');
    }
    for my $none ('www.example.com.', 'www.example.com:443', 'https://www.example.com/', '*.example.com') {
        my $run = ledger_tool($server, 'show', '--host', $none);
        is($run->{exit}, 2, "show --host $none: exit 2");
        like($run->{err}, qr/--host \Q$none\E is /, 'and says why');
    }
    like(shown($server, '--host', 'WWW.Example.COM'), qr/"second"/, 'in capitals');

    my $run = run_command([ qw(setpriv --reuid=65534 --regid=65534 --clear-groups), $tool, 'ledger', 'show', '--ledger', $ledger ]);
    is($run->{exit}, 2, 'nobody: exit 2');
    like($run->{err}, qr/you may not read the ledger .*sudo/, 'and says what to do');
    $server->stop;
};

subtest 'forget, twice' => sub {
    my $server = lived();
    my ($third) = grep { $_->{open} } entries($server, host => 'www.example.com');
    is(ledger_tool($server, 'forget', $third->{id}, '--reason', 'one')->{exit}, 0, 'while it is sent');
    $server->set_clock(day(6));
    $server->stop;
    $server->configure(http => tls_server(cert => 'www-unpinned'));
    like($server->test_config->{err}, qr/locks-out-clients.*third/s, 'no load came within the hour: it is held');
    my ($shown) = grep { $_->{id} eq $third->{id} } entries($server);
    ok($shown->{'held-until'}, 'show says so too');
    ledger_tool($server, 'forget', $_->{id}, '--reason', 'two') for entries($server);
    findings_are($server->test_config, [], 'forgotten once more, it is not');
};

subtest 'usage' => sub {
    my $server = site(ledger => 'fresh');
    my $off = run_command([ $tool, qw(ledger show --ledger off) ]);
    like("$off->{exit} $off->{err}", qr/^2 hpkp: --ledger off names no ledger/, 'off');
    for my $command ([qw(show)], [qw(forget 0000000000000000 --reason x)], [qw(close x)], [qw(export)]) {
        my $run = ledger_tool($server, @$command);
        is($run->{exit}, 2, "@$command, without a ledger: exit 2");
        like($run->{err}, qr/\Q@{[ ledger_file($server) ]}\E/, 'names it');
    }
    ok(!-e ledger_file($server), 'and makes none');
    is(run_command([ $tool, @$_ ])->{exit}, 2, "@$_: exit 2") for ['ledger'], [qw(ledger frob)], [qw(ledger show --frob)], [qw(ledger show --format xml)], [];
    for my $help ([qw(--help)], [qw(ledger --help)], map { [ 'ledger', $_, '--help' ] } qw(show forget close export import)) {
        my $run = run_command([ $tool, @$help ]);
        is($run->{exit}, 0, "@$help: exit 0");
        like($run->{out}, qr/Usage/, 'says how');
    }
};

done_testing;
