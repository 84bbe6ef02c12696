# docs/start.md, from the first command to the last, by somebody who has a server with a certificate by certbot. How the
# page tells what is typed where is in t/lib/HPKP/DocsPage.pm; certbot is a stand-in that takes the options of the page.

use lib 't/lib';
use HPKP::Test;
use HPKP::DocsPage qw(run_page);

run_page('start', before => \&with_certbot, http => <<'END');
server {
    listen 443 ssl;
    server_name www.example.com;
    ssl_certificate     /etc/letsencrypt/live/www.example.com/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/www.example.com/privkey.pem;
}
END

sub with_certbot {
    my ($page) = @_;
    my ($pki, $live, $renewal) = ($page->pki, map { $page->path("/etc/letsencrypt/$_") } qw(live/www.example.com renewal));
    output_of('sh', '-euc', 'mkdir -p "$2" "$3"; cp "$1/www.pem" "$2/fullchain.pem"; cp "$1/www.key" "$2/privkey.pem"', 'sh',
        $pki, $live, $renewal);

    $page->put_command('certbot', <<"END");
unknown() { echo "unknown: \$*" >&2; exit 2; }
certify() {     # PUBLIC-KEY CHAIN
    openssl x509 -new -sha256 -force_pubkey "\$1" -extfile $pki/offline/openssl.cnf -extensions leaf -subj /CN=www.example.com \\
        -days 90 -out "\$2" -CA $pki/intermediate-a.pem -CAkey $pki/offline/intermediate-a.key
    cat $pki/intermediate-a.pem >> "\$2"
}
case "\$*" in
'certonly --webroot -w /var/www/html --csr backup-1.csr --fullchain-path rehearsal.pem')
    openssl req -in backup-1.csr -noout -pubkey > request.pub
    certify request.pub rehearsal.pem
    rm request.pub
    echo 'Successfully received certificate.'
    ;;
'renew --cert-name www.example.com --force-renewal --reuse-key --deploy-hook '*)
    for hook; do :; done
    openssl pkey -in $live/privkey.pem -pubout -out $renewal/key.pub
    certify $renewal/key.pub $live/fullchain.pem
    echo 'reuse_key = True' > $renewal/www.example.com.conf
    RENEWED_LINEAGE=$live RENEWED_DOMAINS=www.example.com sh -c "\$hook"
    ;;
*) unknown "\$@" ;;
esac
END
}

done_testing;
