# Changing keys, over simulated weeks: each step is accepted on its earliest date, and refused a minute before it.
#
# A client that saw a policy keeps it for max-age, and old workers send it for five minutes more. So a key can be served
# once the last client is gone that holds a policy without it; which that is, the ledger knows.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(time_text seconds_of day);

my $grace = 300;
my $max_age = 14;    # days

sub configuration { return tls_server(cert => $_[0], extra => 'hpkp_policy pins.yaml;') }
sub pins          { return policy(pins => [ @_ ], enforce => "{max-age: ${max_age}d}") }

# A step of the operator: these pins, this certificate.
sub prepare {
    my ($server, $cert, $pins) = @_;
    $server->write('conf/pins.yaml', pins(@$pins));
    $server->configure(http => configuration($cert));
}

sub accepted_on {
    my ($server, $clock, $cert, $pins, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $server->set_clock($clock);
    prepare($server, $cert, $pins);
    my $run = $server->reload;
    findings_are($run, [], "$name: accepted");
    one_header(fetch($server, '/'), pins_header($server, max_age => $max_age * 86400, pins => $pins), "$name: its pins are sent");
    is(served($server), $server->pki->pin($cert), "$name: its key is served");
}

# Refused now, and a minute before the earliest date; the message has that date.
sub refused_until {
    my ($server, $clock, $earliest, $cert, $pins, $name) = @_;
    my ($header) = values_of(fetch($server, '/'), 'Public-Key-Pins');
    my $key = served($server);
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    prepare($server, $cert, $pins);
    for my $at ($clock, time_text(seconds_of($earliest) - 60)) {
        $server->set_clock($at);
        my $run = $server->reload_refused;
        findings_are($run, ['locks-out-clients error'], "$name: refused on $at");
        like($run->{err}, qr/would be accepted from \Q$earliest\E UTC/, "$name: it says from when on it would be accepted");
    }
    one_header(fetch($server, '/'), $header, "$name: meanwhile the old header is sent");
    is(served($server), $key, "$name: and the old key served");
}

sub served {
    my ($server) = @_;
    my $pin = output_of('sh', '-c', 'echo | openssl s_client -servername www.example.com -connect 127.0.0.1:' . $server->port('tls')
        . ' 2>/dev/null | openssl x509 -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary'
        . ' | openssl enc -base64');
    chomp $pin;
    return $pin;
}

my @first = qw(www backup-1 backup-2);
my @second = qw(backup-1 backup-2 backup-3);
my @third = qw(backup-2 backup-3 unpinned);

subtest 'to a backup, and to the backup after it' => sub {
    my $server = site(clock => day(0), pins_yaml => pins(@first))->start;

    # 1: leaf and backups. 2: a backup's key is served; every client knows it, so at any time.
    accepted_on($server, day(3), 'www-renewed', \@first, 'the backup\'s key');

    # 3: the old pin goes, a new backup comes. The key that is served is known to old and new clients.
    accepted_on($server, day(5), 'www-renewed', \@second, 'a new backup in the old key\'s place');
    my $gone = day(5 + $max_age, $grace);

    # The next change, to the new backup: not before the last client of the first policy is gone.
    refused_until($server, day(6), $gone, 'www-third', \@second, 'the new backup\'s key');
    accepted_on($server, day(6), 'www-second', \@second, 'the other backup\'s key, which all know');
    refused_until($server, day(7), $gone, 'www-third', \@second, 'the new backup\'s key again');
    accepted_on($server, $gone, 'www-third', \@second, 'the new backup\'s key on its earliest date');

    # And round again.
    accepted_on($server, day(25), 'www-third', \@third, 'another new backup');
    $gone = day(25 + $max_age, $grace);
    refused_until($server, day(26), $gone, 'www-unpinned', \@third, 'its key');
    accepted_on($server, $gone, 'www-unpinned', \@third, 'its key on its earliest date');
    $server->stop;
    $server->no_alerts;
};

subtest 'back to the old key' => sub {
    my $server = site(clock => day(0), pins_yaml => pins(@first))->start;
    accepted_on($server, day(1), 'www-renewed', \@first, 'the backup\'s key');
    accepted_on($server, day(2), 'www', \@first, 'back, while it is pinned');
    accepted_on($server, day(3), 'www-renewed', \@second, 'away, and no more pinned');
    accepted_on($server, day(4), 'www-renewed', \@first, 'pinned again');
    my $gone = day(4 + $max_age, $grace);
    refused_until($server, day(5), $gone, 'www', \@first, 'back too soon for who saw it unpinned');
    accepted_on($server, $gone, 'www', \@first, 'back');
    $server->stop;
    $server->no_alerts;
};

subtest 'through ends and starts' => sub {
    my $server = site(clock => day(0), pins_yaml => pins(@first))->start;
    accepted_on($server, day(1), 'www-renewed', \@first, 'the backup\'s key');

    # A clean stop ends what is sent: two weeks are counted from there, running or not.
    $server->set_clock(day(2));
    $server->stop;
    prepare($server, 'www-third', \@second);
    my $gone = day(2 + $max_age, $grace);
    $server->set_clock(time_text(seconds_of($gone) - 60));
    like($server->start_refused->{err}, qr/would be accepted from \Q$gone\E UTC/, 'a start a minute too soon');
    $server->set_clock($gone);
    $server->start;
    is(served($server), $server->pki->pin('backup-3'), 'a start on the earliest date');

    # After a power cut nobody knows how long it was sent: until the next start at the latest.
    $server->crash;
    $server->set_clock(day(30));
    prepare($server, 'www-third', \@third);
    $server->start;
    $gone = day(30 + $max_age, $grace);
    refused_until($server, day(31), $gone, 'www-unpinned', \@third, 'after a crash');
    accepted_on($server, $gone, 'www-unpinned', \@third, 'two weeks after the start');
    $server->stop;
};

subtest 'under a new authority' => sub {
    # Pinned by intermediate: the chain changes as a whole.
    my @a = qw(int-a backup-1 backup-2);
    my @both = qw(int-a int-b backup-1);
    my $server = site(clock => day(0), pins_yaml => pins(@a))->start;
    $server->set_clock(day(1));
    prepare($server, 'www-by-b', \@both);
    findings_are($server->reload_refused, ['locks-out-clients error'], 'the other authority at once, pinned together with it');
    accepted_on($server, day(2), 'www', \@both, 'both authorities pinned');
    my $gone = day(2 + $max_age, $grace);
    refused_until($server, day(3), $gone, 'www-by-b', \@both, 'the other authority');
    accepted_on($server, $gone, 'www-by-b', \@both, 'on its earliest date');
    $server->stop;
    $server->no_alerts;
};

done_testing;
