# HPKP::FindingsPage - the examples of docs/findings.md: what the page shows becomes the files of a server, and what nginx says of
# them becomes text as the page shows it.
#
#     my @sections = sections($page);          # { id, tests => [ NAME ], example => [ block ], mend => [ block ] }
#     my @blocks = blocks($text);              # { kind, note, text }
#     my $try = example($base, $section);      # lays out the example's files and past, runs its commands
#     my $text = said($try);                   # nginx -t: what it says, as the page would have it
#     change($try, { kind => 'nginx', text => ... })     # another block, on top of the example
#     run_block($try, $block)                  # the commands of a block, one by one; dies where one fails
#     mend($try, $section);                    # does what stands under "What to do"
#     $try->{server}                           # the HPKP::Server; $try->{exit} is nginx -t's status
#     alike($text)                             # without what differs from run to run: pins, dates, how long ago, ids of
#                                              # the ledger, lines of nginx.conf. Lines of pins.yaml stay
#
# Blocks, by the word after the fence, and what a second word (a note) says:
#     yaml    lines of pins.yaml. From "version:" on the whole file. Else what is there takes the place of what has the
#             same key or, in a list of pins, the same name, and stands beside the rest otherwise
#     nginx   likewise: a directive of the first server, or of http; or a whole server, by its port and name
#     sh      commands, run in /etc/nginx one by one; each must succeed
#     text    what nginx says; "..." is any lines. Its last line, which counts, may be left out
#     before  (yaml, nginx) the configuration of the days before, which is now replaced
#     elsewhere  (sh) run in another directory; the requests that are made there are copied to /etc/nginx afterwards
#
# A line <!-- test: NAME --> above the example asks for what cannot be shown in it, see %special.

package HPKP::FindingsPage;

use strict;
use warnings;

use Exporter qw(import);
use File::Copy qw(copy);
use File::Path qw(make_path);
use HPKP::Command qw(run_command output_of);
use HPKP::DocsPKI;
use HPKP::Ledger qw(tool ledger_file day);
use HPKP::Server;
use HPKP::Transcript qw(steady);
use MIME::Base64 qw(encode_base64);

our @EXPORT_OK = qw(sections blocks example said mend change run_block alike);

# By name. ledger, clock: of HPKP::Server. before: the configuration of before was served, from day 10 on; later: until so
# many days later, or it still is (runs). change: another configuration; prepare: other files; as: who runs nginx -t.
my %special = (
    'new ledger'   => { ledger => 'fresh' },
    'many pins'    => { change => \&many_pins },
    'last month'   => { clock => day(790) },
    'still sent'   => { before => 1, runs => 1, later => 9 },
    'clock'        => { before => 1, later => -2 },
    'other user'   => { prepare => \&for_other_user, as => [qw(setpriv --reuid 65534 --regid 65534 --clear-groups --)] },
    'backup key'   => { prepare => \&leave_backup_key },
);

# Commands that are the machine's affair: here they do nothing.
my @left_out = qw(fuser scp);

