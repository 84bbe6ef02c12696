# What a load has proved: a line a server in the error log at level info, nothing on a terminal.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(day);

my $two = tls_server(extra => 'hpkp_policy pins.yaml;') . tls_server(name => 'none.example.com', cert => 'www');

sub proofs { return grep { /\[info\].*hpkp: in / } split /\n/, $_[0] }

my $server = site(clock => day(0), ledger => 'fresh', pins_yaml => policy(report_only => '{report-uri: "https://reports.example.net/"}'));
my $run = $server->test_config;
findings_are($run, [], 'nginx -t finds nothing');
unlike($run->{err}, qr/hpkp: /, 'and is silent');

my $mark = $server->log_mark;
$server->start;
my $where = quotemeta $server->server_line('www.example.com');
my @said = proofs($server->log_since($mark));
is(@said, 1, 'a line a server with a policy');
like($said[0], qr{hpkp: in $where: policy "www", report-only: the chain of www\.example\.com matches "www" on its path, backups "backup-1", "backup-2"; clients hold nothing from before\b},
    'of a policy that only reports');

$mark = $server->log_mark;
$server->write('conf/pins.yaml', policy(enforce => '{max-age: 7d}'));
$server->configure(http => $two);
$server->reload;
my $until = quotemeta day(7) . ' UTC (in 7 days)';
like((proofs($server->log_since($mark)))[0], qr{policy "www", enforced and held until $until if last sent now: the chain of www\.example\.com matches "www" on its path, .*; clients hold nothing from before},
    'of one that is enforced');

$mark = $server->log_mark;
$server->set_clock(day(1));
$server->reload;
$until = quotemeta day(8, 300) . ' UTC (in 7 days)';
like((proofs($server->log_since($mark)))[0], qr{what clients hold from before \(1 policy, until $until\) matches too}, 'with what clients hold');

$mark = $server->log_mark;
$server->configure(http => tls_server(cert => 'www-unpinned', extra => 'hpkp_policy pins.yaml;'));
$server->hup_refused;
is(proofs($server->log_since($mark)), 0, 'a load that is refused has proved nothing');
$server->stop;
$server->no_alerts;

$server = site(log_level => 'notice');
$server->start->stop;
unlike($server->log, qr/hpkp: in/, 'nothing at level notice');

done_testing;
