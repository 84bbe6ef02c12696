# docs/pictures/: the files are what draw.pl draws, they can be read by everybody, each is on a page; and what they say is
# true: every tick and cross in them is asked of the checks, and the steps of the change of key are taken with a real nginx.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(day tool);
use File::Basename qw(basename);
use File::Temp ();

my $docs = project_root() . '/docs';
my @names = qw(design levels paths rollover);
my $work = File::Temp->newdir('hpkp-t-pictures-XXXXXX', TMPDIR => 1);
my %picture = map { $_ => read_text(need_file("$docs/pictures/$_.svg")) } @names;

subtest 'the files' => sub {
    need_tools('xmllint');
    mkdir "$work/drawn";
    my $run = run_command([ 'perl', "$docs/pictures/draw.pl", "$work/drawn" ]);
    is_deeply([ @$run{qw(exit out err)} ], [ 0, '', '' ], 'draw.pl runs');
    is_deeply([ map { basename($_) } sort glob "$work/drawn/*" ], [ map { "$_.svg" } @names ], 'the pictures that it draws');
    is_deeply([ map { basename($_) } sort glob "$docs/pictures/*.svg" ], [ map { "$_.svg" } @names ], 'are those in the tree');
    isnt(run_command([ 'perl', "$docs/pictures/draw.pl", '/nonexistent' ])->{exit}, 0, 'a directory that is not there: fails');

    my $pages = join '', map { read_text($_) } glob "$docs/*.md";
    for my $name (@names) {
        my $svg = $picture{$name};
        ok(read_text("$work/drawn/$name.svg") eq $svg, "$name: docs/pictures/draw.pl draws this very file") or diag('run it again');
        is(run_command([ qw(xmllint --noout --nonet), "$docs/pictures/$name.svg" ])->{err}, '', "$name: well-formed");
        like($svg, qr{<title id="$name-title">[^<]{10,}</title>\n<desc id="$name-desc">[^<]{100,}</desc>}, "$name: says what it shows");
        like($svg, qr/^<svg [^>]*role="img" aria-labelledby="$name-title $name-desc"/, "$name: and screen readers know");
        like($svg, qr{</defs>\n<rect x="0.5" y="0.5" width="759" [^>]*fill="#ffffff"}, "$name: has a background, for dark pages");
        unlike($svg, qr/<(?:script|image|style|foreignObject)\b|href=/, "$name: nothing that a forge would take out");
        is_deeply([ grep { $_ < 12 } $svg =~ /font-size="(\d+)"/g ], [], "$name: no letter under 12 px");
        like($pages, qr{!\[[^\]]{60,}\]\(pictures/$name\.svg\)}, "$name: is on a page, with its words for who does not see it");
    }
};

# The words of a picture by their height and then from left to right: [ [ x, word ], ... ] a line.
sub lines_of {
    my ($name) = @_;
    my %line;
    push @{ $line{$2} }, [ $1, $3 ] while $picture{$name} =~ m{<text x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>}g;
    return map { [ sort { $a->[0] <=> $b->[0] } @{ $line{$_} } ] } sort { $a <=> $b } keys %line;
}

# The PKI of the examples, and the two certificates of levels.svg that it lacks.
output_of(project_root() . '/conf-examples/make-pki.sh', "$work/pki");
output_of('sh', '-euc', <<'END', 'sh', "$work/pki");
cd "$1"
leaf() {    # KEY ISSUER OUT
    openssl pkey -in "$1" -pubout -out temp.pub
    openssl x509 -new -sha256 -force_pubkey temp.pub -extfile offline/openssl.cnf -extensions leaf -subj /CN=www.example.com \
        -days 365 -out "$3" -CA "$2.pem" -CAkey "offline/$2.key"
    cat "$2.pem" >> "$3"
}
leaf renewed/unpinned.key intermediate-a-next other-by-next.pem
leaf www.key intermediate-b www-by-b.pem
END

my %source = ('your key' => 'public-key: pki/www.pub', map { $_->[0] => "certificate: pki/$_->[1].pem" } [ 'intermediate 1', 'intermediate-a' ],
    [ "your CA's root", 'root-a' ], [ 'Example CA a', 'intermediate-a' ], [ 'Example Root a', 'root-a' ], [ 'Example Root b', 'root-b' ]);

# What hpkp check says of a chain and a policy of one pin and two backups, for these stores. With an error comes a
# root-only-pin at times; the error is what a picture names.
sub checked {
    my ($pin, $chain, %stores) = @_;
    my $trust = join ', ', map { "$_: pki/$stores{$_}.pem" } sort keys %stores;

    write_text("$work/pins.yaml", "version: 1\ntrust: {$trust}\npolicies:\n  www:\n    guard: {}\n"
            . "    pins: [{$source{$pin}}, {csr: pki/backup-1.csr}, {csr: pki/backup-2.csr}]\n");
    my $run = run_command([ tool(), 'check', 'pins.yaml', '--chain', "pki/$chain", '--ledger', 'off' ], directory => "$work");
    my @found = map { "$_->[0]: $_->[1]" } grep { $_->[1] ne 'root-only-pin' || $run->{exit} == 0 }
        map { [ /^(warning|error): ([\w-]+):/ ] } grep { /^(?:warning|error): / } split /\n/, $run->{out} . $run->{err};
    return ($run->{exit}, "@found");
}

