# A server can always be stopped and its logs rotated, whatever is wrong with the policy on disk: nginx -s parses the
# configuration first, and a module that refuses there would make it unstoppable.

use lib 't/lib';
use HPKP::Test;

my %broken = (
    'a wrong policy'      => sub { $_[0]->write('conf/pins.yaml', "version: 1\npolices: {}\n") },
    'no policy file'      => sub { unlink $_[0]->file('conf/pins.yaml') },
    'an unpinned chain'   => sub {
        $_[0]->configure(http => tls_server(cert => 'www-unpinned', extra => 'hpkp_policy pins.yaml;'));
    },
    'a warning, strictly' => sub {
        $_[0]->write('conf/pins.yaml', policy(pins => [qw(www backup-1)]));
        $_[0]->configure(http => "hpkp_strict on;\n" . tls_server(extra => 'hpkp_policy pins.yaml;'));
    },
    'no such policy'      => sub { $_[0]->configure(http => tls_server(extra => 'hpkp_policy pins.yaml nosuch;')) },
);

for my $name (sort keys %broken) {
    subtest $name => sub {
        for my $signal (qw(stop quit)) {
            my $server = site()->start;
            $broken{$name}->($server);
            refused($server->test_config, 'nginx -t refuses');

            my $log = $server->file('logs/error.log');
            rename $log, "$log.1" or die "rename: $!";
            my $run = $server->signal_by_nginx('reopen');
            is($run->{exit}, 0, 'nginx -s reopen') or diag($run->{err});
            ok(wait_until(sub { -e $log && read_text("$log.1") =~ /reopening logs/ }, 10), 'the log is reopened');
            is(fetch($server, '/')->{status}, 200, 'it serves');

            $run = $server->signal_by_nginx('reload');
            is($run->{exit}, 1, 'nginx -s reload refuses');

            # Of several the last counts.
            my @first = $signal eq 'quit' ? qw(-s reload) : ();
            $run = run_command([ $server->command(@first, '-s', $signal) ]);
            is($run->{exit}, 0, "nginx @first -s $signal") or diag($run->{err});
            ok($server->wait_for_end, 'the server ends');
            $server->no_alerts;
        }
    };
}

# Whoever starts nginx may have left SIGCHLD ignored; then the kernel takes the status of a child that nobody waits for.
{
    my $server = site();
    my @ignoring = (before => [ 'perl', '-e', '$SIG{CHLD} = "IGNORE"; exec @ARGV' ]);
    my $test = $server->test_config(@ignoring);
    is($test->{exit}, 0, 'with SIGCHLD ignored, a right configuration is accepted') or diag($test->{err});
    $server->write('conf/pins.yaml', "version: 1\n");
    $test = $server->test_config(@ignoring);
    like($test->{err}, qr/hpkp: missing-key: /, 'and a wrong one refused for its reason');
}

done_testing;
