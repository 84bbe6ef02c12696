#!/bin/sh
# A deploy hook for certbot: a renewed certificate reaches nginx only if no client is locked out by it.
#
# Install this file and deploy.sh into one directory, such as /etc/nginx/renewal, both executable and root's. Then, once:
#
#     certbot certonly --webroot -w /var/www/html -d www.example.com --reuse-key \
#         --deploy-hook /etc/nginx/renewal/certbot.sh
#
# certbot keeps both for every renewal of this certificate. Settings of deploy.sh go before the path:
# --deploy-hook 'env HPKP_POLICY=/etc/nginx/shop.yaml /etc/nginx/renewal/certbot.sh'. For a certificate that certbot has
# already: certbot renew --cert-name NAME --force-renewal --reuse-key --deploy-hook ...
#
# --reuse-key: the pinned key stays. Without it every renewal has a new key, which nobody pinned, and is refused here.
# To change the key, renew with a backup that is pinned: certbot certonly --csr backup.csr, and deploy.sh by hand, since
# certbot keeps no key then.
#
# certbot exits with 0 even if a deploy hook failed, and asks no second time: watch its log for "reported error code",
# or nginx for a certificate that runs out.
set -eu

: "${RENEWED_LINEAGE:?is not set: this is a deploy hook of certbot}"
: "${RENEWED_DOMAINS:?is not set: this is a deploy hook of certbot}"

set -f   # a name may be *.example.com
# shellcheck disable=SC2086
exec "$(dirname "$0")/deploy.sh" "${RENEWED_LINEAGE##*/}" "$RENEWED_LINEAGE/fullchain.pem" \
    "$RENEWED_LINEAGE/privkey.pem" $RENEWED_DOMAINS
