# HPKP::DocsPage - a page of docs/ from its first command to its last, as its reader goes through it: every command typed
# as it stands, every file written, and what is printed compared with what the page shows. Keys, dates and ids are others
# each time; "..." stands for any lines.
#
#     run_page('start', before => sub { my ($page) = @_; ... }, http => $servers);
#         before   lays out what the reader has already; http is what his nginx serves then
#     $page->path('/etc/nginx/roots.pem')      # where that place of the page is
#     $page->pki                               # what conf-examples/make-pki.sh made, for the reader's CA
#     $page->put_command('certbot', $script)   # a stand-in, found before the real one
#
# What a page says to this test is in comments that its reader does not see. Those in front of a block:
#
#     <!-- file: NAME -->         the block is this file; nginx.conf is what stands in http { }
#     <!-- add: NAME -->          the block goes to the end of this file; in nginx.conf, of the last server
#     <!-- edit: NAME, KEY -->    the block takes the place of KEY, in YAML, in this file
#     <!-- at: laptop -->         the commands are typed at another machine, in a directory of its own
#     <!-- run by: t/x.t -->      the programs are run there
# And anywhere:
#     <!-- today: 2026-11-26 -->  the day on which the page was written: later days in it are as much later today
#     <!-- later: 10 minutes -->  from here on it is so much later. Also days, and "7 days 5 minutes"
#
# A block "console" has commands behind "$ " and what they print; one that ends in \ goes on in the next line. A variable
# that is set stays set. The page's places are in a directory of the test's, its port 443 is one of ours, its server is
# HPKP::Server. The reader's CA is a public one and ours is not: curl and hpkp analyse are given its roots, and the notes
# about a private PKI, which a public one does not get, are left out.

package HPKP::DocsPage;

use strict;
use warnings;

use Exporter qw(import);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp ();
use HPKP::Command qw(run_command output_of read_text write_text project_root build_dir);
use HPKP::Ledger qw(ledger_file time_text seconds_of);
use HPKP::Server;
use HPKP::Transcript qw(steady pattern);
use Test::More;

our @EXPORT_OK = qw(run_page);

my %span = (days => 86400, hours => 3600, minutes => 60);
my %public_key = (    # of which the pages show this pin
    'm5uXbK2dKlH2xmuFWm9uCFXoHqoKCoXz7UUjMYvOOyQ=' => 'pkey -pubin -in www.pub',
    'MZvrSxnJdH1c0OOCtDsshXlj9cHeRkY1pgje6hXKfe0=' => 'req -in backup-1.csr -noout -pubkey',
    'nPKsFqwuatVJkHhEA4nOzdYSuI+63M62FrXp7jYaRHQ=' => 'req -in backup-2.csr -noout -pubkey',
);
my $pass_phrase = "correct horse\n";

sub run_page {
    my ($name, %option) = @_;
    my $text = read_text(project_root() . "/docs/$name.md");
    my $self = bless { temp => File::Temp->newdir('hpkp-t-docs-XXXXXX', TMPDIR => 1), now => time + 3600, set => '' }, __PACKAGE__;
    $self->{shift} = $self->{now} - $self->{now} % 86400 - seconds_of("$1 00:00:00") if $text =~ /^<!-- today: (\S+) -->$/m;

    make_path(map { "$self->{temp}/$_" } qw(bin nginx));
    output_of(project_root() . '/conf-examples/make-pki.sh', "$self->{temp}/pki");
    $option{before}->($self) if $option{before};
    $self->{server} = HPKP::Server->new(clock => time_text($self->{now}), ledger => 'fresh', http => $self->http_of($option{http}))->start;
    $self->put_commands;

    is(() = $text =~ /^```/mg, 2 * (() = $text =~ /^```\w+$/mg), 'every block says what it is');
    my $ran = 0;
    while ($text =~ /^(?:<!-- (file|add|edit|at|later|run by): ([^\n]+?) -->\n)?(?:```(\w+)\n(.*?)^```\n)?/msg) {
        my ($word, $value, $kind, $block) = ($1 // '', $2, $3, $4);
        $self->pass_time($value) if $word eq 'later';
        next if !defined $kind;
        if    ($word eq 'run by')   { run_by($value, $block) }
        elsif ($kind eq 'console')  { $ran += $self->run_block($block, $word eq 'at' ? $value : 'nginx') }
        elsif ($word eq 'file')     { $self->give_file($value, $block) }
        elsif ($word eq 'add')      { $self->add_to_file($value, $block) }
        elsif ($word eq 'edit')     { $self->edit_file(split(/, /, $value), $block) }
        else                        { fail("a block of $kind without a name: $block") }
    }
    cmp_ok($ran, '>', 0, "$ran commands");
    $self->{server}->stop;
    $self->{server}->no_alerts;
}

