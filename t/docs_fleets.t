# docs/fleets.md and conf-examples/fleet/: every command and every configuration on the page, run as it stands, with a real
# nginx for each node, on the dates that it tells of. Keys, dates and ids are others each time; "..." stands for any lines.
#
# What the page says to this test is in comments that a reader does not see:
#
#     <!-- file: NAME -->            the block that follows is this file in /etc/nginx, on all nodes; or, with
#     <!-- on: web1 web2 -->         on these
#     <!-- also: web2 web3 -->       the block that follows is run on these nodes too, "web1" in it being their name
#     <!-- later: 14 days -->        from here on it is so much later; cron has run meanwhile. Also "days 5 minutes"
#     <!-- crash: web3 -->           its power goes
#     <!-- lose-ledger: web2 -->     its ledger goes
#     <!-- clock: web3 100 days -->  its clock is so far ahead now, or right again; nginx is stopped and started, if ahead
#
# The block "console" has commands, each with its node as the prompt, and what they print: see HPKP::Fleet.

use lib 't/lib';
use HPKP::Test;
use HPKP::Fleet;
use HPKP::Ledger qw(ledger_file time_text tool);
use HPKP::Transcript qw(steady pattern);
use POSIX ();

my $root = project_root();
my $page = read_text(need_file("$root/docs/fleets.md"));
my @names = qw(web1 web2 web3);
my $fleet = HPKP::Fleet->new(@names);
my (%text, %seen);    # files of the page; the last id that a node's messages had

sub alike {
    my ($text) = @_;
    for ($text) {
        s/\b\d+( (?:day|hour|minute|second))s?( ago|\))/N$1s$2/g;
        s{nginx\.conf:\d+}{nginx.conf:N}g;
        s{\S+/[0-9a-f]{8}: \S+ \(\S+\)}{NGINX OF ANOTHER MACHINE}g;
        s/imported: \d+ lines/imported: N lines/g;
    }
    return steady($text);
}

