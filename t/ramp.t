# max-age as a ramp: workers step the value by themselves, at the right second; it is counted from the first time that a
# policy of this name was enforced for the host, through reloads, ends, crashes and changes of pins.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(entries time_text day);

my $ramp = '{max-age: {ramp: [{for: 1h, value: 5m}, {for: 1d, value: 1h}, {value: 7d}]}}';
my ($hour, $day) = (3600, 86400);
my ($low, $middle, $high) = (300, $hour, 7 * $day);

sub ramp_site { return site(clock => day(0), pins_yaml => policy(enforce => $ramp), listen => 'http2', @_) }

sub value_is {
    my ($server, $seconds, $value, $name, %part) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $server->set_clock(day(0, $seconds)) if defined $seconds;
    my %option = map { $_ => delete $part{$_} } grep { exists $part{$_} } qw(host http);
    one_header(fetch($server, '/', %option), pins_header($server, max_age => $value, %part), $name);
}

subtest 'in running workers' => sub {
    my $server = ramp_site(workers => 2, extra => 'hpkp_emit every-response;');
    findings_are($server->test_config, [], 'accepted');
    $server->start;
    my @workers = $server->workers;
    my @steps = ([ 0, $low ], [ $hour - 1, $low ], [ $hour, $middle ], [ $hour + $day - 1, $middle ], [ $hour + $day, $high ],
        [ 60 * $day, $high ]);
    for my $step (@steps) {
        my ($seconds, $value) = @$step;
        # Whichever of the two workers answers.
        value_is($server, $seconds, $value, "after $seconds s, max-age=$value", http => $_) for qw(1.1 1.1 1.1 2 2);
    }
    is(join(' ', $server->workers), "@workers", 'by the workers of the start');
    $server->stop;

    # From the first step to the last at once, as where nobody came meanwhile; and in a worker that is born late.
    $server = ramp_site()->start;
    value_is($server, $hour + $day, $high, 'two steps at once');
    $server->stop;
    $server = ramp_site()->start;
    $server->set_clock(day(0, 2 * $hour));
    $server->kill_worker($server->workers);
    value_is($server, undef, $middle, 'in a worker born after the first step');
    $server->stop;
    $server->no_alerts;
};

subtest 'with a clock that runs' => sub {
    # Ten minutes a second: the first step comes after six seconds at most.
    my $server = ramp_site(clock => '@' . day(0) . ' x600')->start;
    my @seen;
    wait_until(sub {
        my ($value) = join(' ', values_of(fetch($server, '/'), 'Public-Key-Pins')) =~ /max-age=(\d+)/;
        push @seen, $value if !@seen || $seen[-1] != $value;
        return $value == $middle;
    }, 20);
    is("@seen", "$low $middle", 'the value rises by itself');
    $server->stop;
    $server->no_alerts;
};

subtest 'where it is counted from' => sub {
    my $server = ramp_site()->start;
    $server->set_clock(day(0, $hour / 2));
    $server->reload;
    value_is($server, $hour - 1, $low, 'a reload does not begin it anew');
    value_is($server, $hour, $middle, 'nor is it late after one');

    $server->set_clock(day(0, 2 * $hour));
    $server->stop;
    $server->set_clock(day(0, 3 * $hour));
    $server->start;
    value_is($server, undef, $middle, 'an end and a start');
    $server->crash;
    $server->start;
    value_is($server, undef, $middle, 'a crash');

    $server->write('conf/pins.yaml', policy(enforce => $ramp, pins => [qw(www backup-2 backup-3)]));
    $server->reload;
    value_is($server, undef, $middle, 'other pins', pins => [qw(www backup-2 backup-3)]);
    value_is($server, $hour + $day, $high, 'which step in time', pins => [qw(www backup-2 backup-3)]);

    # Gone for a week, and with a value of its own in between: still the policy of that name.
    $server->configure(http => tls_server());
    $server->reload;
    $server->set_clock(day(8));
    $server->write('conf/pins.yaml', policy(enforce => '{max-age: {ramp: [{for: 5d, value: 1m}, {for: 10d, value: 2m}, {value: 3m}]}}'));
    $server->configure(http => tls_server(extra => 'hpkp_policy pins.yaml;'));
    $server->reload;
    value_is($server, undef, 120, 'another ramp under that name');

    # A new name is a new ramp.
    $server->write('conf/pins.yaml', policy(name => 'new', enforce => $ramp));
    $server->reload;
    value_is($server, undef, $low, 'a new name');
    value_is($server, 8 * $day + $hour, $middle, 'which is counted from its own begin');
    $server->stop;
    $server->no_alerts;
};

