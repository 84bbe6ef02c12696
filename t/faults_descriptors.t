# No descriptors left: nginx -t, a start and a reload say so or do as ever; a running nginx serves on, unchanged.

use lib 't/lib';
use HPKP::Answers qw(whole_answers check_unchanged);
use HPKP::Faults qw(reload_either);
use HPKP::Ledger qw(ledger_file entries entry_text);
use HPKP::Test;

# UBSan opens a pipe to look at an object's type, and takes the type for wrong where it gets none.
plan skip_all => 'a sanitizer needs descriptors of its own' if $ENV{HPKP_PRELOAD};
need_tools(qw(prlimit strace));
my $policy = 'hpkp_policy pins.yaml;';
sub trusting { return "trust: {test: {{pki}}/roots.pem}\n" . policy(@_) }

# nginx -t from far too few descriptors to plenty; then with enough, but none for one of the files that the module opens.
# $wrong->($run) is what must not come of it.
sub try_all {
    my ($server, $name, $wrong) = @_;
    my (@crashed, @silent, @wrong, %ours);
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @files = ($server->file('conf/pins.yaml'), $server->pki->dir . '/roots.pem', ledger_file($server));
    my @before = ((map { [ 'prlimit', "--nofile=$_", '--' ] } 4 .. 12),
        map { [ qw(strace -f -qq -o /dev/null -e inject=openat:error=EMFILE -P), $_ ] } @files);
    for my $before (@before) {
        my $run = $server->test_config(before => $before);
        my $said = "@$before: exit $run->{exit}, signal $run->{signal}\n$run->{err}";
        push @crashed, $said if $run->{signal} || $run->{timed_out} || $run->{exit} > 1 || $run->{err} =~ /ended by signal|unexpected/;
        push @silent, $said
            if $run->{exit} == 1 && $run->{err} !~ /Too many open files|cannot open shared object|unable to open|locks-out-clients/;
        push @wrong, $said if $wrong->($run);
        for my $file (@files) {
            $ours{$file} = 1 if $run->{err} =~ /\[emerg\] hpkp: .*\Q$file\E.*(?:Too many open files|unable to open)/;
        }
    }
    is(join('', @crashed), '', "$name: no crash");
    is(join('', @wrong), '', "$name: as it should");
    is(join('', @silent), '', "$name: each refusal names the reason");
    is_deeply([ grep { !$ours{$_} } @files ], [], "$name: the module ran out of them for each of its files");
}

subtest 'nginx -t' => sub {
    my $server = site(pins_yaml => trusting());
    my $whole = $server->test_config;
    try_all($server, 'a good one', sub { return $_[0]{exit} == 0 && $_[0]{err} =~ s/.*exceed open file resource limit.*\n//r ne $whole->{err} });

    # The ledger alone is against this one. What cannot be read says nothing for it.
    $server->start;
    $server->stop;
    $server->configure(http => tls_server(cert => 'www-unpinned', extra => $policy));
    $server->write('conf/pins.yaml', trusting(pins => [qw(int-b backup-2 backup-3)]));
    findings_are($server->test_config, ['locks-out-clients error'], 'clients would be locked out');
    try_all($server, 'a bad one', sub { return $_[0]{exit} != 1 });
};

subtest 'a running nginx' => sub {
    my $server = site(pins_yaml => trusting(), extra => "location /proxy/ { proxy_pass http://127.0.0.1:{{port:upstream}}/; }",
        more => "server { listen 127.0.0.1:{{port:upstream}}; location / { return 200 \"proxied\\n\"; } }\n")->start;
    my $master = $server->master;
    my $before = whole_answers($server);
    my @open = descriptors($master);
    my ($soft) = read_text("/proc/$master/limits") =~ /^Max open files\s+(\d+)/m;
    my @workers = $server->workers;
    $server->write('conf/pins.yaml', trusting(pins => [qw(www backup-2 backup-3)]));

    # First they do not suffice for nginx's own files, then for ours; and then the load is good.
    my ($ours, $refused) = (0, 0);
    for my $more (-4 .. 12) {
        output_of('prlimit', '--pid', $master, '--nofile=' . (@open + $more) . ':');
        my $mark = $server->log_mark;
        last if reload_either($server);
        $refused++;
        $ours++ if $server->log_since($mark) =~ /hpkp: .*(?:Too many open files|unable to open)/;

        is(join(' ', $server->workers), "@workers", "$more more: refused, and the workers are the same") or last;
        is_deeply([ descriptors($master) ], \@open, "$more more: the master has no more open than before");
        is_deeply([ map { entry_text($_) } grep { $_->{open} } entries($server, host => 'www.example.com') ],
            ['www.example.com www open'], "$more more: the ledger has only what is sent");
        check_unchanged($server, $before, "$more more") if $refused == 1 || $ours == 1;
    }
    cmp_ok($refused, '>', $ours, 'nginx ran out of them');
    cmp_ok($ours, '>', 0, 'and so did the module');

    output_of('prlimit', '--pid', $master, "--nofile=$soft:");
    $server->hup;
    one_header(fetch($server, '/'), pins_header($server, max_age => 2592000, pins => [qw(www backup-2 backup-3)]), 'with enough, it reloads');
    is(scalar descriptors($master), scalar @open, 'and has as many open as before');
    $server->stop;
};

done_testing;

sub descriptors {
    my ($pid) = @_;
    opendir my $list, "/proc/$pid/fd" or die "/proc/$pid/fd: $!";
    my @open = sort map { readlink("/proc/$pid/fd/$_") =~ s/\[\d+\]/[]/r } grep { /\d/ } readdir $list;
    return @open;
}
