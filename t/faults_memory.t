# Memory that runs out anywhere in a load: nginx says no, or loads what it always loads. It does not crash, sends no half
# of a header, and does not let through what it would have refused.
#
# By t/tools/memory_fault.c. Every allocation in turn is long: a part is tried, the first ones and some of the rest. By
# hand, all of them (hours): HPKP_ALL_FAULTS=1 prove -I t/lib t/faults_memory.t

use lib 't/lib';
use HPKP::CrossPKI;
use HPKP::Faults qw(failing with_faults points reload_either);
use HPKP::Ledger qw(ledger_tool entries entry_text);
use HPKP::Test;

plan skip_all => 'a sanitizer has a malloc of its own' if $ENV{HPKP_PRELOAD};
alarm 6 * 3600 if $ENV{HPKP_ALL_FAULTS};

# With a store of its own, so that the system's is not read a thousand times.
sub trusting { return pins_yaml => "trust: {test: {{pki}}/roots.pem}\n" . policy(@_) }

# nginx -t of it, once for each allocation. $wrong->($run) is what must not come of it.
sub try_all {
    my ($server, $name, $wrong, %option) = @_;
    my ($first, $rest) = delete @option{qw(first rest)};
    my $whole = failing($server, %option);
    my (@crashed, @silent, @wrong, $untouched, $refused);
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @points = points($whole->{seen}, first => $first, rest => $rest);
    for my $point (@points) {
        my $run = failing($server, %option, at => $point);
        my $said = $run->{err} =~ s/^/    /gmr;
        push @crashed, "$point: signal $run->{signal}, timed out $run->{timed_out}\n$said"
            if $run->{signal} || $run->{timed_out} || $run->{exit} > 1 || $said =~ /ended by signal|unexpected error/;
        push @silent, "$point\n$said" if $run->{exit} != 0 && $said !~ /\[emerg\].*hpkp: |test failed/;
        push @wrong, "$point\n$said" if $wrong->($run, $whole);
        $untouched++ if !$run->{failed};
        $refused++ if $run->{exit} == 1;
    }
    is(join('', @crashed), '', "$name: no crash at " . @points . " of $whole->{seen} allocations");
    is(join('', @silent), '', "$name: who says no says it");
    is(join('', @wrong), '', "$name: as it should");
    is($untouched // 0, 0, "$name: each of them failed");
    return $refused // 0;
}

my $same_or_refused = sub { my ($run, $whole) = @_; return $run->{exit} == 0 && $run->{err} ne $whole->{err} };
my $accepted = sub { return $_[0]{exit} != 1 };

subtest 'a load that would pass' => sub {
    my $server = site(trusting());
    accepted(failing($server), 'it passes');
    cmp_ok(try_all($server, 'one fails', $same_or_refused, first => 40, rest => 15), '>', 45, 'most are needed');
    cmp_ok(try_all($server, 'all fail from there on', $same_or_refused, on => 1, first => 8, rest => 8), '>', 12, 'most are needed');
    try_all($server, 'one of a library\'s', sub { return 0 }, below => 1, first => 5, rest => 15);
};

# Without memory, and SQLite without memory, it must not look as if there were no path, or nothing in the ledger.
subtest 'a load that is refused' => sub {
    my $pki = HPKP::CrossPKI->new;
    my $server = site(pki => $pki, cert => 'www-both', trusting(pins => [qw(root-a backup-1 backup-2)]));
    refused(failing($server), 'a path does not match, and another does');
    try_all($server, 'two paths', $accepted, first => 10, rest => 20);

    $server = site(trusting())->start;
    $server->stop;
    $server->configure(http => tls_server(cert => 'www-unpinned', extra => 'hpkp_policy pins.yaml;'));
    $server->write('conf/pins.yaml', { trusting(pins => [qw(int-b backup-2 backup-3)]) }->{pins_yaml});
    # Clients hold backup-2 too, but it is in no chain.
    findings_are(failing($server), ['locks-out-clients error'], 'only what clients remember is against it');
    try_all($server, 'the ledger', $accepted, below => 1, first => 5, rest => 20);
};

# The child that judges writes its result into memory that it shares with the master, and is killed in the middle of it.
subtest 'shared memory' => sub {
    my $names = join '', map { "  p$_: {pins: [], enforec: {}}\n" } 1 .. 200;
    my $server = site(pins_yaml => "version: 1\npolicies:\n$names", server => 'hpkp_policy pins.yaml p1;');
    refused($server->test_config, 'hundreds of lines');
    for my $pages (1 .. 4, 12) {
        my $run = failing($server, pages => $pages);
        is($run->{signal}, 0, "$pages pages: nginx lives");
        like($run->{err}, qr/hpkp: the checks ended by signal/, "$pages pages: and says no");
    }
};

sub answer { my ($server, $path, %option) = @_; return eval { fetch($server, $path, may_fail => 1, %option) } || { status => 0, headers => [] } }
sub sent { return join ' | ', values_of($_[0], 'Public-Key-Pins') }

subtest 'a start' => sub {
    my $server = site(trusting());
    my $header = pins_header($server, max_age => 2592000);
    my $whole = with_faults(sub { $server->start; $server->stop });
    my @wrong;
    my @points = points($whole->{seen}, first => 2, rest => 6);

    for my $point (@points) {
        my $counts = with_faults(sub {
            if (my $ended = $server->launch) {
                push @wrong, "$point: exit $ended->{exit}, signal $ended->{signal}" if $ended->{exit} != 1;
                return;
            }
            my $answer = answer($server, '/');
            push @wrong, "$point: status $answer->{status}, sent " . sent($answer) if $answer->{status} != 200 || sent($answer) ne $header;
            $server->stop;
        }, at => $point);
        push @wrong, "$point: none has failed" if !$counts->{failed};
    }
    is(join("\n", @wrong), '', 'it serves as ever, or not at all: ' . @points . " of $whole->{seen} allocations");
    no_harm($server, $header);
};

# Here the ledger is written, too.
subtest 'a reload' => sub {
    my $server = site(trusting());
    my ($old, $new) = (pins_header($server, max_age => 2592000), pins_header($server, max_age => 2592000, pins => [qw(www backup-2 backup-3)]));
    my (@wrong, $points);

    with_faults(sub {
        my ($strike) = @_;
        $server->start;
        my $far = 1_000_000;
        $strike->($far);
        $server->hup;
        my (undef, $left) = $strike->(0);
        my $all = $far - $left;

        my @points = points($all, first => 2, rest => 14);
        $points = @points . " of $all allocations";
        my $header = $old;
        for my $point (@points) {
            my $other = $header eq $old ? $new : $old;
            $server->write('conf/pins.yaml', { trusting(pins => $header eq $old ? [qw(www backup-2 backup-3)] : [qw(www backup-1 backup-2)]) }->{pins_yaml});
            $strike->($point);
            my $taken = reload_either($server);
            my ($failed) = $strike->(0);
            push @wrong, "$point: nothing failed" if !$failed;
            $header = $other if $taken;
            my $answer = answer($server, '/');
            push @wrong, "$point: taken: $taken, sent " . sent($answer) if sent($answer) ne $header;
        }
        $server->write('conf/pins.yaml', { trusting() }->{pins_yaml});
        $server->hup;
        $server->stop;
    });
    is(join("\n", @wrong), '', "the one policy or the other is sent: $points");
    no_harm($server, $old);
};

# Requests until there is none that would fail: of the header, of a connection's memory, of a check at run time (the other
# server's leaf has been checked by no load).
subtest 'a worker' => sub {
    my $server = site(trusting(), listen => 'http2', extra => "hpkp_emit once-per-connection;\nlocation /pin { return 200 \"\$hpkp_pin\\n\"; }",
        more => tls_server(name => 'other.example.com', cert => 'other'));
    my $header = pins_header($server, max_age => 2592000);
    my @asked = ([ '/', http => '1.1' ], [ '/pin', http => '2' ], [ '/', sni => 'other.example.com' ], [ '/nowhere', http => '1.0' ]);
    my (@wrong, $tried);

    with_faults(sub {
        my ($strike) = @_;
        $server->start;
        my @workers = $server->workers;
        for my $ask (@asked) {
            for my $point (1 .. 1000) {
                $strike->($point);
                my $answer = answer($server, @$ask);
                my ($failed) = $strike->(0);
                push @wrong, "@$ask: $point: sent " . sent($answer) if sent($answer) ne '' && sent($answer) ne $header;
                last if !$failed;
                $tried++;
            }
        }
        is(join(' ', $server->workers), "@workers", 'the worker lives');
        is(sent(answer($server, '/')), $header, 'and serves');
        $server->stop;
    });
    is(join("\n", @wrong), '', 'a whole header or none');
    cmp_ok($tried // 0, '>', 10, "$tried allocations failed");
    $server->no_alerts;
};

done_testing;

# Afterwards all is as ever, the ledger included.
sub no_harm {
    my ($server, $header) = @_;
    is(ledger_tool($server, 'show')->{exit}, 0, 'the ledger can be read');
    $server->start;
    is(sent(answer($server, '/')), $header, 'all is well afterwards');
    my @open = grep { $_->{open} } entries($server, host => 'www.example.com');
    is(join(', ', map { entry_text($_) } @open), 'www.example.com www open', 'the ledger has what is sent');
    $server->stop;
    $server->no_alerts;
}