subtest 'each host by itself' => sub {
    my $server = ramp_site()->start;
    my $second = tls_server(name => 'other.example.com', cert => 'both', extra => 'hpkp_policy pins.yaml;');
    my @pins = (pins => [qw(www both backup-1 backup-2)]);
    $server->write('conf/pins.yaml', policy(enforce => $ramp, @pins));
    $server->configure(http => tls_server(extra => 'hpkp_policy pins.yaml;') . $second);
    $server->set_clock(day(0, 2 * $hour));
    $server->reload;
    value_is($server, undef, $middle, 'the host of before', @pins);
    value_is($server, undef, $low, 'a host that comes later begins later', host => 'other.example.com', @pins);
    value_is($server, 3 * $hour, $middle, 'and steps later', host => 'other.example.com', @pins);
    $server->stop;
    $server->no_alerts;
};

# Whom it would lock out is counted with what was in force when it was sent last, by old workers that drain for five
# minutes: they step the value too.
subtest 'in the ledger' => sub {
    my $held = sub { time_text((entries($_[0], host => 'www.example.com'))[0]{'held-until'}) };
    for my $case ([ $hour - 301, $low ], [ $hour - 300, $middle ], [ $hour, $middle ], [ $hour + $day, $high ]) {
        my ($seconds, $value) = @$case;
        my $server = ramp_site()->start;
        $server->set_clock(day(0, $seconds));
        is($held->($server), day(0, $seconds + $value + 300), "sent after $seconds s");
        $server->stop;
        is($held->($server), day(0, $seconds + $value + 300), 'and not any more');

        $server->configure(http => tls_server(cert => 'www-unpinned'));
        $server->set_clock(day(0, $seconds + $value + 300 - 60));
        has_finding($server->test_config, 'locks-out-clients', 'error',
            says => qr/until \Q@{[ day(0, $seconds + $value + 300) ]}\E UTC/, name => 'refused a minute before');
        $server->set_clock(day(0, $seconds + $value + 300));
        findings_are($server->test_config, [], 'accepted then');
    }
};

# The clock is ahead for a while, and nobody loads anything meanwhile: what a worker sent then is known to the next load.
subtest 'a clock that is ahead between two loads' => sub {
    my $held = sub { time_text((entries($_[0], host => 'www.example.com'))[0]{'held-until'}) };
    my $jumped = sub {
        my $server = ramp_site(@_)->start;
        value_is($server, 10 * $day, $high, 'the last value, by a clock that is ahead');
        value_is($server, 60, $low, 'and the first again');
        return $server;
    };

    my $server = $jumped->();
    $server->stop;
    is($held->($server), day(0, 60 + 300 + $high), 'at the end');
    $server->configure(http => tls_server(cert => 'www-unpinned'));
    has_finding($server->test_config, 'locks-out-clients', 'error', says => qr/until \Q@{[ day(0, 60 + 300 + $high) ]}\E UTC/, name => 'clients remember');

    $server = $jumped->(workers => 2);
    $server->configure(http => tls_server(cert => 'www-unpinned'));
    has_finding({ err => $server->hup_refused }, 'locks-out-clients', 'error', says => qr/until \Q@{[ day(0, 60 + 300 + $high) ]}\E UTC/,
        name => 'at a reload');
    $server->configure(http => tls_server(extra => 'hpkp_policy pins.yaml;'));
    $server->hup;
    is($held->($server), day(0, 60 + 300 + $high), 'a reload writes it down');
    # What begins later has nothing to do with it.
    $server->write('conf/pins.yaml', policy(name => 'new', enforce => $ramp));
    $server->reload for 1, 2;
    my ($new) = grep { $_->{policy}{policy} eq 'new' } entries($server, host => 'www.example.com');
    is(time_text($new->{'held-until'}), day(0, 60 + 300 + $low), 'a policy of later');
    $server->crash;
    my ($old) = grep { $_->{policy}{policy} eq 'www' } entries($server, host => 'www.example.com');
    is(time_text($old->{'held-until'}), day(0, 60 + 300 + $high), 'and through a crash');
    $server->no_alerts;

    # A load by such a clock knows it itself, though it has nothing new to record.
    $server = ramp_site()->start;
    $server->set_clock(day(10));
    $server->reload;
    value_is($server, 60, $high, 'the last value stays: the load was by the clock that is ahead');
    $server->reload;
    $server->stop;
    is($held->($server), day(0, 60 + 300 + $high), 'a load by a clock that is ahead');
    $server->no_alerts;
};

done_testing;
