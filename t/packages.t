# The packages, from building to purging them, in a chroot of this Debian that has never seen them: apt, nginx, the tool, a
# policy, and what stays behind. And cmake --install.
#
#     prove -v -I t/lib t/packages.t          shows the transcript
#     HPKP_DEBS=DIR prove ...                 takes the packages from there (t/package/build.sh DIR); otherwise they are
#                                             packed from the build tree, so that nothing is compiled again
#
# Wants root or sudo, and the mirror that apt here has.

use lib 't/lib';
use HPKP::Test;
use File::Temp ();
use IPC::Open2 qw(open2);

plan skip_all => 'HPKP_NO_MIRROR is set: no packages to fill a chroot with' if $ENV{HPKP_NO_MIRROR};
plan skip_all => 'the packages have no sanitizers: run it without --sanitize' if $ENV{HPKP_PRELOAD};
become_root();    # it makes a chroot
need_tools(qw(cmake dpkg-buildpackage lintian mmdebstrap unshare ip));

my $top = project_root();
my $build = build_dir();
my $work = File::Temp->newdir('hpkp-packages-XXXXXX', TMPDIR => 1);
my $module_package = 'libnginx-mod-http-hpkp';
my $ledger = '/var/lib/nginx/hpkp.ledger';

# ---- the packages

sub within {
    my ($seconds, @command) = @_;
    my $run = run_command(\@command, timeout => $seconds, directory => $top);
    die "$run->{command}: " . ($run->{timed_out} ? "over $seconds s" : "exit $run->{exit}") . "\n$run->{err}$run->{out}"
        if $run->{exit} != 0;
    note("\$ $run->{command}\n$run->{out}");
    return $run->{out};
}

my $debs = $ENV{HPKP_DEBS} || do {
    need_file("$build/ngx_http_hpkp_module.so", 'build it first: cmake -S . -B build && cmake --build build');
    within(120, 't/package/build.sh', '--from', $build, "$work/debs");
    "$work/debs";
};
my %deb = map { m{/([^/_]+)_[^/]*\.deb$} ? ($1 => $_) : () } grep { !/dbgsym/ } glob "$debs/*.deb";
is_deeply([ sort keys %deb ], [ 'hpkp', $module_package ], 'two packages');

