# The transcripts of docs/tool.md, run as they stand. Keys, dates and ids are others each time; "..." stands
# for any lines.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(ledger_file);
use HPKP::Transcript qw(steady pattern);
use File::Temp ();
use JSON::PP ();

my $root = project_root();
my $page = read_text("$root/docs/tool.md");
my @blocks = $page =~ /^```console\n(.*?)^```\n/msg;
cmp_ok(scalar @blocks, '>=', 5, 'there are transcripts');

my $dir = File::Temp->newdir('hpkp-t-readme-XXXXXX', TMPDIR => 1);
output_of("$root/conf-examples/make-pki.sh", "$dir/pki");
my $server;

# Before the first command that needs it: nginx with the policy, as the page says.
sub serve {
    return if $server;
    my $policy = read_text("$dir/pins.yaml");
    $policy =~ s/^    report-only:/    enforce: {max-age: 14d}\n    report-only:/m or die "no report-only in:\n$policy";
    write_text("$dir/pins.yaml", $policy);
    $server = HPKP::Server->new(ledger => 'fresh', http => <<"END")->start;
    server {
        listen 127.0.0.1:{{port:tls}} ssl;
        server_name www.example.com;
        ssl_certificate $dir/pki/www.pem;
        ssl_certificate_key $dir/pki/www.key;
        hpkp_policy $dir/pins.yaml;
    }
END
    symlink ledger_file($server), "$dir/hpkp.ledger" or die "symlink: $!";
}

sub alike {
    my ($text) = @_;
    for ($text) {
        s/127\.0\.0\.1:\d+/ADDRESS/g;
        s/\b(in|\d+) \d+ (days?|hours?|minutes?|seconds?)/$1 N $2/g;
        s{/\S*/conf/nginx\.conf \(\S+?\)}{NGINX}g;
    }
    return steady($text);
}

for my $block (@blocks) {
    for my $step (split /^(?=\$ )/m, $block) {
        my ($command, $expected) = $step =~ /^\$ ([^\n]*)\n(.*)\z/s or die "no command in: $step";
        serve() if $command =~ /analyse|rollover|export|ledger show/;
        my $port = $server ? $server->port('tls') : 0;
        my $typed = $command =~ s/127\.0\.0\.1:8443/127.0.0.1:$port/r;
        my $run = run_command([ 'sh', '-c', "$typed 2>&1" ], directory => "$dir",
            env => { PATH => build_dir() . ":$ENV{PATH}", map { $_ => undef } qw(http_proxy https_proxy all_proxy ALL_PROXY) });
        like(alike($run->{out}), pattern(alike($expected)), $command) or diag($run->{out});
    }
}

# Every key of the documents is in the page's table under "JSON".
my ($json) = $page =~ /^## JSON\n(.*)/ms;
my %named = map { $_ => 1 } ($json // '') =~ /`([\w-]+)`/g;
my @arguments = ('pins.yaml', '--chain', 'pki/www.pem', '--ledger', 'hpkp.ledger');
my $address = '127.0.0.1:' . $server->port('tls');
for my $command (
    [ 'pin', 'pki/www.pem', 'pki/backup-1.csr' ], [ 'check', @arguments, '--key', 'pki/offline/backup-1.key' ],
    [ 'check', 'pins.yaml', '--chain', 'pki/renewed/unpinned.pem', '--ledger', 'off' ],
    [ 'analyse', 'https://www.example.com/', '--connect', $address, '--trust', 'own=pki/roots.pem' ],
    [ qw(init --chain pki/www.pem --level leaf --backup pki/backup-1.csr --trust own=pki/roots.pem) ],
    [ 'rollover', @arguments ], [ qw(export pins.yaml --to curl --chain pki/www.pem) ],
    [ qw(ledger show --ledger hpkp.ledger) ],
) {
    my $run = run_command([ build_dir() . '/hpkp', @$command, '--format', 'json' ], directory => "$dir");
    my $document = eval { JSON::PP::decode_json($run->{out}) };
    is($document && $document->{version}, 1, "@$command: version 1") or diag($run->{out}, $run->{err});
    is_deeply([ grep { !$named{$_} } keys_of($document) ], [], 'every key is named');
}

sub keys_of {
    my ($value) = @_;
    my %keys;
    my @left = ($value);
    while (@left) {
        my $next = shift @left;
        push @left, @$next if ref $next eq 'ARRAY';
        next if ref $next ne 'HASH';
        # The ledger's own form of a policy is that of its export.
        for my $key (keys %$next) {
            $keys{$key} = 1;
            push @left, $next->{$key} unless $key eq 'policy';
        }
    }
    return sort keys %keys;
}

done_testing;