sub sections {
    my ($page) = @_;
    my @sections;

    for my $part (split /^(?=#{1,3} )/m, $page) {
        my ($id, $text) = $part =~ /^### `([a-z-]+)`\n(.*)/s or next;
        my ($example, $mend) = $text =~ /^\*\*Example\.?\*\*(.*)^\*\*What to do\.?\*\*(.*)/ms
            or die "$id: no example, or nothing to do\n";
        push @sections, { id => $id, example => [ blocks($example) ], mend => [ blocks($mend) ],
            tests => [ $text =~ /^<!-- test: (.*?) -->$/mg ] };
    }
    return @sections;
}

sub blocks {
    my ($text) = @_;
    my @blocks;
    push @blocks, { kind => $1, note => $2 // '', text => $3 } while $text =~ /^```(\w+)(?: (\w+))?\n(.*?)^```$/msg;
    return @blocks;
}

# ---- from the page to files

# What stands at `indent` in $base: the parts of $part replace those of the same key, or follow them.
sub merged {
    my ($base, $part, $indent, $key) = @_;
    my $lines = sub { return split /^(?= {0,$indent}[^\s#])/m, $_[0] };
    my @parts = $lines->($base);

    for my $new ($lines->($part)) {
        my ($name) = $new =~ $key or die "no key in: $new";
        my @level = grep { $parts[$_] =~ /^ {$indent}\S/ } 0 .. $#parts;
        my ($at) = grep { $parts[$_] =~ $key && $1 eq $name } @level;
        if (defined $at) { $parts[$at] = $new }
        else             { splice @parts, $level[-1] + 1, 0, $new }
    }
    return join '', @parts;
}

sub merge_yaml {
    my ($conf, $part) = @_;

    if ($part =~ /^version:/m) { $conf->{yaml} = $part }
    elsif ($part =~ /^ {6}- /) { $conf->{yaml} = merged($conf->{yaml}, $part, 6, qr/^ +- \{name: ([^,}]+)/) }
    elsif ($part =~ /^ {4}\S/) { $conf->{yaml} = merged($conf->{yaml}, $part, 4, qr/^ +([\w-]+):/) }
    else                       { $conf->{yaml} = merged($conf->{yaml}, $part, 0, qr/^([\w-]+):/) }
}

sub merge_nginx {
    my ($conf, $part) = @_;

    while ($part =~ s/^ *(server \{\n.*?^ *\}\n)//ms) {
        my $server = $1;
        my ($at) = grep { which($conf->{servers}[$_]) eq which($server) } 0 .. $#{ $conf->{servers} };
        $conf->{servers}[ $at // @{ $conf->{servers} } ] = $server;
    }
    for my $line (grep { /\S/ } split /^/m, $part) {
        my ($name) = $line =~ /^\s*(\w+)/ or next;
        my $text = $name =~ /^hpkp_(?:ledger|lockout|strict)$/ ? \$conf->{http} : \$conf->{servers}[0];
        if ($$text !~ s/^[ ]*$name\b.*\n/$line/m) { $$text =~ s/(^\}\n)?\z/$line . ($1 \/\/ '')/me }
    }
}

sub which { return join ' ', $_[0] =~ /^ *(?:listen|server_name) ([^\s;]+)/mg }

sub merge {
    my ($conf, @blocks) = @_;
    for my $block (@blocks) {
        merge_yaml($conf, $block->{text}) if $block->{kind} eq 'yaml';
        merge_nginx($conf, $block->{text}) if $block->{kind} eq 'nginx';
    }
    return $conf;
}

# The page's places are Debian's; every port is one of ours.
sub placed {
    my ($text) = @_;
    return $text =~ s{/etc/nginx\b}{{{prefix}}/conf}gr =~ s{/var/lib/nginx\b}{{{prefix}}/ledger}gr
        =~ s/\blisten (\d+)/listen 127.0.0.1:{{port:p$1}}/gr;
}

sub http_of { my ($conf) = @_; return placed(join '', $conf->{http}, @{ $conf->{servers} }) }

sub install {
    my ($server, $conf) = @_;
    $server->write('conf/pins.yaml', placed($conf->{yaml}));
    $server->configure(http => http_of($conf));
}

# ---- an example

sub plain { my ($base) = @_; return merge({ yaml => '', http => '', servers => [] }, @$base) }

sub example {
    my ($base, $section) = @_;
    my %asked = map { %{ $special{$_} // die "no such test: $_\n" } } @{ $section->{tests} };
    my @before = grep { $_->{note} eq 'before' } @{ $section->{example} };
    my $past = $asked{before} || @before;

    my $conf = merge(plain($base), @before);
    my $server = HPKP::Server->new(pki => HPKP::DocsPKI->new, http => http_of($conf), ledger => $asked{ledger},
        clock => $past ? day(10) : $asked{clock}, files => { 'pins.yaml' => placed($conf->{yaml}) });
    $server->pki->lay_out($server->file('conf'));
    put_commands($server);

    if ($past) {
        $server->start;
        $server->stop if !$asked{runs};
        $server->set_clock(day(10 + ($asked{later} // 1)));
    }
    $conf = merge(plain($base), grep { $_->{note} ne 'before' } @{ $section->{example} });
    $asked{change}->($conf) if $asked{change};
    install($server, $conf);
    $asked{prepare}->($server, $conf) if $asked{prepare};

    my $try = { server => $server, conf => $conf, as => $asked{as} };
    run_block($try, $_) for grep { $_->{kind} eq 'sh' } @{ $section->{example} };
    return $try;
}

sub change {
    my ($try, @blocks) = @_;
    merge($try->{conf}, @blocks);
    install($try->{server}, $try->{conf});
}

sub mend {
    my ($try, $section) = @_;
    change($try, @{ $section->{mend} });
    run_block($try, $_) for grep { $_->{kind} eq 'sh' } @{ $section->{mend} };
    delete $try->{as};
}

# nginx and hpkp as the reader types them: the server's own, by its clock, with its ledger.
sub put_commands {
    my ($server) = @_;
    my $clock = join ' ', $server->by_its_clock($ENV{HPKP_PRELOAD} // '');
    my $nginx = join ' ', $server->command;
    my $ledger = ledger_file($server);
    my $hpkp = tool();
    my %command = map { $_ => "exit 0\n" } @left_out;

    # There is no server to reload; a reload begins with the same checks.
    $command{nginx} = <<"END";
case "\$*" in -t | "-s reload") exec $nginx -t ;; esac
echo "nginx \$*: not in this test" >&2
exit 2
END
    $command{sudo} = "exec \"\$@\"\n";
    $command{hpkp} = <<"END";
case " \$* " in
*" --ledger "* | *" --help "* | " pin "* | " init "* | " analyse "*) ;;
*) set -- "\$@" --ledger $ledger ;;
esac
exec $clock $hpkp "\$@"
END
    for my $name (keys %command) {
        $server->write("bin/$name", "#!/bin/sh\n$command{$name}");
        chmod 0755, $server->file("bin/$name");
    }
}

sub run_block {
    my ($try, $block) = @_;
    my $server = $try->{server};
    my $elsewhere = $block->{note} eq 'elsewhere';
    my $directory = $server->file($elsewhere ? 'elsewhere' : 'conf');
    make_path($directory);

    for my $line (split /\n/, $block->{text}) {
        my $command = $server->fill_in(placed($line));
        $command =~ s/\b[0-9a-f]{16}\b/$try->{ledger_id} \/\/ die "no id in the message\n"/ge;
        # Nobody's own files, whatever the page says one day.
        for my $path ($command =~ m{(?:^|[\s="'])(/(?!etc/ssl/|dev/null|CN=)\S*)}g) {
            die "$line: touches $path\n" if index $path, $server->prefix;
        }
        my $run = run_command([ 'sh', '-euc', $command ], directory => $directory,
            env => { PATH => $server->file('bin') . ":$ENV{PATH}" });
        die "$line: exit $run->{exit}\n$run->{out}$run->{err}" if $run->{exit} != 0;
    }
    return if !$elsewhere;
    copy($_, $server->file('conf')) or die "copy: $!\n" for glob "$directory/*.csr";
}

sub for_other_user {
    my ($server, $conf) = @_;
    copy($server->{module}, $server->file('module.so')) or die "copy: $!\n";
    $server->configure(module => $server->file('module.so'), http => http_of($conf));
    chmod 0777, $server->prefix;
    output_of('chmod', '-R', 'a+rwX', map { $server->file($_) } qw(logs temp));
    output_of('chmod', '-R', 'a+rX', map { $server->file($_) } qw(conf module.so));
    chmod 0755, $server->file('ledger');
}

sub leave_backup_key {
    my ($server) = @_;
    copy($server->pki->dir . '/keys/backup-1.pem', $server->file('conf/backup-1.key')) or die "copy: $!\n";
}

# The pin of 2001, and seventeen more. A remark stands where they are left out.
sub many_pins {
    my ($conf) = @_;
    my ($shown, $year, $pin, $rest) = $conf->{yaml} =~ /^(( +- .*)2001(.*")[^"]*(".*\n) +#.*\n)/m;
    die "no pin of 2001\n" if !$shown;
    my $all = join '', map { $year . $_ . $pin . encode_base64(chr($_ % 256) x 32, '') . $rest } 2001 .. 2018;

    $conf->{yaml} =~ s/\Q$shown\E/$all/;
}

# ---- what nginx says

# A note goes to the log alone.
sub said {
    my ($try) = @_;
    my $server = $try->{server};
    my $mark = $server->log_mark;
    my $run = $server->test_config(before => $try->{as});
    my $text = $run->{err} . join '', grep { /\[notice\]/ } map { "$_\n" } split /\n/, $server->log_since($mark);

    $try->{exit} = $run->{exit};
    my ($conf, $ledger) = map { $server->file($_) } qw(conf ledger);
    my @lines = map { /(\[\w+\]) (?:\d+#\d+: )?(hpkp: .*)/ ? "$1 $2\n" : () } split /\n/, $text;
    my $said = join '', grep { !/hpkp: \d+ errors?, \d+ warnings?: configuration refused/ } @lines;
    $said =~ s{\Q$conf\E/nginx\.conf \(\S+\)}{/etc/nginx/nginx.conf (/usr/share/nginx/)}g;
    $said =~ s{\Q$conf\E}{/etc/nginx}g;
    $said =~ s{\Q$ledger\E}{/var/lib/nginx}g;
    ($try->{ledger_id}) = $said =~ /\b([0-9a-f]{16})\b/;
    return $said;
}

# What is another in every run, or on every machine.
sub alike {
    my ($text) = @_;
    return steady($text) =~ s/\b\d+( (?:day|hour|minute|second))s?( ago|\))/N$1s$2/gr =~ s{nginx\.conf:\d+}{nginx.conf:N}gr;
}

1;
