# Chains that lead to no root of the system's bundle, where no store is named: one note a load says what they are judged
# by. A note never refuses.
#
# nginx writes notes where its error log is; to a terminal only warnings and errors, unless that is its log.

use lib 't/lib';
use HPKP::Test;
use HPKP::CrossPKI;

my $bundle = '/etc/ssl/certs/ca-certificates.crt';
need_file($bundle, 't/run.sh installs it');
my $policy = 'hpkp_policy pins.yaml;';
my $two_more = tls_server(name => 'example.com', cert => 'www-renewed', extra => $policy)
    . tls_server(name => 'b.example.com', cert => 'wildcard', extra => $policy)
    . tls_server(name => 'c.example.com', cert => 'wildcard', extra => $policy);
my $pins = policy(pins => [qw(int-a backup-2 backup-3)]);

# The notes of the last load in nginx's log.
sub notes {
    my ($server, $mark) = @_;
    return grep { $_->{level} eq 'notice' } findings($server->log_since($mark // 0));
}

sub one_note {
    my ($server, $mark, %want) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @notes = notes($server, $mark);
    is(scalar @notes, 1, "$want{name}: one note") or return;
    has_finding($server->log_since($mark), 'private-pki', 'note', %want);
}

subtest 'one note' => sub {
    my $server = site(pins_yaml => $pins, more => $two_more);
    my $run = $server->test_config;
    findings_are($run, [], 'neither a warning nor an error');
    accepted($run, 'accepted');
    one_note($server, 0, name => 'three chains, four servers', at => [ 'in ' . $server->server_line('www.example.com') ],
        says => qr/\(3 of 4 servers\).*\(and 2 more\) leads to no root of \Q$bundle\E.*\n.*under trust/s);

    my $mark = $server->log_mark;
    $server->start;
    one_note($server, $mark, name => 'at a start');
    $mark = $server->log_mark;
    $server->reload;
    # The process that asks for the reload judges it first, then the master does: a load each.
    is_deeply([ map { $_->{id} } notes($server, $mark) ], [ ('private-pki') x 2 ], 'at a reload, by both processes');
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000, pins => [qw(int-a backup-2 backup-3)]),
        'the header is sent');
    $server->stop;
    $server->no_alerts;
};

subtest 'hpkp_strict' => sub {
    my $server = site(pins_yaml => $pins, more => $two_more, http => 'hpkp_strict on;');
    accepted($server->test_config, 'does not refuse a note');
    one_note($server, 0, name => 'it is said all the same');
    $server->start;
    ok($server->stop, 'and nginx starts');

    # Beside what it does refuse, the note is no warning to be counted.
    $server = site(pins_yaml => policy(pins => [qw(int-a backup-2)]), http => 'hpkp_strict on;');
    my $run = $server->test_config;
    like($run->{err}, qr/hpkp: 0 errors, 1 warning: configuration refused, because of hpkp_strict: single-backup \(/,
        'nor is it counted');
};

subtest 'where nginx logs to the terminal' => sub {
    my $server = site(pins_yaml => $pins);
    my @command = map { $_ eq 'logs/error.log' ? 'stderr' : $_ } $server->command('-t');
    my $run = run_command(\@command);
    accepted($run, 'nginx -t');
    has_finding($run, 'private-pki', 'note', name => 'shows the note');
};

subtest 'no note' => sub {
    my $pki = HPKP::CrossPKI->new;
    my $files = { 'roots.pem' => $pki->certificates(qw(root-a root-b)) };
    my @none = (
        [ 'the store is named', pki => $pki, files => $files,
            pins_yaml => "trust: {ours: roots.pem}\n" . policy(pins => [qw(int backup-1 backup-2)]) ],
        [ 'no policy', server => '' ],
        [ 'a policy that nobody serves over TLS', http => "$policy\n",  server => 'hpkp_policy off;',
            more => "server {\n listen 127.0.0.1:{{port:plain}};\n server_name plain.example.com;\n}\n" ],
    );
    for my $case (@none) {
        my ($name, %part) = @$case;
        my $server = site(%part);
        accepted($server->test_config, $name);
        is_deeply([ notes($server) ], [], "$name: no note");
    }

    # A policy file that names no store beside one that does.
    my $server = site(pki => $pki, pins_yaml => "trust: {ours: roots.pem}\n" . policy(pins => [qw(int backup-1 backup-2)]),
        files => { %$files, 'other.yaml' => policy(name => 'other', pins => [qw(int-b backup-1 backup-2)]) },
        more => tls_server(name => 'sub.example.com', cert => 'sub', extra => 'hpkp_policy other.yaml;'));
    accepted($server->test_config, 'one of two files names a store');
    one_note($server, 0, name => 'for the other', at => [ 'in ' . $server->server_line('sub.example.com') ],
        says => qr/the chain of sub\.example\.com leads/);
};

subtest 'what such a chain is judged by' => sub {
    my $pki = HPKP::CrossPKI->new;
    check_cases(map { +{ pki => $pki, %$_ } }
        { case => 'its issuer line among the certificates sent', want => [], cert => 'www-both',
            pins_yaml => policy(pins => [qw(int backup-1 backup-2)]) },
        { case => 'a cross-sign that is sent', want => [], cert => 'www-crossed',
            pins_yaml => policy(pins => [qw(root-a backup-1 backup-2)]) },
        { case => 'not its root', want => ['no-pin-in-chain error'], cert => 'www-crossed',
            pins_yaml => policy(pins => [qw(root-b backup-1 backup-2)]) },
        { case => 'an empty list of stores is none', want => [],
            pins_yaml => "trust: {}\n" . policy(pins => [qw(int backup-1 backup-2)]) },
    );
};

done_testing;
