# The checks run in a child process: when it crashes or is killed, nginx refuses the load and goes on.
#
# strace kills the child where it opens the policy file; nothing else in nginx opens that.

use lib 't/lib';
use HPKP::Ledger qw(ledger_file);
use HPKP::Test;

need_tools('strace');
my $server = site();
my $policy = $server->file('conf/pins.yaml');

sub struck {
    my ($signal) = @_;
    return $server->test_config(
        before => [ 'strace', '-f', '-o', '/dev/null', '-P', $policy, '-e', "inject=openat:signal=$signal:when=1" ]);
}

for my $case ([ SEGV => 11 ], [ KILL => 9 ], [ BUS => 7 ]) {
    my ($name, $number) = @$case;
    my $test = struck($name);
    is($test->{exit}, 1, "$name: nginx -t lives to say no") or diag($test->{err});
    like($test->{err}, qr/\[emerg\].*hpkp: the checks ended by signal $number /, "$name: and says why");
    like($test->{err}, qr/test failed/, "$name: in nginx's own words too");
}

# Nor is anything withdrawn that a test cannot have written.
{
    my $ledger = ledger_file($server);
    my $trace = $server->file('temp/trace');
    $server->test_config(before => [ 'strace', '-f', '-o', $trace, '-P', $policy, '-P', $ledger, '-e', 'trace=openat',
            '-e', 'inject=openat:signal=KILL:when=1' ]);
    my %opened = map { $_ => 1 } read_text($trace) =~ /^(\d+) +openat\(/mg;
    is(keys %opened, 1, 'only the checks of a test open a file, though they are killed');
}

# A running master: the old configuration serves on, and the next reload is good.
$server->start;
my $before = fetch($server, '/');
my $tracer = fork // die "fork: $!\n";
if ($tracer == 0) {
    open STDERR, '>', '/dev/null';
    exec 'strace', '-f', '-o', '/dev/null', '-P', $policy, '-e', 'inject=openat:signal=SEGV:when=1', '-p', $server->master;
    die "strace: $!\n";
}
wait_until(sub { read_text('/proc/' . $server->master . '/status') =~ /^TracerPid:\s+[1-9]/m }, 10) or die "strace does not attach\n";
my $mark = $server->log_mark;
kill HUP => $server->master;
wait_until(sub { $server->log_since($mark) =~ /hpkp: the checks/ }, 20) or die "no refusal\n" . $server->log_since($mark);
kill TERM => $tracer;
waitpid $tracer, 0;

like($server->log, qr/hpkp: the checks ended by signal 11 /, 'a reload says so in the log');
is(fetch($server, '/')->{head} =~ s/^Date:.*\n//mr, $before->{head} =~ s/^Date:.*\n//mr, 'the old configuration serves on');
$server->hup;
is(fetch($server, '/')->{status}, 200, 'the next reload is good');

$server->stop;
done_testing;
