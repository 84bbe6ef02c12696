# docs/apps.md, from the first command to the last: a server whose app has pins, and the app's own tree. How the page tells
# what is typed where is in t/lib/HPKP/DocsPage.pm.

use lib 't/lib';
use HPKP::Test;
use HPKP::DocsPage qw(run_page);

run_page('apps', before => \&with_an_app, http => <<'END');
server {
    listen 443 ssl;
    server_name www.example.com;
    ssl_certificate     /etc/nginx/tls/www.example.com/fullchain.pem;
    ssl_certificate_key /etc/nginx/tls/www.example.com/privkey.pem;
}
END

# Both trees, and the certificates that the page's reader gets on the way.
sub with_an_app {
    my ($page) = @_;

    output_of('sh', '-euc', <<'END', 'sh', $page->pki, $page->path('/etc/nginx'), $page->path('/etc/nginx') . '/../app');
cd "$2"
mkdir -p pins tls/www.example.com old renewed new "$3"
ln -s "$2/pins" "$3/pins"
cp "$1"/backup-?.csr pins/
for place in tls/www.example.com old; do
    cp "$1/www.pem" $place/fullchain.pem
    cp "$1/www.key" $place/privkey.pem
done
cp "$1/renewed/unpinned.pem" renewed/fullchain.pem
cp "$1/renewed/unpinned.key" renewed/privkey.pem
cp "$1/renewed/backup-1.pem" new/fullchain.pem
cp "$1/offline/backup-1.key" new/privkey.pem

cd "$1"
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout offline/backup-3.key -subj /CN=www.example.com \
    -out "$2/pins/backup-3.csr"
openssl x509 -req -in "$2/pins/backup-3.csr" -CA intermediate-a.pem -CAkey offline/intermediate-a.key -days 365 \
    -extfile offline/openssl.cnf -extensions leaf -out "$2/too-early.pem"
cat intermediate-a.pem >> "$2/too-early.pem"
END
}

done_testing;
