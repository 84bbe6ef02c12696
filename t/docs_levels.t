# docs/levels.md, renewal.md, leaving.md, ledger.md and paths.md: every command and every configuration on them, run as they stand with a real
# nginx, on the dates that they tell of. Keys, dates and ids are others each time; "..." stands for any lines.
#
# What a page says to this test is in comments that a reader of the page does not see:
#
#     <!-- file: NAME -->           the block that follows is this file. pins.yaml and nginx.conf are nginx's
#     <!-- later: 14 days -->       from here on it is so much later. Also "days 5 minutes"
#
# The block "console" has commands and what they print; a command that ends in \ goes on in the next line. "nginx" is the
# test's own nginx, its ledger is hpkp.ledger, and /etc/nginx is the page's directory. The ACME clients are stand-ins: they
# take the options that the pages give and no others, and then call the hook as the real ones do.

use lib 't/lib';
use HPKP::Test;
use HPKP::Ledger qw(ledger_file time_text seconds_of);
use HPKP::Transcript qw(steady pattern);
use File::Temp ();

my $root = project_root();
my @pages = qw(levels renewal leaving ledger paths);
my $work;      # File::Temp of the page
my $server;    # of the page
my $now;       # seconds

for my $page (@pages) {
    subtest $page => sub { run_page($page) };
}