subtest 'what is in them' => sub {
    is(within(60, 'lintian', '--fail-on', 'none', values %deb), '', 'lintian finds nothing');

    my ($abi) = output_of('dpkg-query', '-W', '-f', '${Provides}', 'nginx') =~ /(nginx-abi-\S+?)(?:,|$)/;
    chomp(my $depends = within(20, 'dpkg-deb', '-f', $deb{$module_package}, 'Depends'));
    is_deeply([ grep { /^nginx/ } split /, */, $depends ], [ $abi ], "the module wants $abi and no other nginx");

    my %file;
    for my $name (sort keys %deb) {
        for (split /\n/, output_of('dpkg-deb', '-c', $deb{$name})) {
            my ($mode, $owner, $path) = m{^(\S+) (\S+) .*? \./(\S*)} or next;
            $file{$path} = [ $name, $mode ];
            is($owner, 'root/root', "$path: root's") if $owner ne 'root/root';
        }
    }
    my $doc = "usr/share/doc/$module_package";
    my @wanted = ([ 'usr/lib/nginx/modules/ngx_http_hpkp_module.so', $module_package ], [ 'usr/bin/hpkp', 'hpkp' ],
        [ 'usr/share/man/man1/hpkp-check.1.gz', 'hpkp' ], [ "$doc/README.md", $module_package ],
        map({ [ 'usr/share/doc/hpkp' . s/^\Q$top\E//r, 'hpkp' ] } "$top/README.md", glob "$top/docs/*.md $top/docs/*/*.svg"),
        map { [ $doc . s/^\Q$top\E//r =~ s{/conf-(?=examples)}{/}r, $module_package ] } glob "$top/conf-examples/*.{conf,yaml}");
    for my $wanted (@wanted) {
        my ($path, $package) = @$wanted;
        is($file{$path} && $file{$path}[0], $package, "$path is in $package");
    }
    is($file{"$doc/examples/make-pki.sh"}[1], '-rwxr-xr-x', 'an example can be run as it is');
};

subtest 'what it is built from is said once more in debian/control' => sub {
    my %ours = map { $_ => 1 } split ' ', output_of('sh', '-c', '. "$1"; echo $HPKP_BUILD_PACKAGES', 'sh', "$top/t/packages.sh");
    delete @ours{qw(build-essential nginx libgtest-dev)};    # with every build; with nginx-dev; for the unit tests
    my ($list) = read_text("$top/debian/control") =~ /^Build-Depends: (.*?)^\S/ms;
    my @packages = split /,\s*/, $list =~ s/\s*\z//r;
    is_deeply([ grep { !/^debhelper/ } sort @packages ], [ sort keys %ours ], 'the same packages as in t/packages.sh');
};

subtest 'cmake --install' => sub {
    my $said = output_of('cmake', '--install', $build, '--prefix', "$work/installed");
    ok(-e "$work/installed/$_", $_) for qw(bin/hpkp share/man/man1/hpkp.1 share/bash-completion/completions/hpkp
        share/doc/ngx_hpkp/README.md share/doc/ngx_hpkp/docs/leaving.md share/doc/ngx_hpkp/conf-examples/leaf.conf);
    my ($module) = $said =~ /nginx\.conf: load_module (\S+);/;
    is($module, "$work/installed/lib/nginx/modules/ngx_http_hpkp_module.so", 'says how to load the module');
    accepted(site(module => $module)->test_config, 'nginx loads it from there');
};

# ---- a shell in the chroot

# What the transcript installs is fetched while the chroot is made: there is no network in it later.
my $root = "$work/chroot";
my $fill = <<"END";
mkdir "\$1/packages" && cp $debs/*.deb "\$1/packages"
echo man-db man-db/auto-update boolean false | chroot "\$1" debconf-set-selections
chroot "\$1" sh -c "apt-get -q -y -o APT::Install-Recommends=true --download-only install nginx curl man-db /packages/*.deb"
END
within(240, 't/matrix/make_chroot.sh', 'here', $root, qw(--variant=apt --skip=cleanup/apt --dpkgopt=force-unsafe-io),
    '--aptopt=Dpkg::Use-Pty "false"', "--customize-hook=$fill");
# As on a machine with an init: a package may start its service.
write_text("$root/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 0\n");
chmod 0755, "$root/usr/sbin/policy-rc.d";

my $shell = open2(my $said, my $typed, "$top/t/matrix/enter.sh", $root, 'alone', 'sh');
$typed->autoflush(1);
$SIG{PIPE} = 'IGNORE';    # as_root() says it
print {$typed} "cd /packages; export DEBIAN_FRONTEND=noninteractive\n";

END {
    my $status = $?;
    if ($shell) {
        close $typed;
        waitpid $shell, 0;
    }
    $? = $status;
}

# as_root($command, $status, $name): its output. Expects that exit status, and shows both.
sub as_root {
    my ($command, $status, $name) = @_;
    my $end = "== $$ ==";
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    print {$typed} "( $command\n) < /dev/null 2>&1; echo \"$end \$?\"\n";
    my ($text, $exit) = ('', undef);
    while (defined(my $line = <$said>)) {
        if ($line =~ /^(.*)\Q$end\E (\d+)$/) {
            ($text, $exit) = ("$text$1", $2);
            last;
        }
        $text .= $line;
    }
    die "the shell in the chroot ended at: $command\n$text" unless defined $exit;
    note("\$ $command\n$text");
    is($exit, $status, $name) or diag("\$ $command\n$text");
    return $text;
}

# ---- the transcript

my $address = 'www.example.com:443:127.0.0.1:443';
my $curl = "curl -sSI --max-time 10 --cacert /root/roots.pem --connect-to $address https://www.example.com/";

# The site of one server, with the certificate and key of that name in /etc/nginx/pki.
sub serve {
    my ($name, $directives) = @_;
    write_text("$root/etc/nginx/conf.d/pinned.conf", <<"END");
server {
    listen 127.0.0.1:443 ssl;
    server_name www.example.com;
    ssl_certificate pki/$name.pem;
    ssl_certificate_key pki/$name.key;
    $directives
}
END
}

my $pinned = 'hpkp_policy leaf.yaml;';

subtest 'install' => sub {
    as_root("apt-get install -q -y ./${module_package}_*.deb ./hpkp_*.deb nginx curl man-db", 0, 'apt installs them, and nginx');
    as_root('curl -sSI http://127.0.0.1/', 0, 'nginx has started');
    is(as_root('readlink -f /etc/nginx/modules-enabled/*hpkp*', 0, 'the module is enabled'),
        "/usr/share/nginx/modules-available/mod-http-hpkp.conf\n", 'by a link as other modules');
    is(as_root('stat -c "%U:%G %a" /var/lib/nginx', 0, 'the directory of the ledger'), "root:root 755\n", 'is root\'s');
    as_root("ls $ledger", 2, 'there is no ledger yet');
};

subtest 'the tool' => sub {
    my $version = as_root('dpkg-query -W -f \'hpkp ${Version}\n\' hpkp', 0, 'the version of the package');
    is(as_root('hpkp --version', 0, 'hpkp runs'), $version, 'and is of that version');
    like(as_root('man hpkp', 0, 'it has a manual page'), qr/^NAME\n +hpkp - /m, 'that can be read');
    my $complete = 'bash -c \'. /usr/share/bash-completion/completions/hpkp; '
        . 'COMP_WORDS=(hpkp roll); COMP_CWORD=1; _hpkp; echo "${COMPREPLY[@]}"\'';
    is(as_root($complete, 0, 'bash'), "rollover\n", 'completes its commands');
};

subtest 'a policy' => sub {
    as_root("cd /usr/share/doc/$module_package/conf-examples && ./make-pki.sh /etc/nginx/pki && cp leaf.yaml /etc/nginx/ "
        . '&& cp /etc/nginx/pki/root-a.pem /root/roots.pem && cp /etc/nginx/pki/renewed/unpinned.* /etc/nginx/pki/', 0,
        'certificates and a policy, from the examples of the package');
    serve('www', $pinned);
    as_root('nginx -t', 0, 'nginx takes it');
    as_root('service nginx restart', 0, 'and starts');
    like(as_root($curl, 0, 'a client'), qr/^Public-Key-Pins: max-age=300; pin-sha256=/m, 'is sent the header');
    like(as_root('hpkp ledger show', 0, 'the ledger'), qr/www\.example\.com +policy "www"/, 'knows');
    is(as_root("stat -c '%U:%G %a' $ledger", 0, 'its file'), "root:root 600\n", 'is root\'s alone');
    as_root("setpriv --reuid=www-data --clear-groups mv $ledger /tmp", 1, 'a worker\'s user cannot take it away');
    as_root("setpriv --reuid=www-data --clear-groups cat $ledger", 1, 'nor read it');
};

subtest 'a wrong one' => sub {
    serve('unpinned', $pinned);
    my $refused = as_root('nginx -t', 1, 'a key that nobody pinned is refused');
    like($refused, qr/locks-out-clients/, 'with the reason');
    # Packed from a build tree, it is a page of that tree.
    my ($page) = $refused =~ m{see: (\S+)#locks-out-clients$}m;
    as_root("cd /usr/share/doc/$module_package && grep '^#.*locks-out-clients' $page", 0, 'and the page that it names is there');
    as_root('nginx -s reload', 1, 'by a reload too');
    like(as_root($curl, 0, 'the old configuration'), qr/^Public-Key-Pins:/m, 'goes on serving');
    serve('www', "$pinned # again");
    as_root('nginx -s reload', 0, 'the right one is taken');
};

# An nginx of another ABI, with nothing in it, in a repository of its own.
subtest 'an nginx of another ABI' => sub {
    as_root(<<'END', 0, 'the mirror has a new nginx');
mkdir -p /new/nginx/DEBIAN && cd /new
dpkg-query -s nginx | sed -e '/^Status:/d; s/^Version:.*/Version: 99.0-1/; s/nginx-abi-[^,]*/nginx-abi-99.0-1/' \
    -e 's/^Depends:.*/Depends: nginx-common/' > nginx/DEBIAN/control
dpkg-deb --build nginx nginx.deb
{ cat nginx/DEBIAN/control; echo 'Filename: ./nginx.deb'; echo "Size: $(stat -c %s nginx.deb)"
  echo "SHA256: $(sha256sum nginx.deb | cut -d' ' -f1)"; } > Packages
echo 'deb [trusted=yes] file:/new ./' > sources.list
END
    my $apt = 'apt-get -q -o Dir::Etc::SourceList=/new/sources.list -o Dir::Etc::SourceParts=- -o APT::Get::List-Cleanup=false';
    as_root("$apt update", 0, 'apt sees it');
    like(as_root("$apt -s upgrade", 0, 'apt upgrade'), qr/kept back:\n +nginx\n/, 'keeps the old nginx');
    # apt 3.3 holds nginx back by itself.
    like(as_root("$apt -s dist-upgrade", 0, 'apt full-upgrade'), qr/REMOVED:\n +\Q$module_package\E\n|kept back:\n +nginx\n/,
        'says that the module would have to go, or keeps the old nginx');
    as_root("apt-mark hold $module_package", 0, 'held');
    unlike(as_root("$apt -s dist-upgrade", 0, 'apt full-upgrade'), qr/REMOVED/, 'it stays, and the old nginx with it');
    as_root("apt-mark unhold $module_package", 0, 'as before');
};

subtest 'remove' => sub {
    like(as_root("apt-get remove -q -y $module_package", 0, 'apt removes the module'),
        qr{will not start until.*\n +/etc/nginx/conf\.d/pinned\.conf:6\n}, 'and says which directives have to go');
    as_root($curl, 0, 'the running nginx goes on');
    like(as_root('nginx -t', 1, 'a new one would not start'), qr/unknown directive "hpkp_policy"/, 'for those directives');
    serve('www', '');
    as_root('nginx -t', 0, 'without them it does');
    as_root('nginx -s reload', 0, 'it reloads');
    as_root('service nginx restart', 0, 'and starts');
    unlike(as_root($curl, 0, 'it serves'), qr/^Public-Key-Pins/m, 'without the header');
    like(as_root('hpkp ledger show', 0, 'the ledger'), qr/www\.example\.com/, 'is kept');
};

subtest 'purge' => sub {
    like(as_root("apt-get purge -q -y $module_package", 0, 'apt purges it'), qr/the ledger stays.*\n +rm -f \Q$ledger\E /,
        'and says that the ledger stays');
    like(as_root('hpkp ledger show', 0, 'the ledger'), qr/www\.example\.com/, 'is kept');
    is(as_root('ls -A /etc/nginx/modules-enabled', 0, 'of the rest'), '', 'nothing is left');
    as_root('service nginx restart', 0, 'nginx starts');
};

subtest 'and back' => sub {
    serve('unpinned', '');
    as_root('chown www-data /var/lib/nginx', 0, 'somebody gave the directory to the workers');
    like(as_root("apt-get install -q -y ./${module_package}_*.deb", 0, 'installed again'),
        qr/not root's alone.*\n +chown root:root \S+ && chmod 755 /, 'says that the ledger is not safe there');
    as_root('chown root:root /var/lib/nginx && chmod 755 /var/lib/nginx', 0, 'as it says');
    like(as_root('nginx -t', 1, 'the ledger is obeyed'), qr/locks-out-clients/, 'without a policy');
};

subtest 'nginx purged too' => sub {
    as_root("apt-get purge -q -y $module_package nginx nginx-common", 0, 'apt purges all');
    as_root("ls $ledger", 2, 'nginx-common deletes all of /var/lib/nginx');
    like(as_root("apt-get install -q -y ./${module_package}_*.deb nginx", 0, 'installed again'), qr/\Q$ledger\E is back/,
        'says that the ledger is back');
    like(as_root('hpkp ledger show', 0, 'the ledger'), qr/www\.example\.com/, 'has what it had');
    is(as_root("stat -c '%U:%G %a' $ledger; ls -A /var/backups", 0, 'and'), "root:root 600\n", 'is where it was, once');
};

subtest 'and purged where /var/backups is another file system' => sub {
    as_root('mv /var/backups /var/backups.here && mkdir /dev/shm/backups && ln -s /dev/shm/backups /var/backups', 0,
        'a second name is not possible there');
    as_root("apt-get purge -q -y $module_package nginx nginx-common", 0, 'apt purges all');
    is(as_root('stat -c %h /var/backups/hpkp.ledger', 0, 'a copy'), "1\n", 'is kept');
    like(as_root("apt-get install -q -y ./${module_package}_*.deb nginx", 0, 'installed again'), qr/\Q$ledger\E is back/,
        'says that the ledger is back');
    like(as_root('hpkp ledger show', 0, 'the ledger'), qr/www\.example\.com/, 'has what it had');
    is(as_root("stat -c '%U:%G %a' $ledger; ls -A /var/backups", 0, 'and'), "root:root 600\n", 'is root\'s alone');
    as_root('rm /var/backups && mv /var/backups.here /var/backups', 0, 'as before');
};

subtest 'a new ledger before the old one is back' => sub {
    as_root("apt-get purge -q -y $module_package", 0, 'the module is purged');
    as_root("rm $ledger && echo -n > none.json && hpkp ledger import none.json", 0, 'and somebody makes a new ledger');
    unlike(as_root('hpkp ledger show', 0, 'the new one'), qr/www\.example\.com/, 'knows nothing');
    my $said = as_root("apt-get install -q -y ./${module_package}_*.deb", 0, 'installed again');
    my ($remedy) = $said =~ /is an older ledger and differs.*\n +(hpkp ledger export .*)\n/;
    ok($remedy, 'says that there are two') or return;
    as_root($remedy, 0, 'what it says to do');
    like(as_root('hpkp ledger show', 0, 'the ledger'), qr/www\.example\.com/, 'has what the old one had');
    is(as_root('ls -A /var/backups', 0, 'and'), '', 'there is one');
    as_root("apt-get install -q -y --reinstall ./${module_package}_*.deb", 0, 'once more');
};

subtest 'purge, asked for' => sub {
    as_root("HPKP_PURGE_LEDGER=yes apt-get purge -q -y $module_package hpkp", 0, 'the ledger is not wanted any more');
    as_root("ls $ledger /var/backups/hpkp.ledger", 2, 'it is gone');
    as_root('service nginx restart', 0, 'nginx starts');
};

done_testing;
