# conf-examples/fleet/sync.sh beyond what docs/fleets.md shows: what is in the repository when, and what it says when something
# is wrong. Three nodes with a real nginx each: see HPKP::Fleet.

use lib 't/lib';
use HPKP::Test;
use HPKP::Fleet;
use HPKP::Ledger qw(ledger_tool entries);
use POSIX ();

my @names = qw(web1 web2 web3);
my $fleet = HPKP::Fleet->new(@names);
my $repository = "$fleet->{work}/fleet.git";
my $web1 = $fleet->node('web1');
my $tls = $web1->file('conf/tls/www.example.com');

my $policy = <<'END';
version: 1
trust: {devices: pki/roots.pem}
policies:
  www:
    pins: [{name: A, public-key: pki/www.pub}, {name: X, csr: pki/backup-1.csr}, {name: Y, csr: pki/backup-2.csr}]
    enforce: {max-age: 7d}
END
$fleet->give('pins.yaml', $policy, @names);
$fleet->give('fleet.conf', "node=web1\nchains=/etc/nginx/tls/www.example.com/fullchain.pem\n", @names);
$fleet->give('nginx.conf', <<'END', @names);
server {
    listen 127.0.0.1:8443 ssl;
    server_name www.example.com;
    ssl_certificate /etc/nginx/tls/www.example.com/fullchain.pem;
    ssl_certificate_key /etc/nginx/tls/www.example.com/privkey.pem;
    hpkp_policy pins.yaml;
}
END
$fleet->clone;
$fleet->start;

sub in_step {
    my ($name, @arguments) = @_;
    my $run = $fleet->sync($name, @arguments);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($run->{exit}, 0, join ' ', "$name:", @arguments, 'done') or diag("$run->{out}$run->{err}");
}

sub refused_with {
    my ($says, $name, @arguments) = @_;
    my $run = $fleet->sync('web1', @arguments);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($run->{exit}, 1, "$name: exit 1");
    like($run->{err}, $says, 'and says so');
    is($run->{out}, '', 'and nothing else');
}

sub files_of { return [ split /\n/, $fleet->repository('ls-tree', '--name-only', "main:$_[0]") ] }

subtest 'what is in the repository' => sub {
    in_step($_) for @names;
    is_deeply(files_of($_), [qw(chain-1.pem ledger.json)], "$_: what it serves and what it sent") for @names;
    in_step($_) for qw(web1 web2);    # what they know of the others is told too
    my ($before, $count) = ($fleet->tree('web1'), $fleet->commits);

    $fleet->pass(3600);
    in_step('web1', 'reload');
    is($fleet->commits, $count, 'a reload with nothing new writes nothing: that it is sent until now was known');

    output_of('cp', "$tls/fullchain.pem", "$fleet->{work}/good.pem");
    output_of('sh', '-c', "cat '$fleet->{work}/pki/new.pem' > '$tls/fullchain.pem'");
    refused_with(qr/no-pin-in-chain.*served by: web1\n/s, 'a chain that is not pinned', 'reload');
    is($fleet->tree('web1'), $before, 'what it was about to serve is there no longer');

    output_of('sh', '-c', "cat '$fleet->{work}/good.pem' > '$tls/fullchain.pem' && echo >> '$tls/fullchain.pem'");
    write_text("$repository/hooks/pre-receive", "#!/bin/sh\nrm \"\$0\"\nexit 1\n");
    chmod 0755, "$repository/hooks/pre-receive";
    $count = $fleet->commits;
    in_step('web1', 'reload');
    ok(!-e "$repository/hooks/pre-receive", 'a push that is refused once');
    is($fleet->commits, $count + 2, 'is done once more: before and after the reload');
    is_deeply(files_of('web1'), [qw(chain-1.pem ledger.json)], 'and in the end there is one chain');

    # nginx -s reload returns before it is done; here long before.
    my $settings = read_text($web1->file('conf/fleet.conf'));
    $web1->write('bin/later', "#!/bin/sh\n(sleep 1; nginx -s reload) > /dev/null 2>&1 &\n");
    chmod 0755, $web1->file('bin/later');
    write_text($web1->file('conf/fleet.conf'), "${settings}nginx_reload=later\n");
    $fleet->give('pins.yaml', $policy =~ s/7d/6d/r, 'web1');
    in_step('web1', 'reload');
    write_text($web1->file('conf/fleet.conf'), $settings);
    is_deeply([ map { $_->{policy}{'max-age'}[0]{value} } $fleet->sends('web1') ], [ 6 * 86400 ], 'a new policy is there when the reload is done');
    $fleet->give('pins.yaml', $policy, 'web1');
    in_step('web1', 'reload');
};

subtest 'a stop and a start' => sub {
    $web1->stop;
    in_step('web1');
    is_deeply(files_of('web1'), ['ledger.json'], 'it serves nothing');
    is(scalar $fleet->sends('web1'), 0, 'and sends nothing');
    in_step('web1', 'prove');
    is_deeply(files_of('web1'), [qw(chain-1.pem ledger.json)], 'what it will serve');
    $web1->start;
    in_step('web1');
    is(scalar $fleet->sends('web1'), 1, 'it sends');
};

