# HPKP::Server - a real nginx of our own: its files, its life, its logs.
#
#     my $server = HPKP::Server->new(
#         http  => 'server { listen 127.0.0.1:{{port:tls}} ssl; ... }',   # goes inside http { }
#         files => { 'pins.yaml' => $yaml },                              # beside nginx.conf
#         main  => 'load_module modules/x.so;',                           # goes on top of nginx.conf
#     );
#     Options besides: workers (1), log_level (info), module, ports => { tls => PORT } (to follow another server),
#     pki (an HPKP::PKI), ledger => 'fresh' (else one that knows the hosts: HPKP::Ledger), clock.
#     my $test = $server->test_config;       # nginx -t: {exit, err, timed_out, ...} of HPKP::Command
#     $server->start;                        # dies, with stderr and log, unless it comes up
#     $server->start(before => [...]);       # a command in front that becomes nginx, such as strace -D
#     my $run = $server->start_refused;      # starts it, wants it to end by itself: {exit, err}
#     my $run = $server->reload;             # nginx -s reload; returns once the new workers serve
#     my $run = $server->reload_refused;     # the same, wants exit 1 and the old workers
#     my $text = $server->hup_refused;       # kill -HUP, wants a refusal in the log; the log's new text
#     $server->hup;                          # kill -HUP, wants new workers
#     my $run = $server->signal_by_nginx('quit');      # nginx -s quit
#     $server->stop;                         # by pid; also done at the end of the test
#     $server->crash;                        # kill -9, master and workers: no end that nginx could tell of
#     $server->no_alerts;                    # one test: no [alert], [crit], signal or sanitizer report
#
#     $server->write('conf/pins.yaml', $yaml);         # change a file; the path is below the prefix
#     $server->configure(http => ...);                 # change nginx.conf; also module => PATH
#     $server->server_line('www.example.com')          # "FILE:LINE" of that server's "server {"
#     $server->line_of(qr/hpkp_policy/)                # "FILE:LINE" of the first such line
#     $server->master, $server->workers, $server->children     # pids; children has the draining workers too
#     $server->log, $server->log_since($mark), $server->log_mark, $server->stderr
#     $server->port('tls'), $server->prefix, $server->file('conf/pins.yaml'), $server->pki
#
#     $server->set_clock('2026-12-24 22:00:00'), $server->by_its_clock         # HPKP::Clock
#
# In every text {{port:NAME}} is a free port of 127.0.0.1 (one a NAME), {{pki}} the directory of HPKP::PKI, {{pin:NAME}}
# a pin, {{key:CHAIN}} the name of the key of a chain file, {{prefix}} our directory. nginx.conf is
# {{prefix}}/conf/nginx.conf, documents are in {{prefix}}/html, the ledger is {{prefix}}/ledger/hpkp.ledger unless http
# names one, so that a path that is resolved from the wrong directory is found out.
#
# Environment: HPKP_NGINX (/usr/sbin/nginx), HPKP_BUILD (build), HPKP_MODULE (the module in it; "none" for an
# nginx without it: option module => 'none'; "linked" for one that has it linked in), HPKP_PRELOAD (a sanitizer's
# libraries: nginx alone runs with them).
#
# nginx is started with a parent death signal: when the test ends in any way, even by kill -9, the kernel stops it.

package HPKP::Server;

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Temp ();
use HPKP::Command qw(run_command need_file need_tools wait_until read_text write_text build_dir);
use HPKP::Clock qw(set_clock by_its_clock);
use HPKP::Kill qw(crash kill_master kill_worker);
use HPKP::Ledger ();
use HPKP::Log qw(stderr log log_mark log_since no_alerts);
use HPKP::PKI;
use HPKP::Port qw(free_port);
use POSIX ();
use Time::HiRes qw(sleep);

my $start_limit = 20;    # seconds; a sanitizer build on a busy machine is slow
my %running;             # servers to stop at the end

my $frame = <<'CONF';
{{main}}
daemon off;
pid {{prefix}}/nginx.pid;
error_log {{prefix}}/logs/error.log {{log_level}};
worker_processes {{workers}};
events { worker_connections 256; }
http {
{{ledger}}
    access_log off;
    client_body_temp_path {{prefix}}/temp/body;
    proxy_temp_path {{prefix}}/temp/proxy;
    fastcgi_temp_path {{prefix}}/temp/fastcgi;
    uwsgi_temp_path {{prefix}}/temp/uwsgi;
    scgi_temp_path {{prefix}}/temp/scgi;
    ssl_protocols TLSv1.2 TLSv1.3;
    types { text/html html; text/plain txt; }
    root {{prefix}}/html;
{{http}}
}
CONF

