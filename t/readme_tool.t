# The transcripts of README.md's tool section, run as they stand. Keys, dates and ids are others each time; "..." stands
# for any lines.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(ledger_file);
use File::Temp ();

my $root = project_root();
my ($section) = read_text("$root/README.md") =~ /^## The tool\n(.*?)^### hpkp ledger\n/ms;
my @blocks = ($section // '') =~ /^```console\n(.*?)^```\n/msg;
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
        s{[A-Za-z0-9+/]{43}=}{PIN}g;
        s/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/TIME/g;
        s/\b[0-9a-f]{16}\b/ID/g;
        s/127\.0\.0\.1:\d+/ADDRESS/g;
        s/\b(in|\d+) \d+ (days?|hours?|minutes?|seconds?)/$1 N $2/g;
        s{/\S*/conf/nginx\.conf \(\S+?\)}{NGINX}g;
        s/ +/ /g;    # columns are as wide as what stands in them
    }
    return $text;
}

sub pattern {
    my ($expected) = @_;
    my $pattern = join '', map { $_ eq "...\n" ? '(?:.*\n)*?' : quotemeta } alike($expected) =~ /(.*\n)/g;
    return qr/\A$pattern\z/;
}

for my $block (@blocks) {
    for my $step (split /^(?=\$ )/m, $block) {
        my ($command, $expected) = $step =~ /^\$ ([^\n]*)\n(.*)\z/s or die "no command in: $step";
        serve() if $command =~ /analyse|rollover|export/;
        my $port = $server ? $server->port('tls') : 0;
        my $typed = $command =~ s/127\.0\.0\.1:8443/127.0.0.1:$port/r;
        my $run = run_command([ 'sh', '-c', "$typed 2>&1" ], directory => "$dir",
            env => { PATH => build_dir() . ":$ENV{PATH}", map { $_ => undef } qw(http_proxy https_proxy all_proxy ALL_PROXY) });
        like(alike($run->{out}), pattern($expected), $command) or diag($run->{out});
    }
}

done_testing;
