# GNU Wget2, a client that honours the header: it notes the pins, goes on after the change to the backup key, is locked
# out by an unpinned key where nobody guards the server, and this module refuses that very change.
#
# It compares pins with the certificates sent: what this module says of such clients is true of it.
#
# The host is localhost, since Wget2 cannot be told where a name is; it keeps pins for it like for any other.

use lib 't/lib';
use HPKP::CrossPKI;
use HPKP::Test;

need_tools('wget2');
my @pins = (pins => [qw(local backup-1 backup-2)]);
my %named = (name => 'localhost');

sub guarded { return tls_server(%named, cert => $_[0], extra => 'hpkp_policy pins.yaml;') }

my $server = HPKP::Server->new(http => guarded('local'), files => { 'pins.yaml' => policy(@pins) });
findings_are($server->test_config, ['unqualified-host warning'], 'nothing but the name');
$server->start;

my $store = $server->file('temp/hpkp-of-wget2');

sub wget2 {
    my ($server, $roots) = @_;
    my $trusted = $server->pki->dir . '/' . ($roots // 'roots.pem');
    return run_command([ 'wget2', '--no-config', '--quiet', '--tries=1', '--output-document=-', "--hpkp-file=$store",
            "--ca-certificate=$trusted", 'https://localhost:' . $server->port('tls') . '/' ],
        env => { HOME => $server->file('temp'), map { $_ => undef } qw(http_proxy https_proxy HTTPS_PROXY all_proxy) });
}

my $run = wget2($server);
is($run->{exit}, 0, 'first visit') or diag($run->{err});
is($run->{out}, "<p>index</p>\n", 'it gets the page');
my $noted = read_text($store);
like($noted, qr/^localhost 0 \d+ 2592000$/m, 'and notes the host with its max-age');
is_deeply([ sort $noted =~ /^\*sha256 (\S+)$/mg ], [ sort map { $server->pki->pin($_) } @{ $pins[1] } ],
    'and exactly the pins of the policy');

$run = wget2($server);
is($run->{exit}, 0, 'second visit, pins enforced') or diag($run->{err});

$server->configure(http => guarded('local-renewed'));
$server->reload;
$run = wget2($server);
is($run->{exit}, 0, 'after the change to the backup key') or diag($run->{err});

# The change to a key that nobody pinned is refused here ...
$server->configure(http => guarded('local-unpinned'));
has_finding($server->reload_refused, 'no-pin-in-chain', 'error', at => ['pins.yaml:3:3'],
    name => 'the change to an unpinned key is refused');
$run = wget2($server);
is($run->{exit}, 0, 'the client does not notice');
$server->stop;
$server->no_alerts;

# ... and on an nginx without this module locks the client out.
my $unguarded = HPKP::Server->new(module => 'none', ports => { tls => $server->port('tls') },
    http => tls_server(%named, cert => 'local-unpinned'));
$unguarded->start;
$run = wget2($unguarded);
is($run->{exit}, 5, 'unguarded, the same change locks the client out') or diag($run->{out}, $run->{err});
isnt($run->{out}, "<p>index</p>\n", 'no page');

# Not for the certificate as such: a client without pins is content.
unlink $store;
is(wget2($unguarded)->{exit}, 0, 'a client that never came before gets the page');
$unguarded->stop;

# Two roots, one of which has signed the other's key, and clients that know either.
sub under_roots {
    my ($cert, $pin, $clients) = @_;
    my $pki = HPKP::CrossPKI->new;
    return HPKP::Server->new(pki => $pki, http => tls_server(%named, cert => $cert, extra => 'hpkp_policy pins.yaml;'),
        files => { 'roots.pem' => $pki->certificates(qw(root-a root-b)), 'pins.yaml' => "trust: {test: roots.pem}\n"
            . policy(pins => [ $pin, qw(backup-1 backup-2) ], clients => $clients) });
}

subtest 'an intermediate\'s pin, for clients of both kinds' => sub {
    my $server = under_roots('local-crossed', 'int', '[chain, sent]');
    findings_are($server->test_config, ['unqualified-host warning'], 'accepted');
    $server->start;
    unlink $store;
    is(wget2($server)->{exit}, 0, 'first visit');
    my $noted = read_text($store);
    is_deeply([ sort $noted =~ /^\*sha256 (\S+)$/mg ], [ sort map { $server->pki->pin($_) } qw(int backup-1 backup-2) ],
        'it notes the pins');
    for my $roots ('roots.pem', 'certs/root-a.pem', 'certs/root-b.pem') {
        my $run = wget2($server, $roots);
        is($run->{exit}, 0, "enforced, with the roots of $roots") or diag($run->{err});
        is($run->{out}, "<p>index</p>\n", 'it gets the page');
    }
    $server->stop;
    $server->no_alerts;
};

subtest 'the pin of a root that is not sent' => sub {
    has_finding(under_roots('local', 'root-a', '[chain, sent]')->test_config, 'sent-without-pin', 'error',
        name => 'is refused for clients such as this one');

    my $server = under_roots('local', 'root-a', '[chain]');
    has_finding($server->test_config, 'root-only-pin', 'warning', says => qr/look at the sent certificates/,
        name => 'and else warned of');
    $server->start;
    unlink $store;
    is(wget2($server)->{exit}, 0, 'first visit');
    is(wget2($server)->{exit}, 5, 'and never again: the warning is right');
    $server->stop;
    $server->no_alerts;
};

done_testing;
