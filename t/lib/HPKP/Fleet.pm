# HPKP::Fleet - several servers with one name, each a machine of its own as far as conf-examples/fleet/sync.sh can tell.
#
#     my $fleet = HPKP::Fleet->new(qw(web1 web2 web3));
#     $fleet->node('web1')                    its HPKP::Server; its clock is the fleet's
#     $fleet->give('pins.yaml', $text, @nodes)    a file in /etc/nginx; "web1" in it is the node's name. nginx.conf: what goes
#                                             into http; fleet.conf: where all is on this machine is added
#     $fleet->clone                           a new repository, and each node's clone of it
#     $fleet->start                           starts all, with the certificate pki/www.pem where deploy.sh puts one
#     my $run = $fleet->run('web2', $command) a line of sh in /etc/nginx: {exit, out, err}; hpkp, nginx, git and date are the
#                                             node's, by its clock, and systemctl start|stop nginx is the test
#     my $run = $fleet->sync('web2', 'reload')    sync.sh
#     $fleet->systemctl('web2', 'start')      does what the unit says too: $fleet->{unit}, text of a drop-in
#     $fleet->pass(3600)                      so much later; a second clock: $fleet->node('web1')->set_clock
#     $fleet->instance('web3')                how web1 knows that nginx, while it is open
#     $fleet->sends('web1')                   what the repository says that it sends: entries of its export
#     $fleet->tree('web1'), $fleet->commits   of the repository
#     $fleet->placed('web1', $text), $fleet->shown('web1', $text)    from the page's paths to the node's, and back
#     "$fleet->{work}"                        /srv: pki, fleet.git, bucket
#
# A node is a directory: its /etc/nginx is DIRECTORY/conf, and so on, see places(). pki is of conf-examples/make-pki.sh, and
# pki/new.pem, new.key, new.pub are a certificate for another key.

package HPKP::Fleet;

use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp ();
use HPKP::Command qw(run_command output_of need_tools wait_until read_text write_text project_root build_dir);
use HPKP::Ledger qw(ledger_file time_text entries tool);
use HPKP::Server;
use JSON::PP ();
use POSIX ();

sub new {
    my ($class, @names) = @_;
    my $root = project_root();
    my $temp = File::Temp->newdir('hpkp-t-fleet-XXXXXX', TMPDIR => 1);
    my $self = bless { temp => $temp, work => "$temp", names => \@names, node => {}, now => time + 3600, unit => '' }, $class;

    need_tools(qw(git flock));
    make_path("$temp/bucket", "$temp/home");
    write_text("$temp/home/.gitconfig", "[user]\n\tname = somebody\n\temail = somebody\@example.com\n");
    output_of("$root/conf-examples/make-pki.sh", "$temp/pki");
    rename "$temp/pki/renewed/unpinned.$_", "$temp/pki/new.$_" or die "rename: $!" for qw(pem key);
    write_text("$temp/pki/new.pub", output_of('openssl', 'pkey', '-in', "$temp/pki/new.key", '-pubout'));

    for my $name (@names) {
        # The host is known, so that no advice about a first rollout is due. Not by a copy of one ledger: each has its own id.
        my $server = $self->{node}{$name} = HPKP::Server->new(clock => time_text($self->{now}), http => '', ledger => 'fresh');
        HPKP::Ledger::import_hosts(ledger_file($server), 'www.example.com');
        my $conf = $server->file('conf');
        output_of('cp', '-R', "$temp/pki", "$conf/pki");
        output_of('rm', '-R', "$conf/pki/offline");
        symlink "$root/conf-examples", "$conf/conf-examples" or die "symlink: $!";
        output_of('install', '-D', '-m', '755', '-t', "$conf/renewal", glob "$root/conf-examples/renewal/*.sh");
        put_commands($server);
    }
    return $self;
}

