# The master's memory and descriptors stay flat over reloads, good and refused, by signal.
#
# The bounds: glibc and OpenSSL settle in the first reloads, thus the warm-up; afterwards nginx's resident size moves by
# some ten KB with or without this module. Leaving out the one call that frees what a load has used makes 3 MB here: the
# policy file is a large one, so that it shows. A sanitizer keeps freed memory back by design (t/run.sh limits how much).

use lib 't/lib';
use HPKP::Test;

my ($warm_up, $reloads) = (80, 160);
my $bound_kb = $ENV{HPKP_PRELOAD} ? 2048 : 512;

my $many = policy();
$many .= policy(name => "p$_") =~ s/.*policies:\n//sr for 1 .. 300;
my $server = site(server => 'hpkp_policy pins.yaml www;', pins_yaml => $many, workers => 1, log_level => 'notice')->start;

my %with = map { $_ => tls_server(cert => $_, extra => 'hpkp_policy pins.yaml www;') } qw(www www-renewed www-unpinned);

sub one_round {
    my ($number) = @_;

    # Good, refused for its chain, refused for its policy, good again.
    if ($number % 4 == 1) {
        $server->configure(http => $with{'www-unpinned'});
        $server->hup_refused;
    }
    elsif ($number % 4 == 2) {
        $server->write('conf/pins.yaml', "$many  p1: {}\n  bad: [\n");
        $server->hup_refused;
        $server->write('conf/pins.yaml', $many);
    }
    else {
        $server->configure(http => $with{ $number % 4 ? 'www' : 'www-renewed' });
        $server->hup;
    }
}

sub resident_kb {
    my ($kb) = read_text('/proc/' . $server->master . '/status') =~ /^VmRSS:\s+(\d+) kB/m;
    return $kb;
}

sub descriptors {
    my $directory = '/proc/' . $server->master . '/fd';
    opendir my $list, $directory or die "$directory: $!";
    return sort map { readlink("$directory/$_") =~ s/\[\d+\]/[]/r } grep { /\d/ } readdir $list;
}

# The master has a channel to each worker until it has seen it end.
sub settle { wait_until(sub { $server->children == 1 }, 20) or die "an old worker does not end\n"; sleep 1 }

one_round($_) for 0 .. $warm_up - 1;
settle();
my ($before, @open_before) = (resident_kb(), descriptors());
one_round($_) for 0 .. $reloads - 1;
settle();
my ($after, @open_after) = (resident_kb(), descriptors());

note("resident: $before KB after $warm_up reloads, $after KB after $reloads more; ", scalar @open_after, ' descriptors');
cmp_ok($after - $before, '<', $bound_kb, "the master's memory after $reloads reloads (KB more)");
is_deeply(\@open_after, \@open_before, 'its descriptors');

# A worker inherits what the master has open.
my ($worker) = $server->workers;
opendir my $list, "/proc/$worker/fd" or die "$worker: $!";
my @files = grep { defined && /\.(?:yaml|pem|der|csr)$/ } map { readlink "/proc/$worker/fd/$_" } grep { /\d/ } readdir $list;
is_deeply(\@files, [], 'a worker has no policy and no certificate open');
one_header(fetch($server, '/'), pins_header($server, max_age => 2592000), 'it still serves');

# The module is mapped as often as at the start.
my @maps = grep { m{ngx_http_hpkp_module} && / r-xp / } split /\n/, read_text('/proc/' . $server->master . '/maps');
is(scalar @maps, 1, 'the module is loaded once');

$server->stop;
$server->no_alerts;
done_testing;