subtest 'levels.svg' => sub {
    my @chains = qw(www.pem renewed/unpinned.pem other-by-next.pem www-by-b.pem www-rsa.pem);
    my @rows = grep { @$_ == 5 } map { [ grep { /^(?:taken|refused)$/ } map { $_->[1] } @$_ ] } lines_of('levels');
    is(scalar @rows, 3, 'three levels of five certificates');

    for my $pin ('your key', 'intermediate 1', "your CA's root") {
        my $shown = shift @rows;
        my @found;
        for my $chain (@chains) {
            my ($exit, $finding) = checked($pin, $chain, all => 'roots');
            like($finding, qr/^error: no-pin-in-chain$/, "a pin on $pin, $chain: refused for this") if $exit != 0;
            push @found, $exit == 0 ? 'taken' : 'refused';
        }
        is_deeply(\@found, $shown, "a pin on $pin: as drawn");
    }
};

subtest 'paths.svg' => sub {
    my @rows = grep { @$_ == 4 && $source{ $_->[0] } } map { [ map { $_->[1] } @$_ ] } lines_of('paths');
    is(scalar @rows, 4, 'four pins');

    for my $row (@rows) {
        my ($pin, $new, $old, $load) = @$row;
        for my $store ([ $new, 'root-a' ], [ $old, 'root-b' ]) {
            my ($exit) = checked($pin, 'www-cross.pem', devices => $store->[1]);
            is($exit == 0 ? 'match' : 'locked out', $store->[0], "a pin on $pin, who knows $store->[1]: as drawn");
        }
        my ($exit, $finding) = checked($pin, 'www-cross.pem', new => 'root-a', old => 'root-b');
        is($finding || 'accepted', $load, "a pin on $pin: the load says what is drawn");
    }
};

subtest 'rollover.svg' => sub {
    # A row of letters is a step: server's key, pins sent, what a client of before holds, what one of now holds.
    my @steps;
    for my $line (lines_of('rollover')) {
        my @letters = grep { $_->[1] =~ /^[ABXY]$/ } @$line;
        next if @letters < 9;
        push @steps, [ map { my ($from, $to) = @$_; [ map { $_->[1] } grep { $_->[0] > $from && $_->[0] < $to } @letters ] }
                [ 150, 240 ], [ 240, 410 ], [ 410, 580 ], [ 580, 760 ] ];
    }
    is(scalar @steps, 4, 'three steps and the mistake');
    my @verdicts = map { [ grep { /^(?:connects|locked)/ } map { $_->[1] } @$_ ] } lines_of('rollover');
    is_deeply([ map { @$_ } @verdicts ], [ map { my ($key) = @{ $_->[0] };
                map { my $held = $_; (grep { $_ eq $key } @$held) ? "connects: has $key" : 'locked out' } @$_[ 2, 3 ] } @steps ],
        'who connects is who holds the key');
    my ($announce, $change, $drop, $mistake) = @steps;
    is_deeply($_->[3], $_->[1], 'who comes now holds what is sent') for @steps;
    is_deeply($change->[2], $announce->[1], 'before step 2 is step 1');
    is_deeply($drop->[2], $change->[1], 'before step 3 is step 2');
    is_deeply($mistake->[2], $announce->[2], 'the mistake begins where step 1 does');

    my %key = (A => 'www', B => 'backup-3', X => 'backup-1', Y => 'backup-2');
    my %chain = (A => 'www', B => 'www-third');
    my $max_age = 7;
    my $pins = sub { policy(pins => [ map { $key{$_} } @_ ], enforce => "{max-age: ${max_age}d}") };
    my $server = site(clock => day(0), cert => $chain{A}, pins_yaml => $pins->(@{ $announce->[2] }))->start;
    my $prepare = sub {
        my ($step) = @_;
        $server->write('conf/pins.yaml', $pins->(@{ $step->[1] }));
        $server->configure(http => tls_server(cert => $chain{ $step->[0][0] }, extra => 'hpkp_policy pins.yaml;'));
    };
    my $take = sub {
        my ($step, $name) = @_;
        $prepare->($step);
        findings_are($server->reload, [], "$name: accepted");
        one_header(fetch($server, '/'), pins_header($server, max_age => $max_age * 86400, pins => [ map { $key{$_} } @{ $step->[1] } ]),
            "$name: sends what is drawn");
    };

    $server->set_clock(day(1));
    $prepare->($mistake);
    has_finding($server->reload_refused, 'locks-out-clients', 'error', name => 'the mistake is refused');
    $take->($announce, 'step 1');
    $server->set_clock(day(1 + $max_age, 299));
    $prepare->($change);
    has_finding($server->reload_refused, 'locks-out-clients', 'error', name => 'a second less than max-age and 5 minutes: refused');
    $server->set_clock(day(1 + $max_age, 300));
    $take->($change, 'step 2');
    $take->($drop, 'step 3, at once');
    $server->stop;
};

done_testing;