sub node { return $_[0]{node}{ $_[1] } // die "no node $_[1]\n" }

sub put_commands {
    my ($server) = @_;
    my $clock = join ' ', $server->by_its_clock;
    my $nginx = join ' ', $server->command;
    my $hpkp = join ' ', $server->by_its_clock($ENV{HPKP_PRELOAD} // ''), tool();
    my $ledger = ledger_file($server);
    my $ask = $server->file('temp/ask');
    my %command = (
        # In nginx.conf of the tests it is off already.
        nginx => "case \"\$*\" in '-g daemon off;') set -- ;; esac\nexec $nginx \"\$@\"\n",
        hpkp => "case \"\$*\" in *--ledger* | 'pin '*) ;; *) set -- \"\$@\" --ledger $ledger ;; esac\nexec $hpkp \"\$@\"\n",
        # Whoever starts a server has to stop it: the test.
        systemctl => "echo \"\$1\" > $ask.new && mv $ask.new $ask\nwhile [ -e $ask ]; do sleep 0.05; done\n",
    );
    for my $program (qw(date git)) {
        chomp(my $path = output_of('sh', '-c', "command -v $program"));
        $command{$program} = "exec $clock $path \"\$@\"\n";
    }
    for my $name (keys %command) {
        $server->write("bin/$name", "#!/bin/sh\n$command{$name}");
        chmod 0755, $server->file("bin/$name");
    }
}

# ---- paths

sub places {
    my ($self, $name) = @_;
    my $server = $self->node($name);
    return ('/etc/nginx' => $server->file('conf'), '/var/lib/hpkp-fleet' => $server->file('fleet'), '/srv' => $self->{work},
        '/var/lib/nginx/hpkp.ledger' => ledger_file($server));
}

sub placed {
    my ($self, $name, $text) = @_;
    my %place = $self->places($name);
    my $any = join '|', map { quotemeta } sort { length $b <=> length $a } keys %place;
    $text =~ s{($any)\b}{$place{$1}}g;
    return $text;
}

sub shown {
    my ($self, $name, $text) = @_;
    my %place = reverse $self->places($name);
    my $prefix = $self->node($name)->prefix;
    $text =~ s{\Q$prefix\E/conf/nginx\.conf \(\Q$prefix\E/\)}{/etc/nginx/nginx.conf (/usr/share/nginx/)}g;
    $text =~ s{\Q$_\E}{$place{$_}}g for sort { length $b <=> length $a } keys %place;
    return $text;
}

# ---- files and life

sub give {
    my ($self, $file, $text, @names) = @_;
    for my $name (@names) {
        my $server = $self->node($name);
        my $own = $self->placed($name, $text =~ s/\bweb1\b/$name/gr);
        if ($file eq 'nginx.conf') { $server->configure(http => $own =~ s/:8443\b/:{{port:tls}}/r); next }
        my %at = (fleet => $server->file('fleet'), ledger => ledger_file($server), pid => $server->file('nginx.pid'),
            policy => $server->file('conf/pins.yaml'));
        $own .= join '', map { "$_=$at{$_}\n" } sort keys %at if $file eq 'fleet.conf';
        write_text($server->file("conf/$file"), $own);
    }
}

sub clone {
    my ($self) = @_;
    output_of('git', 'init', '-q', '--bare', '-b', 'main', "$self->{work}/fleet.git");
    output_of('git', 'clone', '-q', "$self->{work}/fleet.git", $_->file('fleet')) for values %{ $self->{node} };
}

sub start {
    my ($self) = @_;
    for my $name (@{ $self->{names} }) {
        my $server = $self->node($name);
        my $run = $self->run($name, 'HPKP_NGINX_TEST=true HPKP_NGINX_RELOAD=true renewal/deploy.sh www.example.com pki/www.pem pki/www.key');
        die "$run->{out}$run->{err}" if $run->{exit} != 0;
        $server->start;
    }
}

sub stop { $_->stop for values %{ $_[0]{node} } }

sub pass {
    my ($self, $seconds) = @_;
    $self->{now} += $seconds;
    $_->set_clock(time_text($self->{now})) for values %{ $self->{node} };
}

sub environment {
    my ($self, $name) = @_;
    my $server = $self->node($name);
    return {
        PATH => $server->file('bin') . ":$ENV{PATH}", HOME => "$self->{work}/home",
        HPKP_FLEET_CONF => $server->file('conf/fleet.conf'), HPKP_POLICY => $server->file('conf/pins.yaml'),
        HPKP_LEDGER => ledger_file($server), HPKP_TLS_DIR => $server->file('conf/tls'),
    };
}

sub run {
    my ($self, $name, $command) = @_;
    return $self->attended($name, [ 'sh', '-c', $self->placed($name, $command) ]);
}

sub sync {
    my ($self, $name, @arguments) = @_;
    return $self->attended($name, [ project_root() . '/conf-examples/fleet/sync.sh', @arguments ]);
}

# Runs a command that may ask systemctl for something.
sub attended {
    my ($self, $name, $command) = @_;
    my $server = $self->node($name);
    my ($result, $ask) = map { $server->file("temp/$_") } qw(result ask);
    unlink $result;
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        my $run = run_command($command, directory => $server->file('conf'), timeout => 60, env => $self->environment($name));
        write_text($result, JSON::PP::encode_json($run));
        POSIX::_exit(0);
    }
    wait_until(sub {
        if (-e $ask) {
            $self->systemctl($name, read_text($ask) =~ s/\s//gr);
            unlink $ask;
        }
        return waitpid($pid, POSIX::WNOHANG()) == $pid;
    }, 90) or die "@$command does not end\n";
    return JSON::PP::decode_json(read_text($result));
}

sub systemctl {
    my ($self, $name, $what) = @_;
    my $unit = sub {
        my ($key) = @_;
        for my $line ($self->{unit} =~ /^\Q$key\E=(.*)$/mg) {
            my $run = run_command([ 'sh', '-c', $self->placed($name, $line =~ s/^-//r) ], env => $self->environment($name), timeout => 60);
            die "$line: exit $run->{exit}\n$run->{out}$run->{err}" if $run->{exit} != 0;
        }
    };
    if    ($what eq 'start') { $unit->('ExecStartPre'); $self->node($name)->start; $unit->('ExecStartPost') }
    elsif ($what eq 'stop')  { $self->node($name)->stop; $unit->('ExecStopPost') }
    else                     { die "systemctl $what\n" }
}

# ---- what the fleet knows

sub instance {
    my ($self, $name) = @_;
    my $prefix = $self->node($name)->prefix;
    my @open = grep { $_->{open} && $_->{instance} =~ m{^[^/].*: \Q$prefix\E/conf/nginx\.conf } } entries($self->node('web1'));
    return @open ? $open[-1]{instance} : '';
}

sub repository {
    my ($self, @command) = @_;
    return output_of('git', '-C', "$self->{work}/fleet.git", @command);
}

sub tree    { return $_[0]->repository('rev-parse', "main:$_[1]") }
sub commits { return $_[0]->repository(qw(rev-list --count main)) + 0 }

sub sends {
    my ($self, $name) = @_;
    return grep { $_->{own} && $_->{open} } map { JSON::PP::decode_json($_) } grep { /"type":"entry"/ }
        split /\n/, $self->repository('show', "main:$name/ledger.json");
}

1;
