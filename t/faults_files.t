# Files that change while they are read: a load sees the one version or the other, or is refused with a reason. What is
# checked is what is served, even where the file of the certificate is another one by then.

use lib 't/lib';
use HPKP::Faults qw(reload_either);
use HPKP::Test;
use POSIX ();
use Time::HiRes qw(sleep);

need_tools('strace');
my $policy = 'hpkp_policy pins.yaml;';
my $rounds = $ENV{HPKP_ROUNDS} || 12;    # of each kind, at least

# Changes the file between these texts without a pause until the function that it returns is called: at once by a rename,
# as it should be done, and as an editor or cp does it, which empties the file and fills it bit by bit.
sub changing {
    my ($file, @texts) = @_;
    my $test = $$;
    my $pid = fork // die "fork: $!";
    return sub { kill KILL => $pid; waitpid $pid, 0 } if $pid;

    my $end = time + 120;
    for (my $n = 0; getppid == $test && time < $end; $n++) {
        my $text = $texts[ $n % @texts ];
        write_text($file, $text);
        sleep 0.004;
        open my $out, '>', $file or POSIX::_exit(1);
        for my $at (map { $_ * (length($text) + 2) / 3 } 0 .. 2) {
            syswrite $out, substr $text, $at, (length($text) + 2) / 3;
            sleep 0.001;
        }
        close $out;
        sleep 0.004;
    }
    POSIX::_exit(0);
}

# Loads meanwhile, by nginx -t and by a reload. One that is refused must not change what is sent.
sub load_meanwhile {
    my ($server, $name, $reasons, @headers) = @_;
    my (@wrong, %seen, $accepted, $refused);
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    # More where chance has not yet shown it all.
    for (my $round = 0; $round < $rounds || $round < 20 * $rounds && (!$refused || keys %seen < @headers); $round++) {
        my $run = $server->test_config;
        my $said = $run->{err};
        $run->{exit} == 0 ? $accepted++ : $refused++;
        push @wrong, "nginx -t: exit $run->{exit}\n$said" if $run->{exit} != 0 && ($run->{exit} != 1 || $said !~ $reasons);

        my ($before) = values_of(fetch($server, '/'), 'Public-Key-Pins');
        my $mark = $server->log_mark;
        my $taken = reload_either($server);
        $taken ? $accepted++ : $refused++;
        my @sent = values_of(fetch($server, '/'), 'Public-Key-Pins');
        push @wrong, "a reload, no reason\n" . $server->log_since($mark) if !$taken && $server->log_since($mark) !~ $reasons;
        push @wrong, "sent '@sent'" if @sent != 1 || !grep { $_ eq $sent[0] } @headers;
        push @wrong, "refused, and '$before' became '@sent'" if !$taken && $sent[0] ne $before;
        $seen{ $sent[0] }++;
    }
    is(join("\n", @wrong), '', "$name: one or the other, or refused");
    is(scalar keys %seen, @headers, "$name: each of them was served, " . ($accepted // 0) . ' loads were good')
        or diag(join "\n", map { "$seen{$_} $_" } keys %seen);
    cmp_ok($refused // 0, '>', 0, "$name: " . ($refused // 0) . ' were refused');
    unlike($server->log, qr/ended by signal|unexpected/, "$name: no crash");
    $server->no_alerts;
}

subtest 'a policy' => sub {
    my $server = site()->start;
    my @pins = ([qw(www backup-1 backup-2)], [qw(www backup-2 backup-3)]);
    # Long enough to be read in pieces.
    my @texts = map { $server->fill_in(policy(pins => $_) =~ s/pins:\n/"pins:\n" . "# a comment, one of many\n" x 1000/er) } @pins;
    my $stop = changing($server->file('conf/pins.yaml'), @texts);
    load_meanwhile($server, 'a policy', qr/hpkp: [a-z-]+: .*pins\.yaml/, map { pins_header($server, max_age => 2592000, pins => $_) } @pins);
    $stop->();
    $server->stop;
};

subtest 'the file of a pin' => sub {
    my $server = site(pins_yaml => policy(pins => [ 'www', 'public-key: backup.pem', 'backup-2' ]));
    my @pins = ([qw(www backup-1 backup-2)], [qw(www backup-3 backup-2)]);
    my @texts = map { read_text($server->pki->dir . "/public/$_->[1].pem") } @pins;
    $server->write('conf/backup.pem', $texts[0]);
    $server->start;
    my $stop = changing($server->file('conf/backup.pem'), @texts);
    load_meanwhile($server, 'a pin', qr/hpkp: [a-z-]+: .*backup\.pem/, map { pins_header($server, max_age => 2592000, pins => $_) } @pins);
    $stop->();
    $server->stop;
};

# Two certificates for one key, of which only one has a pin above it.
subtest 'a certificate' => sub {
    my $server = site(pins_yaml => policy(pins => [qw(int-a backup-1 backup-2)]));
    my ($good, $bad) = map { read_text($server->pki->dir . "/chains/$_.pem") } qw(www www-by-b);
    my $conf = tls_server(extra => $policy) =~ s/ssl_certificate \S+;/ssl_certificate chain.pem;/r;
    my $served = sub {
        return output_of('sh', '-c', 'openssl s_client -connect 127.0.0.1:' . $server->port('tls')
            . ' -servername www.example.com 2>/dev/null </dev/null | openssl x509 -noout -issuer -nameopt RFC2253');
    };
    my $issuer = 'issuer=CN=' . $server->pki->common_name('int-a') . "\n";
    $server->configure(http => $conf);
    $server->write('conf/chain.pem', $good);
    $server->start;
    is($served->(), $issuer, 'the one with the pin');

    my $stop = changing($server->file('conf/chain.pem'), $good, $bad);
    my (@wrong, $taken, $refused);
    for (my $round = 0; $round < $rounds || $round < 20 * $rounds && !($taken && $refused); $round++) {
        reload_either($server) ? $taken++ : $refused++;
        my $now = $served->();
        push @wrong, $now if $now ne $issuer;
    }
    $stop->();
    is(join('', @wrong), '', 'no other is ever served');
    cmp_ok($taken // 0, '>', 0, ($taken // 0) . ' loads were good');
    cmp_ok($refused // 0, '>', 0, ($refused // 0) . ' were refused');

    # Exactly between nginx's reading and our check: the policy is opened then, which strace delays.
    my $swapped = sub {
        my ($first, $then) = @_;
        $server->write('conf/chain.pem', $first);
        my $seen = $server->file('temp/trace');
        unlink $seen;
        my $pid = fork // die "fork: $!";
        if ($pid == 0) {
            my $asked = wait_until(sub { -e $seen && read_text($seen) =~ /pins\.yaml/ }, 10);
            write_text($server->file('conf/chain.pem'), $then);
            # In time, if the checks have not ended meanwhile.
            POSIX::_exit($asked && read_text($seen) !~ /\+\+\+ exited/ ? 0 : 1);
        }
        my $run = $server->test_config(before => [ qw(strace -f -e inject=openat:delay_exit=700000 -P), $server->file('conf/pins.yaml'), '-o', $seen ]);
        waitpid $pid, 0;
        is($?, 0, 'changed in between');
        return $run;
    };
    refused($swapped->($bad, $good), 'what nginx has read is refused, though the file is good by now');
    accepted($swapped->($good, $bad), 'and the other way round');
    $server->stop;
    $server->no_alerts;
};

done_testing;
