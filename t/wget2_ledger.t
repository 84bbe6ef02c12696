# GNU Wget2 as the judge of the ledger: after every sequence of loads that is accepted it connects, whenever it was there
# last; after one that hpkp_lockout warn lets through it is locked out, just as the finding said.
#
# The host is localhost, since Wget2 cannot be told where a name is. It lives by the server's clock.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(time_text seconds_of day);

need_tools('wget2');
my ($max_age, $grace) = (14, 300);
my @first = qw(local backup-1 backup-2);
my @second = qw(backup-1 backup-2 backup-3);

sub prepare {
    my ($server, $cert, $pins, $lockout) = @_;
    $server->write('conf/pins.yaml', policy(pins => $pins, enforce => "{max-age: ${max_age}d}")) if $pins;
    $server->configure(http => "hpkp_lockout $lockout;\n"
        . tls_server(name => 'localhost', cert => $cert, extra => $pins ? 'hpkp_policy pins.yaml;' : ''));
}

sub loaded {
    my ($server, $clock, $cert, $pins, $lockout) = @_;
    $server->set_clock($clock);
    prepare($server, $cert, $pins, $lockout // 'refuse');
    return $server->reload;
}

# Each client has a memory of its own. "name" remembers and learns, "name?" is only asked whether it would connect.
sub visit {
    my ($server, $client) = @_;
    my $asked = $client =~ s/\?$//;
    my $store = $server->file("temp/wget2-$client");
    my $used = $asked ? "$store.asked" : $store;

    write_text($used, -e $store ? read_text($store) : '') if $asked;
    unlink $used if $asked && !-e $store;
    return run_command([ $server->by_its_clock, 'wget2', '--no-config', '--quiet', '--tries=1', '--output-document=-',
            "--hpkp-file=$used", '--ca-certificate=' . $server->pki->dir . '/roots.pem',
            'https://localhost:' . $server->port('tls') . '/' ],
        env => { HOME => $server->file('temp'), map { $_ => undef } qw(http_proxy https_proxy HTTPS_PROXY all_proxy) });
}

my @clients;

# Somebody comes for the first time; and whoever was here before would still connect.
sub comes {
    my ($server, $client) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    push @clients, $client;
    all_connect($server, "when \"$client\" comes");
    is(visit($server, $client)->{exit}, 0, "\"$client\" comes");
}

sub all_connect {
    my ($server, $name) = @_;
    my @out = grep { visit($server, "$_?")->{exit} != 0 } @clients, 'nobody yet';
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is("@out", '', "all connect: $name");
}

subtest 'a rollover' => sub {
    my $server = HPKP::Server->new(clock => day(0), files => { 'pins.yaml' => '' });
    prepare($server, 'local', \@first, 'refuse');
    $server->start;
    comes($server, 'first');
    like(read_text($server->file('temp/wget2-first')), qr/^localhost 0 \Q@{[ seconds_of(day(0)) ]}\E 1209600$/m,
        'it notes the host, by the server\'s clock');

    loaded($server, day(3), 'local-renewed', \@first);
    comes($server, 'of the backup');
    $server->set_clock(day(5, -1));
    comes($server, 'last of the first policy');
    loaded($server, day(5), 'local-renewed', \@second);
    comes($server, 'of the second policy');

    # The key that only the second policy knows.
    my $gone = day(5 + $max_age, $grace);
    $server->set_clock(time_text(seconds_of($gone) - 60));
    prepare($server, 'local-third', \@second, 'refuse');
    has_finding($server->reload_refused, 'locks-out-clients', 'error', name => 'a minute too soon');
    all_connect($server, 'who is refused a minute too soon');
    loaded($server, $gone, 'local-third', \@second);
    comes($server, 'of the new key');

    # Without a policy, and away.
    loaded($server, day(20), 'local-third', undef);
    all_connect($server, 'the policy is dropped');
    prepare($server, 'local-unpinned', undef, 'refuse');
    has_finding($server->reload_refused, 'locks-out-clients', 'error', name => 'any key: too soon');
    all_connect($server, 'who is refused again');
    loaded($server, day(20 + $max_age, $grace), 'local-unpinned', undef);
    all_connect($server, 'when nobody holds anything');
    $server->stop;
    $server->no_alerts;
};

subtest 'forced' => sub {
    my $server = HPKP::Server->new(clock => day(0), files => { 'pins.yaml' => '' });
    @clients = ();
    prepare($server, 'local', \@first, 'refuse');
    $server->start;
    comes($server, 'first');
    $server->set_clock(day(5, -1));
    comes($server, 'last');
    loaded($server, day(5), 'local-renewed', \@second);

    # Each is out for as long as it remembers; who never came is not.
    my $run = loaded($server, day(5 + $max_age, -120), 'local-third', \@second, 'warn');
    has_finding($run, 'locks-out-clients', 'warning', says => qr/clients of localhost hold policy "www"/, name => 'the warning');
    my $out = visit($server, 'last?');
    is($out->{exit}, 5, 'is right: Wget2 is locked out');
    is($out->{out}, '', 'and gets no page');
    is(visit($server, 'first?')->{exit}, 0, 'who was there too long ago is not');
    is(visit($server, 'nobody yet?')->{exit}, 0, 'nor who never was');
    $server->set_clock(day(5 + $max_age, -3));
    is(visit($server, 'last?')->{exit}, 5, 'seconds before it forgets');
    $server->set_clock(day(5 + $max_age, 1));
    is(visit($server, 'last?')->{exit}, 0, 'and not after that');
    $server->stop;

    # Smashing Magazine's change, forced.
    $server = HPKP::Server->new(clock => day(0), files => { 'pins.yaml' => '' });
    prepare($server, 'local', \@first, 'refuse');
    $server->start;
    is(visit($server, 'reader')->{exit}, 0, 'a reader');
    loaded($server, day(1), 'local-unpinned', [qw(unpinned backup-1 backup-2)], 'warn');
    is(visit($server, 'reader?')->{exit}, 5, 'a new key and its pin together: is locked out');
    loaded($server, day(2), 'local-renewed', [qw(unpinned backup-1 backup-2)]);
    is(visit($server, 'reader?')->{exit}, 0, 'until a backup\'s key is served');
    $server->stop;
    $server->no_alerts;
};

done_testing;