# ---- places

# Where a place of the page is: /etc/nginx/pins.yaml, for one.
sub path {
    my ($self, $place) = @_;
    my $temp = $self->{temp};
    return $place =~ s{/etc/(nginx|letsencrypt)\b}{$temp/$1}gr =~ s{/usr/share/doc/libnginx-mod-http-hpkp\b}{project_root()}gre;
}

sub write {
    my ($self, $name, $text) = @_;
    make_path(dirname("$self->{temp}/nginx/$name"));
    return write_text("$self->{temp}/nginx/$name", $text);
}

sub pki { return "$_[0]{temp}/pki" }

# Days of the page are as far from today as they were on the day on which it was written.
sub dated {
    my ($self, $text) = @_;
    return $text if !$self->{shift};
    return $text =~ s/\b(20\d\d-\d\d-\d\d)\b(?! \d\d:)/substr time_text(seconds_of("$1 00:00:00") + $self->{shift}), 0, 10/ger;
}

sub http_of {
    my ($self, $http) = @_;
    my $here = "$self->{temp}/nginx";
    $http =~ s/\blisten (?:\S+:)?443\b/listen 127.0.0.1:{{port:tls}}/g;
    $http =~ s{\b((?:ssl_certificate|ssl_certificate_key|hpkp_policy)\s+)(?=\w)}{$1$here/}g;
    return $self->path($http);
}

# ---- what stands in front of a block

sub give_file {
    my ($self, $name, $text) = @_;
    if ($name eq 'nginx.conf') {
        $self->{http} = $text;
        return $self->{server}->configure(http => $self->http_of($text));
    }
    $text =~ s{\b([A-Za-z0-9+/]{43}=)}{$self->pin_of($1)}ge;
    return $self->write($name, $self->path($self->dated($text)));
}

sub add_to_file {
    my ($self, $name, $text) = @_;
    return $self->write($name, read_text("$self->{temp}/nginx/$name") . $self->dated($text)) if $name ne 'nginx.conf';
    return $self->give_file($name, $self->{http} =~ s/^\}\n\z/$text}\n/mr);
}

sub pin_of {
    my ($self, $shown) = @_;
    my $key = $public_key{$shown} or die "whose pin is $shown?\n";
    my $pki = $self->pki;
    chomp(my $pin = output_of('sh', '-c', "cd $pki; openssl $key | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl base64"));
    return $pin;
}

# A key goes from the remark above it as far as what is indented deeper, or another remark.
sub edit_file {
    my ($self, $name, $key, $text) = @_;
    my $file = read_text("$self->{temp}/nginx/$name");
    $file =~ s/(?:^ *#.*\n)*^( *)\Q$key\E:.*\n(?:\1(?: +\S|#).*\n|\n)*/$text/m or die "$name has no $key:\n$file";
    $self->write($name, $self->dated($file));
}

sub pass_time {
    my ($self, $for) = @_;
    my %part = reverse $for =~ /(\d+) (days|hours|minutes)/g or die "no span of time: $for";
    $self->{now} += $span{$_} * $part{$_} for keys %part;
    $self->{server}->set_clock(time_text($self->{now}));
}

# By the same programs; with other options, as they are not those of somebody who installs.
sub run_by {
    my ($test, $block) = @_;
    my $file = project_root() . "/$test";
    my $text = -e $file ? read_text($file) : '';
    for my $program (map { /^(\S+)/g } map { split / && / } $block =~ /^\$ (.*)/mg) {
        ok($text =~ /(?<!\w)\Q$program\E(?!\w)/, "$test runs $program");
    }
}

# ---- commands

sub put_command {
    my ($self, $name, $script) = @_;
    write_text("$self->{temp}/bin/$name", "#!/bin/sh\nset -eu\n$script");
    chmod 0755, "$self->{temp}/bin/$name";
}

sub put_commands {
    my ($self) = @_;
    my $server = $self->{server};
    my $clock = join ' ', $server->by_its_clock($ENV{HPKP_PRELOAD} // '');
    my $nginx = join ' ', $server->command;
    my ($roots, $ledger, $port, $hpkp) = ($self->pki . '/roots.pem', ledger_file($server), $server->port('tls'), build_dir() . '/hpkp');

    # www.example.com is here.
    my $connect = <<"END";
for word; do
    shift
    case \$word in www.example.com:443) word=127.0.0.1:$port; name=www.example.com ;; esac
    set -- "\$@" "\$word"
done
END
    $self->put_command('nginx', "exec $nginx \"\$@\"\n");
    $self->put_command('curl', "exec /usr/bin/curl --noproxy '*' --cacert $roots --connect-to ::127.0.0.1:$port \"\$@\"\n");
    $self->put_command('openssl', "${connect}exec /usr/bin/openssl \"\$@\"\n");
    $self->put_command('hpkp', <<"END");
name=
$connect
case "\$1 \$*" in
*" --ledger "* | *" --help"*) ;;
"check "* | "rollover "* | "ledger "*) set -- "\$@" --ledger $ledger ;;
"analyse "*) set -- "\$@" --trust own=$roots --connect 127.0.0.1:$port ;;
"pin "*) set -- "\$@" \${name:+--servername "\$name"} ;;
esac
case "\$1" in check | init) ;; *) exec $clock $hpkp "\$@" ;; esac
status=0
said=\$($clock $hpkp "\$@" 2>&1) || status=\$?
printf '%s\\n' "\$said" | sed '/^hpkp: .* taken for a private PKI/d; /^note: private-pki: /,/^    see: /d'
exit \$status
END
    # To the server.
    $self->put_command('scp', <<'END');
