# HPKP::Test - what every t/*.t starts with.
#
#     use lib 't/lib';
#     use HPKP::Test;          # strict, warnings, Test::More, the server and fetch functions, a time limit
#
#     my $server = site(pins => policy(), server => 'hpkp_policy pins.yaml;');
#     is($server->test_config->{exit}, 0, 'accepted');
#
# Ready texts; all are plain templates of HPKP::Server:
#     policy(%part)            a policy file with one policy, www: pins www, backup-1, backup-2, enforced 30d.
#                              Parts: pins => [ 'name: x', ... ] (each a YAML mapping or a PKI name), enforce,
#                              report_only, guard, clients (YAML flow text), name
#     tls_server(%part)        a server block: name, port, cert, extra (directives), certs => [several]
#     site(%part)              an HPKP::Server with one tls_server and conf/pins.yaml; parts of both, and
#                              more => further text in http
#
# Findings, as nginx prints them to stderr and the log:
#     findings($text)          ({ level, id, at, says, details => [], remedy, see }, ...)
#     has_finding($run, ID, SEVERITY, at => [ 'pins.yaml:5:3', ... ], says => qr/.../, name => ...)
#                              says is matched with the sentence, the details and the remedy, a line each
#     findings_are($run, [ 'ID SEVERITY', ... ], NAME)      these ids and no others, any order
#     refused($run, NAME) / accepted($run, NAME)            exit 1 and the summary line / exit 0
#     check_cases({ case => NAME, want => [ 'ID SEVERITY', ... ], at => [...], says => qr/.../, %part_of_site }, ...)
#                              a configuration each: exactly these findings, the right exit status, and under
#                              hpkp_strict the refusal of what only warns. at and says are of the first id
# where $run is what test_config, start_refused or reload_refused returned.
# A place "pins.yaml:5:" is any column of line 5. In a case's at, "server NAME" is the place of that server.
#
# Headers:
#     pins_header(SERVER, %part)       the exact value wanted: max_age, pins => [PKI names], subdomains, report_uri
#     one_header($answer, $value, NAME)         Public-Key-Pins exactly once, with exactly this value
#     no_header($answer, NAME)                  neither header
#
# become_root();                                    for the rest of this file: begins it anew by sudo, or dies

package HPKP::Test;

use strict;
use warnings;

use HPKP::Command qw(run_command output_of need_file need_tools wait_until read_text write_text project_root build_dir);
use HPKP::Fetch qw(fetch fetch_series values_of raw_tls raw_plain parse_answer);
use HPKP::PKI;
use HPKP::Server;
use Test::More;

my $time_limit = 400;    # seconds a test file may take; the slowest needs a tenth of it

my @own = qw(become_root policy tls_server site findings has_finding findings_are check_cases refused accepted
    pins_header one_header no_header);
my @lent = qw(run_command output_of need_file need_tools wait_until read_text write_text project_root build_dir
    fetch fetch_series values_of raw_tls raw_plain parse_answer);

sub import {
    my $caller = caller;

    strict->import;
    warnings->import;
    {
        no strict 'refs';
        *{"${caller}::$_"} = \&{$_} for @own, @lent;
        eval "package $caller; use Test::More; 1" or die $@;
    }
    $SIG{ALRM} = sub { die "the test took over $time_limit s\n" };
    $SIG{$_} = sub { exit 1 } for qw(INT TERM HUP);   # so that END stops the servers
    alarm $time_limit;
}

# For what only root may do. Begins the test anew by sudo where we are not.
sub become_root {
    return if $> == 0;
    my @kept = map { "$_=$ENV{$_}" } grep { /^(?:HPKP_|PATH$|TMPDIR$|[A-Z]+SAN_OPTIONS$)/ } sort keys %ENV;
    exec qw(sudo -n env), @kept, $^X, $0 or die "this test wants root, or sudo: $!\n";
}

# ---- texts

sub policy {
    my (%part) = @_;
    my @pins = @{ $part{pins} || [qw(www backup-1 backup-2)] };
    my $name = $part{name} || 'www';
    my %mode = map { $_ => $part{$_} } grep { defined $part{$_} } qw(enforce report_only guard);
    $mode{enforce} = '{max-age: 30d}' unless %mode || $part{no_mode};

    my $text = "version: 1\npolicies:\n  $name:\n    pins:\n";
    for my $pin (@pins) {
        $text .= "      - " . ($pin =~ /:/ ? "{$pin}" : qq({name: $pin, pin-sha256: "{{pin:$pin}}"})) . "\n";
    }
    for my $mode (qw(enforce report_only guard)) {
        $text .= '    ' . ($mode =~ s/_/-/r) . ": $mode{$mode}\n" if exists $mode{$mode};
    }
    $text .= "    clients: $part{clients}\n" if $part{clients};
    return $text;
}

sub tls_server {
    my (%part) = @_;
    my $name = $part{name} // 'www.example.com';
    my $port = $part{port} || 'tls';
    my @certs = $part{certs} ? @{ $part{certs} } : $part{cert} // 'www';

    my $text = "    server {\n        listen 127.0.0.1:{{port:$port}} ssl" . ($part{listen} ? " $part{listen}" : '') . ";\n";
    $text .= "        server_name $name;\n" if length $name;
    for my $cert (@certs) {
        $text .= "        ssl_certificate {{pki}}/chains/$cert.pem;\n"
            . "        ssl_certificate_key {{pki}}/keys/{{key:$cert}}.pem;\n";
    }
    $text .= "        $_\n" for grep { length } split /\n/, $part{extra} // '';
    return "$text    }\n";
}

