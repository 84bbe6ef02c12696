#!/bin/sh
# A hook for dehydrated: a renewed certificate reaches nginx only if no client is locked out by it.
#
# Install this file and deploy.sh into one directory, such as /etc/nginx/renewal, both executable and root's. Then in
# dehydrated's config, or for one certificate in certs/NAME/config:
#
#     HOOK=/etc/nginx/renewal/dehydrated.sh
#     PRIVATE_KEY_RENEW=no
#
# Settings of deploy.sh go into dehydrated's config too: export HPKP_POLICY=/etc/nginx/shop.yaml. Where certificates
# differ in them, have a hook of your own set them by its $2, the certificate's name, and call this one.
#
# PRIVATE_KEY_RENEW=no: the pinned key stays. Without it every renewal has a new key, which nobody pinned, and is refused
# here. To change the key, renew with a backup that is pinned: put its key in the place of certs/NAME/privkey.pem, or
# dehydrated --signcsr backup.csr > chain.pem and deploy.sh by hand.
#
# What was refused is tried again whenever dehydrated runs: a backup whose time has not come is deployed on its day.
set -eu

# Other hooks, for challenges say, have other work: have them call this one, or put theirs here.
case ${1-} in
    deploy_cert|unchanged_cert) ;;
    *) exit 0 ;;
esac
[ $# -ge 6 ] || { echo "usage: $0 $1 DOMAIN KEYFILE CERTFILE FULLCHAINFILE CHAINFILE [TIMESTAMP]" >&2; exit 2; }

# dehydrated tells the first name only: the hosts are those of the certificate, or HPKP_HOSTS.
exec "$(dirname "$0")/deploy.sh" "$2" "$5" "$3"