sub new {
    my ($class, %option) = @_;
    my $self = bless {
        pki       => $option{pki} || HPKP::PKI->new,
        ports     => $option{ports} || {},
        workers   => $option{workers} || 1,
        main      => $option{main} // '',
        ledger    => $option{ledger} // 'seasoned',
        log_level => $option{log_level} || 'info',
        binary    => need_file($ENV{HPKP_NGINX} || '/usr/sbin/nginx', 't/run.sh installs it'),
        module    => $option{module} || $ENV{HPKP_MODULE} || build_dir() . '/ngx_http_hpkp_module.so',
        owner     => $$,
    }, $class;

    need_tools('setpriv');
    need_file($self->{module}, 'build it: cmake -S . -B build && cmake --build build') if $self->{module} =~ m{/};

    # Readable by the workers, which are not us.
    umask 022;
    $self->{temp} = File::Temp->newdir('hpkp-t-XXXXXX', TMPDIR => 1);
    $self->{prefix} = $self->{temp}->dirname;
    chmod 0755, $self->{prefix};
    make_path(map { "$self->{prefix}/$_" } qw(conf html ledger logs temp));
    $self->set_clock($option{clock}) if defined $option{clock};
    $self->write('html/index.html', "<p>index</p>\n");

    $self->configure(http => $option{http} // '');
    $self->write("conf/$_", $option{files}{$_}) for keys %{ $option{files} || {} };
    return $self;
}

# ---- files

sub configure {
    my ($self, %option) = @_;
    $self->{module} = $option{module} if $option{module};
    my $load = $self->{module} =~ m{/} ? "load_module $self->{module};\n" : '';
    my $text = $frame;

    my $loaded = $self->{module} ne 'none' || $self->{main} =~ /_hpkp_module/;
    my $ours = $loaded && $option{http} !~ /\bhpkp_ledger\b/;
    my $ledger = $ours ? '    hpkp_ledger ledger/hpkp.ledger;' : '';
    # Workers keep no other part of the environment, nor does the new binary of an upgrade.
    my $clock = $self->{clock} ? "env FAKETIME_TIMESTAMP_FILE;\nenv FAKETIME_NO_CACHE;\n" : '';
    # Without a line of their own: pages show the numbers.
    my $preload = $ENV{HPKP_PRELOAD} ? join '', map { "env $_; " } qw(LD_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS) : '';

    $text =~ s/\{\{main\}\}/$load$clock$self->{main}$preload/;
    $text =~ s/\{\{ledger\}\}/$ledger/;
    $text =~ s/\{\{http\}\}\n/$option{http}/;
    $text =~ s/\{\{(log_level|workers)\}\}/$self->{$1}/g;
    $self->write('conf/nginx.conf', $text);
    HPKP::Ledger::season($self, $option{http}) if $ours && $self->{ledger} eq 'seasoned';
}

sub write {
    my ($self, $path, $text) = @_;
    make_path(dirname("$self->{prefix}/$path"));
    return write_text("$self->{prefix}/$path", $self->fill_in($text));
}

sub fill_in {
    my ($self, $text) = @_;

    $text =~ s/\{\{port:([\w-]+)\}\}/$self->port($1)/ge;
    $text =~ s/\{\{pin:([\w-]+)\}\}/$self->{pki}->pin($1)/ge;
    $text =~ s/\{\{key:([\w-]+)\}\}/$self->{pki}->key_name($1)/ge;
    $text =~ s/\{\{pki\}\}/$self->{pki}->dir/ge;
    $text =~ s/\{\{prefix\}\}/$self->{prefix}/g;
    return $text;
}

sub prefix { return $_[0]{prefix} }
sub pki    { return $_[0]{pki} }
sub file   { return "$_[0]{prefix}/$_[1]" }

sub line_of {
    my ($self, $pattern, $path) = @_;
    my $file = $self->file($path || 'conf/nginx.conf');
    my @lines = split /\n/, read_text($file);

    my ($at) = grep { $lines[$_] =~ $pattern } 0 .. $#lines;
    defined $at or die "$file: no line like $pattern\n";
    return "$file:" . ($at + 1);
}

sub server_line {
    my ($self, $name) = @_;
    my $file = $self->file('conf/nginx.conf');
    my ($line, $at) = (0, 0);

    for my $text (split /\n/, read_text($file)) {
        $line++;
        $at = $line if $text =~ /^\s*server\s*\{/;
        return "$file:$at" if $text =~ /\bserver_name\b[^;]*\s\Q$name\E[\s;]/;
    }
    die "$file: no server_name $name\n";
}

sub port {
    my ($self, $name) = @_;
    return $self->{ports}{$name} //= free_port();
}

# ---- life

sub command {
    my ($self, @arguments) = @_;

    # -e: what is said before nginx.conf names a log goes to the same log.
    return ($self->by_its_clock($ENV{HPKP_PRELOAD} // ''), $self->{binary}, '-p', "$self->{prefix}/", '-e', 'logs/error.log', '-c', 'conf/nginx.conf',
        @arguments);
}

sub test_config {
    my ($self, %option) = @_;
    return run_command([ @{ $option{before} || [] }, $self->command('-t') ], timeout => $option{timeout} || 20,
        env => $option{env});
}

sub start {
    my ($self, %option) = @_;
    my $ended = $self->launch(@{ $option{before} || [] });

    die "nginx did not start: exit $ended->{exit}\n$ended->{err}" . $self->log if $ended;
    return $self;
}

sub start_refused {
    my ($self) = @_;
    my $ended = $self->launch;

    return $ended if $ended;
    $self->stop;
    die "nginx started, and should not have\n";
}

# Starts the master. Returns nothing once all workers run, or what became of a master that ended.
sub launch {
    my ($self, @before) = @_;
    die "already started\n" if $self->{master};
    my $stderr = $self->file('logs/stderr');

    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        setpgrp;
        open STDIN, '<', '/dev/null' or POSIX::_exit(126);
        open STDOUT, '>>', $stderr or POSIX::_exit(126);
        open STDERR, '>>', $stderr or POSIX::_exit(126);
        no warnings 'exec';
        exec qw(setpriv --pdeathsig TERM), @before, $self->command or POSIX::_exit(127);
    }

    $self->{master} = $pid;
    $running{$self} = $self;
    my $status;
    my $done = wait_until(sub {
        if (waitpid($pid, POSIX::WNOHANG()) == $pid) { $status = $?; return 1 }
        return $self->workers >= $self->{workers};
    }, $start_limit);
    return if $done && !defined $status;

    if (!defined $status) {
        $self->stop;
        die "nginx neither started nor ended within $start_limit s\n" . $self->stderr;
    }
    $self->forget;
    return { exit => $status & 127 ? 255 : $status >> 8, signal => $status & 127, err => $self->stderr };
}

sub master { return $_[0]{master} }

sub children {
    my ($self) = @_;
    my $master = $self->{master} or return;
    open my $list, '<', "/proc/$master/task/$master/children" or return;
    return split ' ', <$list> // '';
}

# Those at work: one that has just been forked still has the master's title, one that drains says so.
sub workers {
    my ($self) = @_;
    return grep { title($_) =~ /^nginx: worker process$/ } $self->children;
}

sub title {
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/cmdline" or return '';
    my $title = <$file> // '';
    $title =~ s/[\0 ]+$//;
    return $title;
}

sub signal_by_nginx {
    my ($self, $signal) = @_;
    return run_command([ $self->command('-s', $signal) ]);
}

sub reload {
    my ($self) = @_;
    my @old = $self->workers;
    my $run = $self->signal_by_nginx('reload');

    die "nginx -s reload: exit $run->{exit}\n$run->{err}" if $run->{exit} != 0;
    $self->wait_for_new_workers(@old);
    return $run;
}

sub reload_refused {
    my ($self) = @_;
    my @old = $self->workers;
    my $run = $self->signal_by_nginx('reload');

    die "nginx -s reload: exit $run->{exit}, should be 1\n$run->{err}" if $run->{exit} != 1;
    die "the workers changed on a refused reload\n" if "@old" ne join ' ', $self->workers;
    return $run;
}

sub hup {
    my ($self) = @_;
    my @old = $self->workers;

    kill HUP => $self->{master};
    $self->wait_for_new_workers(@old);
}

sub hup_refused {
    my ($self) = @_;
    my @old = $self->workers;
    my $mark = $self->log_mark;

    kill HUP => $self->{master};
    wait_until(sub { $self->log_since($mark) =~ /hpkp: .*: configuration refused/ }, $start_limit)
        or die "no refusal in the log\n" . $self->log_since($mark);
    die "the workers changed on a refused HUP\n" if "@old" ne join ' ', $self->workers;
    return $self->log_since($mark);
}

sub wait_for_new_workers {
    my ($self, @old) = @_;
    my %old = map { $_ => 1 } @old;

    wait_until(sub {
        my @now = $self->workers;
        return @now == $self->{workers} && !grep { $old{$_} } @now;
    }, $start_limit) or die "no new workers within $start_limit s\n" . $self->log;
}

sub stop {
    my ($self) = @_;
    my $master = $self->{master} or return;
    return if $$ != $self->{owner};

    kill TERM => $master;
    my $ended = wait_until(sub { waitpid($master, POSIX::WNOHANG()) != 0 }, 10);
    my $status = $?;
    if (!$ended) {
        kill KILL => -$master, $master;
        waitpid $master, 0;
    }
    $self->forget;
    no_crash($status) if $ended;
    return $ended;
}

# After a signal that ends the master: true once it has gone.
sub wait_for_end {
    my ($self) = @_;
    my $ended = wait_until(sub { waitpid($self->{master}, POSIX::WNOHANG()) != 0 }, $start_limit);
    my $status = $?;

    $self->forget if $ended;
    no_crash($status) if $ended;
    return $ended;
}

# A master that stops has nothing left to crash for.
sub no_crash {
    my ($status) = @_;
    die 'the master ended by signal ' . ($status & 127) . "\n" if $status > 0 && $status & 127;
}

sub forget {
    my ($self) = @_;
    delete $self->{master};
    delete $running{$self};
}

END {
    my $status = $?;
    $_->stop for values %running;
    $? = $status;
}


1;