sub site {
    my (%part) = @_;
    my $extra = join "\n", $part{server} // 'hpkp_policy pins.yaml;', $part{extra} // '';
    my %ours = map { $_ => delete $part{$_} } qw(pins_yaml more http main workers files module log_level pki ledger clock);

    return HPKP::Server->new(
        http => ($ours{http} // '') . tls_server(%part, extra => $extra) . ($ours{more} // ''),
        files => { 'pins.yaml' => $ours{pins_yaml} // policy(), %{ $ours{files} || {} } },
        map { defined $ours{$_} ? ($_ => $ours{$_}) : () } qw(main workers module log_level pki ledger clock),
    );
}

# ---- findings

my %level_of = (error => 'emerg', warning => 'warn', note => 'notice');

sub findings {
    my ($text) = @_;
    my @findings;

    for my $line (split /\n/, $text) {
        my ($level, $rest) = $line =~ /\[(\w+)\] (?:\d+#\d+: )?(?:\*\d+ )?hpkp: (.*)$/ or next;
        if ($rest =~ /^\s+remedy: (.+)/) {
            $findings[-1]{remedy} = $1 if @findings;
        }
        elsif ($rest =~ /^\s+see: (.+)/) {
            $findings[-1]{see} = $1 if @findings;
        }
        elsif ($rest =~ /^\s+(.*)/) {
            push @{ $findings[-1]{details} }, $1 if @findings;
        }
        elsif ($rest =~ /^([a-z][a-z0-9]*(?:-[a-z0-9]+)+): (.*)$/) {
            push @findings, { level => $level, id => $1, says => $2, details => [], remedy => '', see => '' };
        }
    }
    return @findings;
}

sub has_finding {
    my ($run, $id, $severity, %want) = @_;
    my $text = ref $run ? $run->{err} : $run;
    my @same = grep { $_->{id} eq $id } findings($text);
    my $name = $want{name} || "$id is found";
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($found, @missed);
    for my $finding (@same) {
        @missed = ();
        push @missed, "level $finding->{level}" if $finding->{level} ne $level_of{$severity};
        push @missed, "no place $_" for grep { $finding->{says} !~ place_pattern($_) } @{ $want{at} || [] };
        push @missed, "does not say $want{says}"
            if $want{says} && join("\n", $finding->{says}, @{ $finding->{details} }, $finding->{remedy}) !~ $want{says};
        push @missed, 'no remedy' unless length $finding->{remedy};
        push @missed, "see: $finding->{see}" if $finding->{see} ne "docs/findings.md#$id";
        if (!@missed) { $found = $finding; last }
    }
    ok($found, $name) or diag(@same ? join('; ', @missed) : "no finding $id", "\n", $text);
    return $found;
}

# "pins.yaml:5:3" is not in "pins.yaml:5:30"; "pins.yaml:5:" is: any column.
sub place_pattern {
    my ($place) = @_;
    return $place =~ /:$/ ? qr{(?<![\w.])\Q$place\E\d} : qr{(?<![\w.])\Q$place\E(?!\d)};
}

sub findings_are {
    my ($run, $want, $name) = @_;
    my $text = ref $run ? $run->{err} : $run;
    my %severity_of = reverse %level_of;
    my %got = map { ("$_->{id} " . ($severity_of{$_->{level}} // $_->{level}) => 1) } findings($text);
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is_deeply([ sort keys %got ], [ sort @$want ], $name) or diag($text);
}

sub check_cases {
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    for my $case (@_) {
        my %case = %$case;
        my ($name, $want, $at, $says, $http) = delete @case{qw(case want at says http)};
        my $server = site(%case, http => $http);
        my $run = $server->test_config;

        findings_are($run, $want, $name);
        my ($id, $severity) = split ' ', $want->[0] // '';
        my @places = map { /^server (.*)/ ? 'in ' . $server->server_line($1) : $_ } @{ $at || [] };
        has_finding($run, $id, $severity, at => \@places, says => $says, name => "$name: place and words") if $id;

        my $errors = grep { / error$/ } @$want;
        $errors ? refused($run, "$name: refused") : accepted($run, "$name: accepted");
        next if $errors || !grep { / warning$/ } @$want;

        my $strict = site(%case, http => 'hpkp_strict on;' . ($http // ''))->test_config;
        findings_are($strict, $want, "$name: the same findings under hpkp_strict");
        refused($strict, "$name: refused under hpkp_strict");
        like($strict->{err}, qr/hpkp: 0 errors, \d+ warnings?: configuration refused.*hpkp_strict/, "$name: which says why");
    }
}

sub refused {
    my ($run, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok(!$run->{timed_out} && $run->{exit} == 1 && $run->{err} =~ /hpkp: \d+ errors?, \d+ warnings?: configuration refused/,
        $name) or diag("exit $run->{exit}\n$run->{err}");
}

sub accepted {
    my ($run, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($run->{exit}, 0, $name) or diag($run->{err});
}

# ---- headers

sub pins_header {
    my ($server, %part) = @_;
    my @parts;

    push @parts, "max-age=$part{max_age}" if defined $part{max_age};
    push @parts, map { 'pin-sha256="' . $server->pki->pin($_) . '"' } @{ $part{pins} || [qw(www backup-1 backup-2)] };
    push @parts, 'includeSubDomains' if $part{subdomains};
    push @parts, qq(report-uri="$part{report_uri}") if $part{report_uri};
    return join '; ', @parts;
}

sub one_header {
    my ($answer, $value, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply([ values_of($answer, 'Public-Key-Pins') ], [$value], $name) or diag($answer->{head});
}

sub no_header {
    my ($answer, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @sent = map { values_of($answer, $_) } qw(Public-Key-Pins Public-Key-Pins-Report-Only);
    is_deeply(\@sent, [], $name) or diag($answer->{head});
}

1;