subtest 'a node that was taken for dead' => sub {
    in_step($_) for qw(web1 web2 web3 web1 web2);    # nobody has anything else to tell
    my $web2 = $fleet->instance('web2');
    isnt($web2, '', 'web2 sends, as web1 knows');
    is(ledger_tool($web1, 'close', $web2)->{exit}, 0, 'somebody closes it');
    in_step('web1');
    is($fleet->instance('web2'), '', 'now it is closed');
    $fleet->pass(7200);
    in_step($_) for qw(web2 web1);
    is($fleet->instance('web2'), $web2, 'it has told that it sends, and is open again');
};

subtest 'a ledger that is lost' => sub {
    my $server = $fleet->node('web2');
    my $own = sub { return map { $_->{instance} } grep { $_->{open} && $_->{instance} =~ m{\Q@{[ $server->prefix ]}\E/conf} } entries($server) };
    my @before = $own->();
    unlink HPKP::Ledger::ledger_file($server) or die "unlink: $!";
    in_step('web2', 'reload');
    is_deeply([ $own->() ], \@before, 'what it sent is its own again');
    is(scalar @before, 1, 'and nothing else of it is open');
};

subtest 'a node that is gone' => sub {
    in_step($_) for qw(web3 web1);
    my $web3 = $fleet->instance('web3');
    my ($entry) = grep { $_->{instance} eq $web3 && $_->{open} } entries($web1);
    $fleet->node('web3')->crash;
    my $counts = sub {
        my ($name) = @_;
        my ($now) = grep { $_->{id} eq $entry->{id} } entries($fleet->node($name));
        return $now->{'held-until'} ? 'counts' : 'lifted';
    };
    my $forget = sub { return ledger_tool($web1, 'forget', $entry->{id}, '--reason', 'it was off all the time')->{exit} };

    is($forget->(), 0, 'what may be sent is forgotten');
    is($counts->('web1'), 'lifted', 'for now');
    $fleet->pass(7200);
    is($counts->('web1'), 'counts', 'and counts again after an hour');
    is(ledger_tool($web1, 'close', $web3)->{exit}, 0, 'it is closed');
    is($forget->(), 0, 'and forgotten');
    in_step($_) for qw(web1 web2);
    $fleet->pass(7200);
    is($counts->($_), 'lifted', "$_: for good") for qw(web1 web2);
    $fleet->node('web3')->start;
};

subtest 'all at once' => sub {
    my $count = $fleet->commits;
    my %pid;
    # Each has something to tell: its chain is another file.
    for my $name (@names) {
        output_of('sh', '-c', "echo >> '" . $fleet->node($name)->file('conf/tls/www.example.com/fullchain.pem') . "'");
        $pid{$name} = fork // die "fork: $!";
        if ($pid{$name} == 0) {
            my $run = $fleet->sync($name, 'reload');
            POSIX::_exit($run->{exit});
        }
    }
    for my $name (@names) {
        waitpid $pid{$name}, 0;
        is($?, 0, "$name: done");
    }
    is($fleet->commits, $count + 2 * @names, 'each has written what it serves, before and after');
};

subtest 'when something is wrong' => sub {
    my $settings = read_text($web1->file('conf/fleet.conf'));
    my @workers = $web1->workers;
    for my $case ([ 'node=a/b', qr/name of a directory\n.*node=/, 'a name that is none' ], [ 'chains=', qr/not known\n.*chains=/, 'no chains' ],
        [ "fleet=$fleet->{work}", qr/no clone/, 'no clone' ], [ 'pid=/nonexistent', qr/does not run/, 'a reload without an nginx', 'reload' ])
    {
        my ($setting, $says, $name, @arguments) = @$case;
        write_text($web1->file('conf/fleet.conf'), "$settings$setting\n");
        refused_with($says, $name, @arguments);
    }
    write_text($web1->file('conf/fleet.conf'), $settings);
    is($fleet->sync('web1', @$_)->{exit}, 2, "@$_: exit 2") for ['frob'], [qw(reload now)];

    rename $repository, "$repository.away" or die "rename: $!";
    refused_with(qr/cannot be read.*\n.*Nothing is loaded/, 'the repository is away: no reload', 'reload');
    rename "$repository.away", $repository or die "rename: $!";

    write_text($web1->file('fleet/web2/mine'), "x\n");
    refused_with(qr/somebody has changed/, 'somebody works in its clone');
    unlink $web1->file('fleet/web2/mine');

    # What one node broke stops the others until it is mended: they do not know what that one sent.
    my $change = sub {
        my $run = $fleet->run('web3', 'cd /srv && rm -rf other && git clone -q fleet.git other && cd other'
                . " && $_[0] && git add -A && git commit -q -m x && git push -q");
        is($run->{exit}, 0, $_[0]) or diag($run->{err});
    };
    $change->('echo "{}" >> web3/ledger.json');
    refused_with(qr{web3/ledger\.json:\d+: no line.*\n.*cannot be taken in}, 'an export that cannot be read', 'reload');
    $change->('git revert --no-commit HEAD');
    in_step('web1');
    is_deeply([ $web1->workers ], \@workers, 'nginx was not touched');
};

subtest 'POSIX sh' => sub {
    need_tools('shellcheck');
    my @scripts = glob project_root() . '/conf-examples/fleet/*.sh';
    is(scalar @scripts, 2, 'two scripts');
    my $run = run_command([ 'shellcheck', '--shell=sh', @scripts ]);
    is($run->{out} . $run->{err}, '', 'shellcheck finds nothing');
    ok(-x $_, "$_ is executable") for @scripts;
};

$fleet->stop;
done_testing;
