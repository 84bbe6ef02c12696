# Reloads with trusted paths: a renewed chain that brings a path without a pin, or takes the only one away, is refused and
# the old one goes on serving byte for byte; one whose paths all match is taken.

use lib 't/lib';
use HPKP::Answers qw(whole_answers check_unchanged);
use HPKP::CrossPKI;
use HPKP::Test;

my $pki = HPKP::CrossPKI->new;
my ($in_b, $either) = ('b: roots/b.pem', 'a: roots/a.pem, b: roots/b.pem');

sub started {
    my ($trust, $pins, $cert) = @_;
    return site(pki => $pki, cert => $cert, workers => 2,
        pins_yaml => "trust: {$trust}\n" . policy(pins => [ @$pins, qw(backup-1 backup-2) ]),
        files => { 'roots/a.pem' => $pki->certificates('root-a'), 'roots/b.pem' => $pki->certificates('root-b') })->start;
}

sub configuration { return tls_server(cert => $_[0], extra => 'hpkp_policy pins.yaml;') }

# What is served in fact: the subject and issuer names of the certificates sent after the leaf.
sub sent {
    my ($server) = @_;
    my $text = output_of('sh', '-c', 'echo | openssl s_client -showcerts -servername www.example.com -connect 127.0.0.1:'
        . $server->port('tls') . ' 2>/dev/null');
    return join ' ', map { s/HPKP Cross //gr =~ s/Intermediate/Int/gr } $text =~ /^ *[1-9] s:CN *= *(.*)\n *i:CN *= *(.*)$/mg;
}

# A load that is refused, twice: by nginx -s reload and by a signal. Then what is wrong is mended.
sub check_refused {
    my ($server, $cert, $id, $says, $name) = @_;
    my $before = whole_answers($server);
    my ($sent, $mark) = (sent($server), $server->log_mark);

    $server->configure(http => configuration($cert));
    my $run = $server->reload_refused;
    refused($run, "$name: refused");
    has_finding($run, $id, 'error', at => [ 'pins.yaml:4:3', 'in ' . $server->server_line('www.example.com') ], says => $says,
        name => "$name: says why");
    has_finding($server->log_since($mark), $id, 'error', says => $says, name => "$name: in the log too");
    check_unchanged($server, $before, $name);

    has_finding($server->hup_refused, $id, 'error', says => $says, name => "$name: by kill -HUP");
    $server->kill_worker($_) for $server->workers;
    check_unchanged($server, $before, "$name, in workers born after it");
    is(sent($server), $sent, "$name: with the old chain");
}

sub check_taken {
    my ($server, $cert, $pins, $sent, $name) = @_;
    $server->configure(http => configuration($cert));
    is($server->reload->{exit}, 0, "$name: taken");
    is(sent($server), $sent, "$name: the new chain is served");
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000, pins => [ @$pins, qw(backup-1 backup-2) ]),
        "$name: with the header");
}

subtest 'a path more' => sub {
    my $pins = ['root-b'];
    my $server = started($either, $pins, 'www-under-b');
    check_refused($server, 'www-both', 'path-without-pin', qr/only 1 of the 2 paths.*to a root in a:/s, 'no pin for it');

    # Pinned too late: there are clients that hold the pin of before, and know both roots.
    $pins = [qw(root-a root-b)];
    $server->write('conf/pins.yaml', "trust: {$either}\n" . policy(pins => [ @$pins, qw(backup-1 backup-2) ]));
    findings_are($server->reload_refused, [ 'locks-out-clients error', 'root-only-pin warning' ], 'pinned too late');
    $server->stop;
    $server->no_alerts;

    # Pinned in time, the same chain is taken.
    $server = started($either, $pins, 'www-under-b');
    check_taken($server, 'www-both', $pins, 'Int Root A Int Root B', 'both pinned');
    check_taken($server, 'www-under-b', $pins, 'Int Root B', 'back to one');
    $server->stop;
    $server->no_alerts;
};

subtest 'a path less' => sub {
    # Clients that have only Root B get there by the cross-sign alone.
    my $pins = ['root-b'];
    my $server = started($in_b, $pins, 'www-crossed');
    check_refused($server, 'www', 'untrusted-chain', qr/\(b\)/, 'the cross-sign is dropped');
    check_taken($server, 'www-renewed-crossed', $pins, 'Int Root A Root A Root B', 'a renewed leaf with the cross-sign');
    check_taken($server, 'www-under-b', $pins, 'Int Root B', 'another way to the same root');
    $server->stop;
    $server->no_alerts;
};

subtest 'a cross-sign comes and goes' => sub {
    # The key of Root A is on every path, whether Root B vouches for it or not.
    my $pins = ['root-a'];
    my $server = started($either, $pins, 'www');
    check_taken($server, 'www-crossed', $pins, 'Int Root A Root A Root B', 'added');
    check_taken($server, 'www-expired-cross', $pins, 'Int Root A Root A Root B', 'expired');
    check_taken($server, 'www', $pins, 'Int Root A', 'dropped');
    check_refused($server, 'www-under-b', 'no-pin-in-chain', qr/the path, to a root in b:/, 'another root');
    $server->stop;
    $server->no_alerts;
};

subtest 'a store grows' => sub {
    # As when the system's certificates are updated: the same chain has a path more.
    my $pins = ['root-a'];
    my $server = started('b: roots/a.pem', $pins, 'www-both');
    $server->write('conf/roots/a.pem', $pki->certificates(qw(root-a root-b)));
    check_refused($server, 'www-both', 'path-without-pin', qr/only 1 of the 2 paths/, 'a root more');
    $server->write('conf/roots/a.pem', $pki->certificates('root-a'));
    check_taken($server, 'www-both', $pins, 'Int Root A Int Root B', 'the store of before');
    unlink $server->file('conf/roots/a.pem');
    has_finding($server->reload_refused, 'trust-unreadable', 'error', at => ['pins.yaml:1:12'], name => 'the store is gone');
    $server->stop;
    $server->no_alerts;
};

done_testing;