my %done = (
    later => sub {
        my ($days, $minutes) = $_[0] =~ /^(\d+) days?(?: (\d+) minutes)?$/ or die "no span of time: $_[0]\n";
        my ($line) = $text{crontab} =~ /^\S+ \S+ \S+ \S+ \S+ root (.*)$/m or die "no line of cron\n";
        for my $name (grep { $fleet->node($_)->master } @names) {
            my $run = $fleet->run($name, $line);
            is("$run->{exit} $run->{out}$run->{err}", '0 ', "$name: cron has nothing to say");
        }
        $fleet->pass(86400 * $days + 60 * ($minutes // 0));
    },
    crash => sub { $fleet->node($_[0])->crash },
    clock => sub {
        my ($name, $days) = $_[0] =~ /^(\w+) (\d+) days$/ or die "no clock: $_[0]\n";
        $fleet->node($name)->set_clock(time_text($fleet->{now} + 86400 * $days));
        if ($days) { $fleet->systemctl($name, $_) for qw(stop start) }
    },
    'lose-ledger' => sub { unlink ledger_file($fleet->node($_[0])) or die "unlink: $!" },
);

sub run_block {
    my ($block) = @_;
    my $ran = 0;

    for my $step (split /^(?=web\d\$ )/m, $block) {
        my ($name, $command, $expected) = $step =~ /^(web\d)\$ ((?:[^\n]*\\\n)*[^\n]*)\n(.*)\z/s or die "no command in: $step";
        $fleet->start if !$fleet->node('web1')->master && $command =~ m{/sync\.sh};    # the page's servers run when it begins
        my $typed = $command =~ s{(web\d)/[0-9a-f]{8}: /\S+ \(\S+\)}{$fleet->instance($1)}ger;
        $typed =~ s/\b[0-9a-f]{16}\b/$seen{$name} \/\/ die "no id was shown on $name\n"/ge;
        my $got = $command =~ m{/entrypoint\.sh$} ? run_container($name, $command)
            : $fleet->shown($name, $fleet->run($name, "{ $typed\n} 2>&1")->{out});
        like(alike($got), pattern(alike($expected)), "$name: " . $command =~ s/\\\n */ /gr) or diag($got);
        $seen{$name} = $1 if $got =~ /^ +ledger: ([0-9a-f]{16})$/m;
        $ran++;
    }
    return $ran;
}

# A container: begins without a ledger, is told to end, and leaves nothing open.
sub run_container {
    my ($name, $command) = @_;
    my $server = $fleet->node($name);
    my $out = $server->file('temp/container');
    $server->stop if $server->master;
    unlink ledger_file($server);

    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        my $environment = $fleet->environment($name);
        $ENV{$_} = $environment->{$_} for keys %$environment;
        open STDOUT, '>', $out or POSIX::_exit(126);
        open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
        no warnings 'exec';
        exec qw(setpriv --pdeathsig TERM), $fleet->placed($name, $command) or POSIX::_exit(127);
    }
    my $told = wait_until(sub { -s $out && read_text($out) =~ /knows what/ && $fleet->sends($name) }, 30);
    ok($told, "$name: the container starts, and the others know what it sends") or diag(read_text($out));
    kill TERM => $pid;
    ok(wait_until(sub { waitpid($pid, POSIX::WNOHANG()) == $pid }, 30), 'it ends') or kill KILL => $pid;
    is($?, 0, 'as nginx did');
    is(scalar $fleet->sends($name), 0, 'and the others know that it sends no more');
    ok(!-e $server->file('nginx.pid'), 'no nginx is left');
    return $fleet->shown($name, read_text($out));
}

# ---- the page

my ($ran, %asked) = (0);
is(() = $page =~ /^```/mg, 2 * (() = $page =~ /^```\w+$/mg), 'every block says what it is');
while ($page =~ /^<!-- ([\w-]+): (.+?) -->\n|^```(\w+)\n(.*?)^```\n/msg) {
    my ($word, $value, $kind, $block) = ($1, $2, $3, $4);
    if (defined $word) {
        if ($done{$word}) { $done{$word}->($value) }
        else              { $asked{$word} = $value }
        next;
    }
    if ($kind eq 'console') {
        $ran += run_block($block);
        $ran += run_block($block =~ s/\bweb1\b/$_/gr) for split ' ', $asked{also} // '';
    }
    elsif ($asked{file}) {
        $text{ $asked{file} } = $block;
        $fleet->give($asked{file}, $block, split ' ', $asked{on} // "@names");
        $fleet->{unit} = $text{'nginx.service'} // '';
    }
    else { fail("a block of $kind without a name: $block") }
    %asked = ();
}
cmp_ok($ran, '>', 20, 'there are commands');

sub pin {
    my ($file) = @_;
    return output_of(tool(), 'pin', "$fleet->{work}/pki/$file") =~ /pin-sha256="([^"]+)"/ ? $1 : die "no pin: $file";
}

subtest 'what it has come to' => sub {
    my $value = join '; ', 'max-age=604800', map { 'pin-sha256="' . pin($_) . '"' } qw(new.pub backup-1.csr backup-2.csr);
    for my $name (@names) {
        my $server = $fleet->node($name);
        $server->start if !$server->master;
        one_header(fetch($server, '/', curl => [ '--cacert', "$fleet->{work}/pki/roots.pem" ]), $value, "$name sends the last policy");
        $server->no_alerts if $name ne 'web3';    # whose power went
    }
    $fleet->stop;
};

subtest 'TLS that ends in front' => sub {
    my $server = HPKP::Server->new(http => $text{'balancer.conf'} =~ s/:8080\b/:{{port:plain}}/r =~ s{/etc/nginx/}{}r);
    output_of('cp', '-R', "$fleet->{work}/pki", $server->file('conf/pki'));
    output_of('cp', "$fleet->{work}/pki/new.pem", $server->file('conf/balancer.pem'));
    write_text($server->file('conf/pins.yaml'), $text{'pins.yaml'});
    findings_are($server->test_config, [], 'the configuration is accepted');
};

done_testing;
