# hpkp rollover: its dates are those at which nginx accepts the change, to the second, and its edits are what they say.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(ledger_file time_text seconds_of day tool);
use JSON::PP ();

my ($max_age, $grace) = (14, 300);
my @first = qw(www backup-1 backup-2);

sub pins { return policy(pins => [ @_ ], enforce => "{max-age: ${max_age}d}") }

sub lived {
    my (@pins) = @_;
    return site(clock => day(0), pins_yaml => pins(@pins ? @pins : @first))->start;
}

sub rollover {
    my ($server, @arguments) = @_;
    my %given = map { $_ => 1 } @arguments;
    return run_command([ $server->by_its_clock($ENV{HPKP_PRELOAD} // ''), tool(), 'rollover', $server->file('conf/pins.yaml'),
            $given{'--ledger'} ? () : ('--ledger', ledger_file($server)),
            $given{'--chain'} ? () : ('--chain', chain($server, 'www')), @arguments ]);
}

sub chain  { return $_[0]->pki->dir . "/chains/$_[1].pem" }
sub backup { return ('--backup', $_[0]->pki->dir . "/csr/$_[1].pem") }
sub policy_text { return read_text($_[0]->file('conf/pins.yaml')) }

# The plan as a program reads it: steps by "kind pin".
sub planned {
    my ($server, @arguments) = @_;
    my $run = rollover($server, '--format', 'json', @arguments);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($run->{exit}, 0, "the plan (@arguments)") or diag($run->{out}, $run->{err});
    my $plan = JSON::PP::decode_json($run->{out});
    $plan->{by_name} = { map { join(' ', grep { defined } $_->{step}, $_->{chain} // $_->{pin}) => $_ } @{ $plan->{steps} } };
    ($plan->{due}) = map { join ' ', grep { defined } $_->{step}, $_->{pin} } grep { $_->{next} } @{ $plan->{steps} };
    return $plan;
}

sub earliest { return time_text($_[0]{by_name}{ $_[1] }{earliest}) }

sub serve {
    my ($server, $cert) = @_;
    $server->configure(http => tls_server(cert => $cert, extra => 'hpkp_policy pins.yaml;'));
}

# nginx refuses this certificate a second before, and takes it at that moment.
sub accepted_at {
    my ($server, $cert, $moment, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    serve($server, $cert);
    $server->set_clock(time_text(seconds_of($moment) - 1));
    has_finding($server->reload_refused, 'locks-out-clients', 'error', says => qr/would be accepted from \Q$moment\E UTC/,
        name => "$name: refused a second before, with the same date");
    $server->set_clock($moment);
    findings_are($server->reload, [], "$name: accepted at that second");
}

subtest 'the key of a pin that was added' => sub {
    my $server = lived();
    my $plan = planned($server);
    is($plan->{due}, 'serve backup-1', 'at first any backup can be served');
    is(earliest($plan, "serve $_"), day(0), "$_: now") for qw(backup-1 backup-2);
    is($plan->{by_name}{'add-backup'}{after}, 'serve', 'a new backup comes after that');
    is($plan->{sent}, JSON::PP::true, 'the policy is sent');
    is_deeply([ map { $_->{role} } @{ $plan->{pins} } ], [ 'in use', 'backup', 'backup' ], 'roles');
    is_deeply([ map { "$_->{policy} @{ $_->{hosts} }" } @{ $plan->{held} } ], ['www example.com www.example.com'], 'what is held')
        or diag(explain($plan->{held}));

    $server->set_clock(day(3));
    is(rollover($server, '--apply', 'add-backup', backup($server, 'backup-3'))->{exit}, 0, 'a third backup');
    $plan = planned($server);
    is($plan->{due}, 'reload', 'it is not sent yet: reload first');
    is(earliest($plan, 'serve backup-3'), day(3 + $max_age, $grace), 'its date counts from a reload now');
    is(earliest($plan, 'serve backup-1'), day(3), 'those that were known: now');
    is(earliest(planned($server, '--at', day(4) . ' UTC'), 'serve backup-3'), day(4 + $max_age, $grace), 'or from then: --at');

    $server->reload;
    my $moment = day(3 + $max_age, $grace);
    for my $at (day(3), day(9), day(17, 0)) {
        $server->set_clock($at);
        $plan = planned($server);
        is(earliest($plan, 'serve backup-3'), $moment, "its date on $at");
        is($plan->{due}, 'serve backup-1', 'another one can be served at once');
    }
    my $new = planned($server, '--new-chain', chain($server, 'www-third'));
    is(earliest($new, 'serve ' . chain($server, 'www-third')), $moment, 'the same of the very chain');
    like(rollover($server)->{out}, qr/^  serve backup-3: from \Q$moment\E UTC \(in 5 minutes\)\n/m, 'and as text');
    accepted_at($server, 'www-third', $moment, 'its key');
    $server->stop;
    $server->no_alerts;
};

subtest 'a pin that was away' => sub {
    my $server = lived();
    $server->write('conf/pins.yaml', pins(qw(www backup-2 backup-3)));
    $server->set_clock(day(2, 17));
    $server->reload;
    $server->write('conf/pins.yaml', pins(qw(www backup-1 backup-2 backup-3)));
    $server->set_clock(day(7, 23));
    $server->reload;
    my $plan = planned($server);
    is(earliest($plan, 'serve backup-2'), day(7, 23), 'it was there all the time: now');
    is(earliest($plan, 'serve backup-1'), day(7 + $max_age, 23 + $grace), 'from when it was sent again');
    is(earliest($plan, 'serve backup-3'), day(2 + $max_age, 17 + $grace), 'from when it was sent first');
    accepted_at($server, 'www-third', earliest($plan, 'serve backup-3'), 'the one');
    $server->stop;
};

subtest 'a stopped nginx, and a ramp' => sub {
    my $server = site(clock => day(0), pins_yaml => policy(pins => [qw(www backup-1)],
            enforce => '{max-age: {ramp: [{for: 1d, value: 1h}, {value: 3d}]}}'));
    is($server->start->test_config->{exit}, 0, 'a ramp');
    $server->set_clock(day(0, 7200));
    $server->stop;
    $server->write('conf/pins.yaml', pins(@first));
    my $plan = planned($server);
    is($plan->{due}, 'reload', 'nothing is sent');
    is(earliest($plan, 'serve backup-2'), day(0, 7200 + $grace + 3600), 'what was sent had the ramp\'s first value');
    accepted_at($server->start, 'www-second', earliest($plan, 'serve backup-2'), 'its key');
    $server->stop;
};

subtest 'pinned by intermediate' => sub {
    my $server = lived(qw(int-a backup-1 backup-2));
    my $by_a = planned($server, '--new-chain', chain($server, 'www-third'));
    is(earliest($by_a, 'serve ' . chain($server, 'www-third')), day(0), 'any leaf of that issuer: now');
    like($by_a->{notes}[0], qr/issuers are pinned/, 'which the plan says');
    is($by_a->{by_name}{'retire int-a'}, undef, 'the issuer stays');
    $server->write('conf/pins.yaml', pins(qw(int-a int-b backup-1)));
    $server->set_clock(day(1));
    $server->reload;
    my $plan = planned($server, '--new-chain', chain($server, 'www-by-b'));
    my $date = earliest($plan, 'serve ' . chain($server, 'www-by-b'));
    is($date, day(1 + $max_age, $grace), 'the other authority: once all know it');
    accepted_at($server, 'www-by-b', $date, 'its chain');
    $server->stop;
};

subtest 'what nginx would refuse' => sub {
    my $server = lived();
    my $run = rollover($server, '--new-chain', chain($server, 'www-unpinned'));
    is($run->{exit}, 1, 'a new chain without a pin: exit 1');
    like($run->{out}, qr/nginx would refuse the new chain.*\n.*error: no-pin-in-chain/, 'and why');
    $run = rollover($server, '--chain', chain($server, 'www-unpinned'));
    is($run->{exit}, 1, 'the chain served has no pin: exit 1');
    like($run->{out}, qr/error: no-pin-in-chain.*no plan: mend these first/s, 'no plan');
    $server->write('conf/pins.yaml', pins('www', 'name: x, pin-sha256: "x"'));
    $run = rollover($server);
    is($run->{exit}, 1, 'a bad pin: exit 1');
    like($run->{out}, qr/error: bad-pin: \S+pins.yaml:6:/, 'and where');
    my $before = policy_text($server);
    is(rollover($server, '--apply', 'add-backup', backup($server, 'backup-3'))->{exit}, 1, 'no edit either');
    is(policy_text($server), $before, 'nothing is written');
    $server->stop;
};

subtest 'edits' => sub {
    my $server = site(clock => day(0), pins_yaml => <<'YAML' =~ s/\n/\r\n/gr);
version: 1   # what else
policies:
  www:
    enforce: {max-age: 14d}
    pins:
      # Ours.
      - name: www   # in use
        pin-sha256: "{{pin:www}}"
      - {name: backup-1, csr: "{{pki}}/csr/backup-1.pem"}  # in the safe
      # Thanks for reading.
YAML
    my $path = $server->file('conf/pins.yaml');
    rename $path, $server->file('temp/real.yaml') or die $!;
    symlink '../temp/real.yaml', $path or die $!;
    chmod 0640, $server->file('temp/real.yaml');
    my ($owner, $group) = $> == 0 ? (33, 33) : ($>, $) + 0);
    chown $owner, $group, $server->file('temp/real.yaml');
    my $before = policy_text($server);

    my $run = rollover($server, '--apply', 'add-backup', backup($server, 'backup-2'), '--output', '-');
    is($run->{exit}, 0, '--output -') or diag($run->{out}, $run->{err});
    like($run->{err}, qr/"backup-2" added to policy "www"/, 'says what it did beside');
    (my $wanted = $before) =~ s/(in the safe\r\n)/$1      - {name: backup-2, pin-sha256: "@{[ $server->pki->pin('backup-2') ]}"}\r\n/;
    is($run->{out}, $wanted, 'the pin, in the style of the list; the rest byte for byte');
    is(policy_text($server), $before, 'and the file is as it was');

    $run = rollover($server, '--apply', 'add-backup', backup($server, 'backup-2'));
    is($run->{exit}, 0, 'in place') or diag($run->{out}, $run->{err});
    is(policy_text($server), $wanted, 'the same');
    ok(-l $path, 'the link is one still');
    my @stat = stat $path;
    is(sprintf('%04o', $stat[2] & 07777), '0640', 'the mode is kept');
    is("$stat[4] $stat[5]", "$owner $group", 'and the owner');
    opendir my $conf, $server->file('conf') or die $!;
    is_deeply([ sort grep { !/^\.\.?$/ } readdir $conf ], [qw(nginx.conf pins.yaml)], 'nothing else is left behind');

    $run = rollover($server, '--apply', 'retire', '--pin', 'backup-2', '--format', 'json');
    is($run->{exit}, 0, 'retire');
    my $answer = JSON::PP::decode_json($run->{out});
    is("$answer->{applied} @{ $answer->{pins} } $answer->{next}{step}", 'retire backup-2 add-backup', 'as JSON');
    is_deeply([ map { $_->{id} } @{ $answer->{findings} } ], ['single-backup'], 'with what nginx will say now, and did not before');
    $wanted =~ s/(backup-2[^}]*)\}/$1, retired: true}/;
    is(policy_text($server), $wanted, 'retired');
    is(rollover($server, '--apply', 'drop')->{exit}, 0, 'drop what is retired');
    is(policy_text($server), $before, 'it is as at first');

    $run = rollover($server, '--apply', 'retire', '--pin', 'backup-1');
    is($run->{exit}, 1, 'to retire the last backup: exit 1');
    like($run->{out}, qr/error: too-few-pins: \Q$path\E:3:3: .*retire was not done/s, 'and why, in the real file\'s name');
    is(policy_text($server), $before, 'nothing is written');
    is(rollover($server, '--apply', 'drop', '--pin', 'www')->{exit}, 1, 'to drop the pin in use: exit 1');
    is(policy_text($server), $before, 'nothing is written again');

    my $copy = $server->file('temp/copy.yaml');
    is(rollover($server, '--apply', 'add-backup', backup($server, 'backup-2'), '--pin', 'B: "2"', '--output', $copy)->{exit}, 0,
        '--output FILE, --pin NAME');
    like(read_text($copy), qr/- \{name: "B: \\"2\\"", pin-sha256/, 'written there');
    is(policy_text($server), $before, 'and not here');
};

subtest 'wrong use' => sub {
    my $server = site(clock => day(0), pins_yaml => pins(@first));
    my $before = policy_text($server);
    my $pki = $server->pki->dir;
    $server->write('temp/noise', join '', map { chr } 0 .. 255);
    $server->write('temp/cut.pem', substr read_text(chain($server, 'www')), 0, 300);
    system('mkfifo', $server->file('temp/fifo')) == 0 or die;
    for my $case (
        [ qr/reload is nginx's own/,           qw(--apply reload) ],
        [ qr/ssl_certificate/,                 '--apply', 'serve backup-1' ],
        [ qr/no step that can be applied/,     qw(--apply dance) ],
        [ qr/wants --backup FILE/,             qw(--apply add-backup) ],
        [ qr/pinned already, as "backup-1"/,   qw(--apply add-backup), backup($server, 'backup-1') ],
        [ qr/in the chain served now/,         qw(--apply add-backup --backup), "$pki/certs/int-a.pem" ],
        [ qr/private key, which belongs off/,  qw(--apply add-backup --backup), "$pki/keys/backup-3.pem" ],
        [ qr/no CSR, certificate or public/,   qw(--apply add-backup --backup), $server->file('temp/noise') ],
        [ qr/not a regular file/,              qw(--apply add-backup --backup), $server->file('temp/fifo') ],
        [ qr/bad-signature.*signature/,        qw(--apply add-backup --backup), "$pki/csr/bad-signature.pem" ],
        [ qr/given twice/,                     qw(--apply add-backup), (backup($server, 'backup-3')) x 2 ],
        [ qr/nothing to drop: no retired pin/, qw(--apply drop) ],
        [ qr/nothing to retire: .*--pin: "www", "backup-1", "backup-2"/, qw(--apply retire) ],
        [ qr/has no pin "x"/,                  qw(--apply retire --pin x) ],
        [ qr/--backup belongs to/,             qw(--apply drop), backup($server, 'backup-3') ],
        [ qr/belong to --apply/,               qw(--pin www) ],
        [ qr/both want the output/,            qw(--apply drop --output - --format json) ],
        [ qr/is no time/,                      qw(--at yesterday) ],
        [ qr/the chain file /,                 '--chain', $server->file('temp/cut.pem') ],
        [ qr/the chain file /,                 '--chain', $server->file('temp') ],
        [ qr/the chain file /,                 '--new-chain', $server->file('temp/fifo') ],
    ) {
        my ($says, @arguments) = @$case;
        my $run = rollover($server, @arguments);
        is($run->{exit}, 2, "@arguments: exit 2");
        like($run->{err}, qr/^hpkp: .*$says/m, 'and says why');
        ok(!$run->{timed_out} && $run->{out} eq '', 'nothing else');
        is(policy_text($server), $before, 'nothing is written');
    }
    my $none = run_command([ tool(), 'rollover', $server->file('conf/none.yaml'), '--chain', chain($server, 'www') ]);
    is($none->{exit}, 2, 'no policy file');
    my $several = policy(name => 'a') . (policy(name => 'b') =~ s/.*policies:\n//sr);
    $server->write('conf/pins.yaml', $several);
    my $run = rollover($server);
    is($run->{exit}, 1, 'several policies and none named');
    like($run->{out}, qr/unknown-policy/, 'is what nginx would say');
    is(planned($server, '--name', 'b')->{policy}, 'b', '--name');
    $run = rollover($server, '--name', 'b', '--ledger', 'off');
    like($run->{out}, qr/^note: there is no ledger/m, 'no ledger: no dates');
    like($run->{out}, qr/serve backup-1: no date can be given/, 'which it says');
};

done_testing;
