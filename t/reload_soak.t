# Reloads under load, good ones and refused ones mixed: not one request fails or lacks its header, and the master's memory
# and descriptors stay flat.
#
# A few here. By hand, as many as you like: HPKP_RELOADS=1000 prove -v -I t/lib t/reload_soak.t

use lib 't/lib';
use HPKP::Faults qw(reload_either);
use HPKP::Test;
use POSIX ();

my $reloads = $ENV{HPKP_RELOADS} || 40;
my $warm_up = $reloads < 200 ? int $reloads / 2 : 100;    # t/leaks.t says why
my $bound_kb = $ENV{HPKP_PRELOAD} || $reloads < 200 ? 2048 : 512;
alarm $reloads + 400;

my $policy = 'hpkp_policy pins.yaml;';
my $server = site(workers => 2, log_level => 'notice', main => 'worker_shutdown_timeout 20s;')->start;
my $header = pins_header($server, max_age => 2592000);

# Clients that ask without a pause. A new connection each time, of which curl resumes the sessions; and one that is kept:
# where the server closes it between two requests, curl asks again by another, as RFC 9110 (9.3.1) has it.
my @clients = map { client($_) } [ 'new', '--header', 'Connection: close' ], ['kept'];

sub client {
    my ($name, @options) = @{ $_[0] };
    my $file = $server->file("temp/client-$name");
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        setpgrp;
        open STDOUT, '>', $file or POSIX::_exit(126);
        open STDERR, '>', "$file.err" or POSIX::_exit(126);
        my $port = $server->port('tls');
        no warnings 'exec';
        exec qw(setpriv --pdeathsig KILL curl --silent --show-error --http1.1 --max-time 10 --output /dev/null), @options,
            '--cacert', $server->pki->dir . '/roots.pem', '--resolve', "www.example.com:$port:127.0.0.1",
            '--write-out', '%{http_code} %{exitcode} %header{public-key-pins}\n', '--rate', '200/s', "https://www.example.com:$port/?[1-100000000]"
            or POSIX::_exit(127);
    }
    return { name => $name, file => $file, pid => $pid };
}

sub resident_kb { return read_text('/proc/' . $server->master . '/status') =~ /^VmRSS:\s+(\d+) kB/m ? $1 : die "no VmRSS\n" }

sub descriptors {
    my $directory = '/proc/' . $server->master . '/fd';
    opendir my $list, $directory or die "$directory: $!";
    return sort map { readlink("$directory/$_") =~ s/\[\d+\]/[]/r } grep { /\d/ } readdir $list;
}

# The master has a channel to each worker until it has seen it end.
sub settle { wait_until(sub { $server->children == 2 }, 30) or die "an old worker does not end\n" }

my ($good, $refused) = (0, 0);
my @wrong;

# Good, refused for its chain, good, refused for its policy.
sub one_round {
    my ($number) = @_;
    my $cert = $number % 4 == 1 ? 'www-unpinned' : $number % 4 == 2 ? 'www-renewed' : 'www';
    my $wanted = $number % 2 == 0;

    $server->configure(http => tls_server(cert => $cert, extra => $policy));
    $server->write('conf/pins.yaml', policy() . ($number % 4 == 3 ? "  bad: [\n" : ''));
    my $taken = reload_either($server);
    $taken ? $good++ : $refused++;
    push @wrong, "$number: " . ($taken ? 'taken' : 'refused') if $taken != $wanted;
}

one_round($_) for 0 .. $warm_up - 1;
settle();
my ($before, @open_before) = (resident_kb(), descriptors());
one_round($_) for $warm_up .. $reloads - 1;
settle();
my ($after, @open_after) = (resident_kb(), descriptors());

is("@wrong", '', "each reload as it should: $good good, $refused refused");
note("resident: $before KB after $warm_up reloads, $after KB after $reloads; ", scalar @open_after, ' descriptors');
cmp_ok($after - $before, '<', $bound_kb, "the master's memory (KB more)");
is_deeply(\@open_after, \@open_before, 'its descriptors');

for my $client (@clients) {
    kill TERM => $client->{pid};
    waitpid $client->{pid}, 0;
    my @lines = split /\n/, read_text($client->{file}) =~ s/[^\n]*\z//r;    # the last may be cut off
    my @wrong = grep { $_ ne "200 0 $header" } @lines;
    my $asked = @lines;
    cmp_ok($asked, '>', $reloads, "client \"$client->{name}\": $asked requests meanwhile");
    is(scalar @wrong, 0, 'none lost, none without its header') or diag(join "\n", grep({ defined } @wrong[0 .. 4]), read_text("$client->{file}.err") =~ /\A(.{0,2000})/s);
}
$server->stop;
$server->no_alerts;
done_testing;
