# HPKP::Ledger - the ledger of a test's server, as its operator sees it: by build/hpkp, never by a look into the file.
#
#     my $server = site(ledger => 'fresh');     # no file yet. Else the hosts are seasoned: each has had a report-only
#                                               # policy and a change of key, so that no advice about that is due
#     ledger_file($server)                      # where it lies
#     my $run = ledger_tool($server, 'show', '--all');          # by the server's clock: {exit, out, err}
#     my @entries = entries($server, host => 'www.example.com') # of show --all --format json, oldest first; host may
#                                               # be left out. Each: id, host, instance, open, first-sent, last-sent,
#                                               # held-until, forgotten, policy => { policy, pins, max-age, ... }
#     entry_text($entry)                        # "www.example.com www open", "... closed", "... forgotten"
#     time_text($seconds), seconds_of($text)    # "2026-11-24 22:00:00", UTC, and back
#     day(30), day(30, -60)                     # such a text: noon of that day, and a minute before; for clocks. Day 0 is
#                                               # the first whole day of the test certificates, which live 800
#
# The library seasons a ledger for each nginx.conf: season($server, $http).

package HPKP::Ledger;

use strict;
use warnings;

use Exporter qw(import);
use File::Copy qw(copy);
use File::Temp ();
use HPKP::Command qw(run_command output_of need_file build_dir write_text);
use JSON::PP ();
use POSIX qw(strftime);
use Time::Local qw(timegm);

our @EXPORT_OK = qw(ledger_file ledger_tool entries entry_text time_text seconds_of day season tool);

sub tool { return need_file(build_dir() . '/hpkp', 'build it: cmake -S . -B build && cmake --build build') }

sub ledger_file { return $_[0]->file('ledger/hpkp.ledger') }

sub ledger_tool {
    my ($server, $command, @arguments) = @_;
    return run_command([ $server->by_its_clock($ENV{HPKP_PRELOAD} // ''), tool(), 'ledger', $command,
            '--ledger', ledger_file($server), @arguments ]);
}

sub entries {
    my ($server, %option) = @_;
    my $run = ledger_tool($server, 'show', '--all', '--format', 'json', $option{host} ? ('--host', $option{host}) : ());

    die "hpkp ledger show: exit $run->{exit}\n$run->{err}" if $run->{exit} != 0;
    my $shown = JSON::PP::decode_json($run->{out});
    # Within a second, what is sent still comes last.
    return sort { $a->{'first-sent'} <=> $b->{'first-sent'} || $a->{host} cmp $b->{host} || $a->{open} <=> $b->{open} }
        @{ $shown->{entries} };
}

sub entry_text {
    my ($entry) = @_;
    my $state = defined $entry->{forgotten} ? 'forgotten' : $entry->{open} ? 'open' : 'closed';
    return "$entry->{host} $entry->{policy}{policy} $state";
}

sub time_text { return strftime('%Y-%m-%d %H:%M:%S', gmtime $_[0]) }

sub seconds_of {
    my ($text) = @_;
    my ($year, $month, @rest) = $text =~ /^(\d+)-(\d+)-(\d+) (\d+):(\d+):(\d+)/ or die "no time: $text\n";
    return timegm(reverse(@rest), $month - 1, $year);
}

my $day_0;

sub day {
    my ($days, $seconds) = @_;

    $day_0 //= do {
        require HPKP::PKI;
        my ($start) = output_of(qw(openssl x509 -noout -startdate -dateopt iso_8601 -in), HPKP::PKI->new->dir . '/certs/www.pem')
            =~ /^notBefore=(\S+)/ or die "no start date\n";
        seconds_of("$start 12:00:00") + 86400;
    };
    return time_text($day_0 + $days * 86400 + ($seconds // 0));
}

my %template;    # ledgers by the hosts that they know
my $templates;

# Lets the ledger know every host that has not been seen in an nginx.conf of this server before.
sub season {
    my ($server, $http) = @_;
    my @named = grep { /^(?:\*?\.)?[a-z0-9][a-z0-9.-]*$/i && !/^[\d.]+$/ } map { split ' ' } $http =~ /\bserver_name\s+([^;]*);/g;
    my @hosts = map { /^\.(.*)/ ? ($1, "*.$1") : $_ } @named, map { split ' ', $_->[3] } $server->pki->leaves;
    my @new = sort grep { !$server->{seasoned}{$_}++ } map { lc } @hosts;
    my $path = ledger_file($server);

    return if !@new;
    return import_hosts($path, @new) if -e $path;

    # Made once for the servers of a test file, each of which has a copy in a directory of its own.
    $templates //= File::Temp->newdir('hpkp-t-ledgers-XXXXXX', TMPDIR => 1);
    my $made = $template{"@new"} //= do {
        my $file = "$templates/" . keys %template;
        import_hosts($file, @new);
        $file;
    };
    copy($made, $path) or die "$path: $!\n";
    chmod 0600, $path;
}

sub import_hosts {
    my ($path, @hosts) = @_;
    my @lines;

    for my $host (@hosts) {
        # A server_name's wildcard covers any depth, a certificate's one label.
        for my $one_label ($host =~ /^\*/ ? (0, 1) : (0)) {
            my %line = (version => 1, host => $host, 'one-label' => $one_label ? JSON::PP::true : JSON::PP::false);
            push @lines, { %line, type => 'history', policy => 'earlier', enforced => JSON::PP::false, 'first-sent' => 1,
                'last-sent' => 1, 'last-max-age' => 0 };
            push @lines, { %line, type => 'key', 'first-seen' => $_, 'pin-sha256' => ($_ x 42) . 'A=' } for 1, 2;
        }
    }
    my $text = join '', map { JSON::PP->new->canonical->encode($_) . "\n" } @lines;
    my $run = run_command([ tool(), 'ledger', 'import', '--ledger', $path, '-' ], stdin => $text);
    die "hpkp ledger import: exit $run->{exit}\n$run->{err}" if $run->{exit} != 0;
}

1;
