# An nginx that is stopped while the clock is behind the ledger: nobody knows when that was, so what it sent counts on,
# until a load comes by a clock that is right again. Of that one on, it is held as long as any other.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(day);

sub refused_until {
    my ($server, $until) = @_;
    my $run = $server->start_refused;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    like($run->{err}, qr/locks-out-clients: .*would be accepted from \Q$until\E/s, "refused, until $until");
}

my $server = site(clock => day(1), pins_yaml => policy(enforce => '{max-age: 5m}'))->start;
$server->stop;
$server->set_clock(day(1, -3600));
$server->start->stop;
like($server->log, qr/clock-went-back/, 'an hour behind');

$server->configure(http => tls_server(cert => 'www-unpinned'));
$server->set_clock(day(10));
has_finding($server->test_config, 'locks-out-clients', 'error', name => 'days later: nobody knows when it was stopped');
refused_until($server, day(10, 600));
$server->set_clock(day(10, 400));
refused_until($server, day(10, 600));
$server->set_clock(day(10, 601));
$server->start;
ok($server->master, 'then it starts');
$server->stop;
$server->no_alerts;

done_testing;
