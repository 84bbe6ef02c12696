# From nothing to the end of a change of keys, as an operator goes: hpkp init, report-only, enforce, and then whatever
# hpkp rollover says is next. GNU Wget2 connects after every step, whenever it was there last.
#
# The host is localhost, since Wget2 cannot be told where a name is. It lives by the server's clock.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(ledger_file time_text seconds_of day tool);
use JSON::PP ();

need_tools('wget2');
my ($max_age, $grace) = (14, 300);

my $server = HPKP::Server->new(clock => day(0), ledger => 'fresh');
my $pki = $server->pki->dir;
my $file = $server->file('conf/pins.yaml');
my $chain = 'local';    # what nginx serves

sub hpkp {
    my (@arguments) = @_;
    my $run = run_command([ $server->by_its_clock($ENV{HPKP_PRELOAD} // ''), tool(), @arguments ]);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($run->{exit}, 0, "hpkp @arguments") or diag($run->{out}, $run->{err});
    return $run->{out};
}

# What is printed under a step, typed into a shell.
sub typed {
    my ($command) = @_;
    my $run = run_command([ $server->by_its_clock($ENV{HPKP_PRELOAD} // ''), 'sh', '-c', $command ],
        env => { PATH => build_dir() . ":$ENV{PATH}" });
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($run->{exit}, 0, $command =~ s/.*(--apply)/$1/r) or diag($run->{out}, $run->{err});
}

sub plan_now {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $plan = JSON::PP::decode_json(hpkp('rollover', $file, '--chain', "$pki/chains/$chain.pem", '--ledger', ledger_file($server),
            '--format', 'json'));
    my ($next) = grep { $_->{next} } @{ $plan->{steps} };
    return ($next, $plan);
}

sub configured {
    my ($cert) = @_;
    $server->configure(http => tls_server(name => 'localhost', cert => $cert, extra => 'hpkp_policy pins.yaml;'));
}

my @clients;

# Each client has a memory of its own. With "?" it is only asked whether it would connect.
sub visit {
    my ($client) = @_;
    my $asked = $client =~ s/\?$//;
    my $store = $server->file("temp/wget2-$client");
    my $used = $asked ? "$store.asked" : $store;

    write_text($used, -e $store ? read_text($store) : '') if $asked;
    return run_command([ $server->by_its_clock, 'wget2', '--no-config', '--quiet', '--tries=1', '--output-document=-',
            "--hpkp-file=$used", "--ca-certificate=$pki/roots.pem", 'https://localhost:' . $server->port('tls') . '/' ],
        env => { HOME => $server->file('temp'), map { $_ => undef } qw(http_proxy https_proxy HTTPS_PROXY all_proxy) })->{exit};
}

# Whoever was here before would still connect; and somebody comes for the first time.
sub all_connect {
    my ($newcomer) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is(join(' ', grep { visit("$_?") != 0 } @clients), '', "all connect when \"$newcomer\" comes");
    is(visit($newcomer), 0, "\"$newcomer\" comes");
    push @clients, $newcomer;
}

# Does what the plan says until it says to serve another key; returns the steps done.
sub follow {
    my ($backup) = @_;
    my @done;

    for (1 .. 9) {
        my ($next) = plan_now();
        return ($next, @done) if $next->{step} eq 'serve';
        push @done, join ' ', grep { defined } $next->{step}, $next->{pin};
        if    ($next->{step} eq 'reload')     { $server->reload }
        elsif ($next->{step} eq 'add-backup') { typed($next->{commands}[-1] =~ s{backup\.csr$}{$pki/csr/$backup.pem}r) }
        else                                  { typed($next->{commands}[0]) }
        all_connect('after ' . @done . " for $backup") if $next->{step} eq 'reload';
    }
    die "the plan does not end: @done\n";
}

subtest 'a first policy' => sub {
    hpkp('init', '--chain', "$pki/chains/local.pem", '--level', 'leaf', (map { ('--backup', "$pki/csr/$_.pem") } qw(backup-1 backup-2)),
        '--report-uri', 'https://reports.example.net/hpkp', '--output', $file);
    configured('local');
    $server->start;
    like((values_of(fetch($server, '/', host => 'localhost'), 'Public-Key-Pins-Report-Only'))[0] // '', qr/pin-sha256=.*report-uri=/, 'report-only');
    all_connect('who is told nothing');
    ok(read_text($server->file("temp/wget2-$clients[0]")) !~ /^localhost/m, 'and notes nothing') if -e $server->file("temp/wget2-$clients[0]");
    my ($next, $plan) = plan_now();
    is("$next->{step} $next->{earliest}", 'serve ' . seconds_of(day(0)), 'nobody holds anything: any key can be served');
    is_deeply([ map { $_->{role} } @{ $plan->{pins} } ], [ 'in use', 'backup', 'backup' ], 'roles');

    $server->set_clock(day(7));
    $server->write('conf/pins.yaml', read_text($file) =~ s/\n?\z/\n    enforce: {max-age: ${max_age}d}\n/r);
    is((plan_now())[0]{step}, 'reload', 'what was enforced is to be loaded');
    $server->reload;
    all_connect('first');
    like(read_text($server->file('temp/wget2-first')), qr/^localhost 0 \d+ 1209600$/m, 'it notes the pins');
};

subtest 'to the first backup' => sub {
    $server->set_clock(day(9));
    my ($next, @done) = follow('none');
    is("@done $next->{step} $next->{earliest}", ' serve ' . seconds_of(day(9)), 'a backup can be served at once');
    like($next->{pin}, qr/backup.1/, 'the first');
    $chain = 'local-renewed';
    configured($chain);
    $server->reload;
    all_connect('of the backup');
};

subtest 'what follows' => sub {
    $server->set_clock(day(10));
    my ($next, @done) = follow('backup-3');
    is_deeply(\@done, [ 'retire localhost', 'add-backup', 'reload', 'drop localhost', 'reload' ], 'the old key goes, a new backup comes');
    like($next->{pin}, qr/backup.2/, 'next: the other backup, which all know');
    my $text = read_text($file);
    like($text, qr/^# Made by hpkp init.*^    pins:\n +# The key in use.*backup-3.*^    # To enforce/ms, 'the comments are there');
    unlike($text, qr/retired|name: "localhost"/, 'the old pin is not');
};

subtest 'to the new backup' => sub {
    my ($third) = grep { $_->{step} eq 'serve' && $_->{pin} eq 'backup-3' } @{ (plan_now())[1]{steps} };
    is(time_text($third->{earliest}), day(10 + $max_age, $grace), 'once the last client is gone that does not know it');
    $server->set_clock(day(10 + $max_age, $grace - 1));
    configured('local-third');
    has_finding($server->reload_refused, 'locks-out-clients', 'error', name => 'not a second sooner');
    all_connect('too soon');
    $server->set_clock(time_text($third->{earliest}));
    $server->reload;
    $chain = 'local-third';
    all_connect('of the new key');

    $server->set_clock(day(25));
    my ($next, @done) = follow('backup-rsa');
    like($done[0], qr/^retire backup 1/, 'and round again');
    is(scalar(@done), 5, 'the same steps') or diag("@done");
    $server->stop;
    $server->no_alerts;
};

done_testing;