for to; do :; done
while [ $# -gt 1 ]; do
    cp "$1" "${to#*:}"
    shift
done
END
}

sub run_block {
    my ($self, $block, $where) = @_;
    my @steps = split /^(?=\$ )/m, $block;
    make_path("$self->{temp}/$where");

    for my $step (@steps) {
        my ($command, $expected) = $step =~ /^\$ ((?:[^\n]*\\\n)*[^\n]*)\n(.*)\z/s or die "no command in: $step";
        my $got = $self->alike($self->run_step($command, $where));
        my $title = $command =~ s/\\\n */ /gr;
        like($got, pattern($self->alike($expected)), $title) or diag($got);
    }
    return scalar @steps;
}

sub run_step {
    my ($self, $command, $where) = @_;
    my $server = $self->{server};
    my $typed = $self->path($self->dated($command));
    my @old = $server->workers;
    # Nobody's own files, whatever the page says one day.
    for my $path ($typed =~ m{(?:^|[\s=>'])(/(?:etc|home|opt|root|srv|tmp|usr|var)\b(?!/www/html)\S*)}g) {
        die "$command: touches $path\n" if index($path, "$self->{temp}/") && index $path, project_root() . '/';
    }

    # Since 1.27.4 a reload reads no certificate anew whose file has the same inode and time, in seconds: who copies over one
    # twice in a second gets the first.
    sleep 1 if $command =~ /^cp .*tls/;

    # No terminal, so that a pass phrase is asked for where we can give it.
    my $run = run_command([ qw(setsid --wait sh -c), "exec 2>&1\n$self->{set}$typed" ], directory => "$self->{temp}/$where", timeout => 60,
        stdin => $pass_phrase x 4, env => {
            PATH => "$self->{temp}/bin:$ENV{PATH}", HPKP_POLICY => $self->path('/etc/nginx/pins.yaml'), HPKP_LEDGER => ledger_file($server),
            HPKP_TLS_DIR => $self->path('/etc/nginx/tls'), map { $_ => undef } qw(http_proxy https_proxy all_proxy ALL_PROXY) });
    $self->{set} .= "$typed\n" if $command =~ /^\w+=\S+$/;
    $server->wait_for_new_workers(@old) if $run->{exit} == 0 && $command =~ /^nginx.* -s reload$/ || $run->{out} =~ /: deployed$/m;
    return $run->{out};
}

sub alike {
    my ($self, $text) = @_;
    my $here = "$self->{temp}";
    my ($root, $port, $ledger) = (project_root(), '127.0.0.1:' . $self->{server}->port('tls'), ledger_file($self->{server}));

    $text = steady($text);
    for ($text) {
        s{\Q$here\E/(nginx|letsencrypt)\b}{/etc/$1}g;
        s{\Q$root\E\b}{/usr/share/doc/libnginx-mod-http-hpkp}g;
        s{\Q$port\E}{www.example.com:443}g;
        s{\Q$ledger\E}{/var/lib/nginx/hpkp.ledger}g;
        s/\b[0-9a-f]{64}\b/HEX/g;
        s/\b20\d\d-\d\d-\d\d\b/DAY/g;
        s/\bin \d+ (day|hour|minute|second)s?\b/in a while/g;
        s{/\S*/nginx\.conf(?: \(\S+?\))?(?::\d+)?}{NGINX}g;
        s{^\S+ \S+ \[notice\] \d+#\d+: signal process started\n}{}mg;    # ours is in its log
        s{^nginx: (?=\[)}{}mg;    # or a time stamp, once it has opened its log
    }
    return $text;
}

1;
