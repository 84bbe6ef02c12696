#!/bin/sh
# A reload command for acme.sh: a renewed certificate reaches nginx only if no client is locked out by it.
#
# Install this file and deploy.sh into one directory, such as /etc/nginx/renewal, both executable and root's. Then, once:
#
#     acme.sh --install-cert -d www.example.com --reloadcmd /etc/nginx/renewal/acme.sh
#
# Without --key-file, --fullchain-file and the like: acme.sh copies those before it asks anybody. It keeps the command
# for every renewal. Settings of deploy.sh go before the path:
# --reloadcmd 'HPKP_POLICY=/etc/nginx/shop.yaml /etc/nginx/renewal/acme.sh'.
#
# acme.sh renews with the key of before unless it is told --always-force-new-domain-key: leave that out. To change the
# key, renew with a backup that is pinned: acme.sh --signcsr --csr backup.csr, and deploy.sh by hand, since acme.sh has
# no key then.
#
# acme.sh goes on if its reload command failed, and only prints "Reload error": watch its log for that, or nginx for a
# certificate that runs out. acme.sh --issue takes this script as --renew-hook too, and then fails with it; but only
# renewals call it.
set -eu

: "${Le_Domain:?is not set: this is a reload command of acme.sh}"
: "${CERT_FULLCHAIN_PATH:?is not set: this is a reload command of acme.sh}"
: "${CERT_KEY_PATH:?is not set: this is a reload command of acme.sh}"

# acme.sh tells the first name only: the hosts are those of the certificate, or HPKP_HOSTS.
exec "$(dirname "$0")/deploy.sh" "$Le_Domain" "$CERT_FULLCHAIN_PATH" "$CERT_KEY_PATH"