sub run_page {
    my ($page) = @_;
    my $text = read_text("$root/docs/$page.md");

    ($work, $server, $now) = (File::Temp->newdir("hpkp-t-docs-XXXXXX", TMPDIR => 1), undef, time + 3600);
    output_of("$root/conf-examples/make-pki.sh", "$work/pki");
    write_text("$work/passphrase", "correct horse\n");
    symlink "$root/conf-examples", "$work/conf-examples" or die "symlink: $!";
    stand_ins();
    is(() = $text =~ /^```/mg, 2 * (() = $text =~ /^```\w+$/mg), 'every block says what it is');

    my $ran = 0;
    while ($text =~ /^(?:<!-- (file|later): (.+?) -->\n)?(?:```(\w+)\n(.*?)^```\n)?/msg) {
        my ($word, $value, $kind, $block) = ($1, $2, $3, $4);
        pass_time($value) if ($word // '') eq 'later';
        next if !defined $kind;
        if ($kind eq 'console') { $ran += run_block($block) }
        elsif (($word // '') eq 'file') { give_file($value, $block) }
        else { fail("a block of $kind without a name: $block") }
    }
    cmp_ok($ran, '>', 0, 'there are commands');
    $server->stop if $server;
}

sub give_file {
    my ($name, $block) = @_;
    return write_text("$work/$name", $block =~ s{/etc/nginx/}{$work/}gr) if $name ne 'nginx.conf';
    return serve($block) if !$server;
    $server->configure(http => http_of($block));
}

sub serve {
    my ($http) = @_;

    $http //= <<'END';
server {
    listen 127.0.0.1:8443 ssl;
    server_name www.example.com;
    ssl_certificate pki/www.pem;
    ssl_certificate_key pki/www.key;
    hpkp_policy pins.yaml;
}
END
    # Its hosts are known, so that no advice about a first rollout is due; what the page serves is not in it.
    $server = HPKP::Server->new(clock => time_text($now), http => http_of($http))->start;
    symlink ledger_file($server), "$work/hpkp.ledger" or die "symlink: $!";
}

sub http_of {
    my ($http) = @_;
    my $here = "$work";
    $http =~ s/\b127\.0\.0\.1:8443\b/127.0.0.1:{{port:tls}}/;
    $http =~ s{/etc/nginx/}{$here/}g;
    $http =~ s{\b((?:ssl_certificate|ssl_certificate_key|hpkp_policy)\s+)(?=\w)}{$1$here/}g;
    return $http;
}

sub pass_time {
    my ($span) = @_;
    my ($days, $minutes) = $span =~ /^(\d+) days?(?: (\d+) minutes)?$/ or die "no span of time: $span";
    $now += 86400 * $days + 60 * ($minutes // 0);
    $server->set_clock(time_text($now)) if $server;
}

sub run_block {
    my ($block) = @_;
    my @steps = split /^(?=\$ )/m, $block;

    for my $step (@steps) {
        my ($command, $expected) = $step =~ /^\$ ((?:[^\n]*\\\n)*[^\n]*)\n(.*)\z/s or die "no command in: $step";
        my $got = run_step($command);
        like(alike($got), pattern(alike($expected)), $command =~ s/\\\n */ /gr) or diag($got);
    }
    return scalar @steps;
}

sub run_step {
    my ($command) = @_;

    # The answer of the CA that the page's reader gets by mail: by the key of the request, for the same name.
    certify() if $command =~ /\bnew\.pem\b/ && !-e "$work/new.pem";
    serve() if !$server && $command =~ /^nginx\b|hpkp\.ledger/;
    return $server->reload->{err} if $command eq 'nginx -s reload' && $server->test_config->{exit} == 0;
    return $server->reload_refused->{err} if $command eq 'nginx -s reload';
    return $server->test_config->{err} if $command eq 'nginx -t';

    my @clock = $server ? $server->by_its_clock($ENV{HPKP_PRELOAD} // '') : ();
    my $nginx = $server ? join ' ', $server->command : 'true';
    my $typed = $command =~ s{/etc/(?:nginx|letsencrypt)/}{$work/}gr;
    if ($server) { my $port = $server->port('tls'); $typed =~ s/\b127\.0\.0\.1:8443\b/127.0.0.1:$port/ }

    my $run = run_command([ ($command =~ /^hpkp/ ? @clock : ()), 'sh', '-c', "$typed 2>&1" ], directory => "$work", timeout => 60, env => {
            PATH => "$work/bin:" . build_dir() . ":$ENV{PATH}", HPKP_POLICY => "$work/pins.yaml", HPKP_LEDGER => "$work/hpkp.ledger",
            HPKP_TLS_DIR => "$work/tls", HPKP_COMMAND => join(' ', @clock, build_dir() . '/hpkp'), HPKP_NGINX_TEST => "$nginx -t",
            HPKP_NGINX_RELOAD => "$nginx -s reload", map { $_ => undef } qw(http_proxy https_proxy all_proxy ALL_PROXY) });
    return $run->{out};
}

# Each renews with the key that it has, at first that of before: a certificate that nginx has not seen.
sub stand_ins {
    my $renew = <<'END';
#!/bin/sh
set -eu
renew() {
    mkdir -p acme
    [ -e acme/privkey.pem ] || cp pki/www.key acme/privkey.pem
    openssl pkey -in acme/privkey.pem -pubout -out acme/key.pub
    openssl x509 -new -sha256 -force_pubkey acme/key.pub -extfile pki/offline/openssl.cnf -extensions leaf -subj /CN=www.example.com \
        -days 90 -out acme/cert.pem -CA pki/intermediate-a.pem -CAkey pki/offline/intermediate-a.key
    cp pki/intermediate-a.pem acme/chain.pem
    cat acme/cert.pem acme/chain.pem > acme/fullchain.pem
}
unknown() { echo "unknown: $*" >&2; exit 2; }
END
    my %client = (certbot => <<'END', 'acme.sh' => <<'END', dehydrated => <<'END');
[ "$1" = renew ] || unknown "$@"
shift
reuse=
while [ $# -gt 0 ]; do
    case $1 in
        --force-renewal) ;;
        --reuse-key) reuse=yes ;;
        --cert-name) name=$2; shift ;;
        --deploy-hook) hook=$2; shift ;;
        *) unknown "$1" ;;
    esac
    shift
done
[ "$reuse" ] || unknown 'a new key'
command -v "${hook%% *}" > /dev/null || unknown "a hook that is no command: $hook"
renew
mkdir -p live && ln -sfn ../acme "live/$name"
RENEWED_LINEAGE=$PWD/live/$name RENEWED_DOMAINS=$name sh -c "$hook"
END
[ "$1 $2 $4" = '--install-cert -d --reloadcmd' ] && [ $# -eq 5 ] || unknown "$@"
renew
Le_Domain=$3 CERT_PATH=$PWD/acme/cert.pem CERT_KEY_PATH=$PWD/acme/privkey.pem CA_CERT_PATH=$PWD/acme/chain.pem \
    CERT_FULLCHAIN_PATH=$PWD/acme/fullchain.pem sh -c "eval '$5'"
END
[ "$1 $2" = '--cron --config' ] && [ $# -eq 3 ] || unknown "$@"
. "./$3"
[ "$PRIVATE_KEY_RENEW" = no ] || unknown 'a new key'
renew
"$HOOK" deploy_cert www.example.com acme/privkey.pem acme/cert.pem acme/fullchain.pem acme/chain.pem 0
END
    mkdir "$work/bin";
    for my $name (keys %client) {
        write_text("$work/bin/$name", $renew . $client{$name});
        chmod 0755, "$work/bin/$name";
    }
}

sub certify {
    output_of('sh', '-euc', 'cd "$1" && openssl x509 -req -in backup-3.csr -CA pki/intermediate-a.pem -CAkey pki/offline/intermediate-a.key'
            . ' -days 365 -extfile pki/offline/openssl.cnf -extensions leaf -out new.pem 2>/dev/null && cat pki/intermediate-a.pem >> new.pem',
        'sh', "$work");
}

sub alike {
    my ($text) = @_;
    for ($text) {
        s{/\S*/conf/nginx\.conf(?: \(\S+?\))?}{NGINX}g;
        s{^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d }{}mg;
        s{^(\[\w+\]) \d+#\d+: }{$1 }mg;
        s{(?:\Q$work\E|/etc/nginx)/}{}g;
        s{ --ledger \S+/ledger/hpkp\.ledger\b}{}g;
    }
    return steady($text);
}

done_testing;
