# $hpkp_policy, $hpkp_mode and $hpkp_pin, in an answer's body and in the access log.

use lib 't/lib';
use HPKP::Test;

my $report = 'report-uri: "https://reports.example.net/pkp"';
my $say = 'location / { return 200 "$hpkp_policy|$hpkp_mode|$hpkp_pin"; }';
my %mode = (
    enforce       => policy(name => 'p'),
    'report-only' => policy(name => 'p', report_only => "{$report}"),
    both          => policy(name => 'p', enforce => '{max-age: 1d}', report_only => "{$report}"),
    guard         => policy(name => 'p', guard => '{}'),
);

my $server = site(pins_yaml => $mode{enforce}, server => "hpkp_policy pins.yaml;\n$say", http => <<'CONF',
log_format hpkp "said $hpkp_policy|$hpkp_mode|$hpkp_pin";
CONF
    extra => 'access_log {{prefix}}/logs/access.log hpkp;')->start;

for my $mode (sort keys %mode) {
    $server->write('conf/pins.yaml', $mode{$mode});
    $server->reload;
    is(fetch($server, '/')->{body}, "p|$mode|www", $mode);
    ok(wait_until(sub { read_text($server->file('logs/access.log')) =~ /^said p\|\Q$mode\E\|www$/m }, 5), 'in the access log');
}

sub with_policy {
    my ($text) = @_;
    $server->write('conf/pins.yaml', $text);
    $server->reload;
    return fetch($server, '/')->{body};
}

is(with_policy(policy(name => 'p', pins => [qw(int-a backup-1 backup-2)])), 'p|enforce|int-a', 'the intermediate matched');
is(with_policy(policy(name => 'p', pins => [ 'pin-sha256: "{{pin:www}}"', 'backup-1', 'backup-2' ])),
    'p|enforce|' . $server->pki->pin('www'), 'a pin without a name');

$server->write('conf/app.yaml', policy(name => 'app', guard => '{}', pins => [qw(int-a backup-1 backup-2)]));
$server->write('conf/pins.yaml', policy(name => 'p'));
$server->write('conf/other.yaml', policy(name => 'other', pins => [qw(other backup-1 backup-2)]));
$server->configure(http => tls_server(extra => $say)
    . tls_server(name => 'example.com', extra => "hpkp_policy pins.yaml;\nhpkp_policy app.yaml;\n$say")
    . tls_server(name => 'other.example.com', cert => 'other', extra => "hpkp_policy other.yaml;\n$say")
    . "server {\n listen 127.0.0.1:{{port:plain}};\n server_name example.com;\n $say\n}\n");
$server->reload;
is(fetch($server, '/')->{body}, '||', 'no policy, no words');
like(fetch($server, '/', host => 'example.com')->{body}, qr/^p, app\|enforce\|(?:www|int-a)$/, 'two policies');
is(fetch($server, '/', host => 'other.example.com')->{body}, 'other|enforce|other', 'another server');
is(fetch($server, '/', host => 'example.com', plain => 1)->{body}, '||', 'a plain server has none');

# The certificate presented matches no pin of the server that answers.
like(fetch($server, '/', sni => 'other.example.com', host => 'example.com')->{body}, qr/\|$/, 'no pin where none matches');

$server->stop;
$server->no_alerts;
done_testing;
