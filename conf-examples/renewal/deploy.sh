#!/bin/sh
# Puts a renewed certificate where nginx reads it, once hpkp has proved that no client is locked out by it.
#
#     deploy.sh NAME CHAIN KEY [HOST...]
#
# NAME   the certificate's, for a directory of that name. nginx reads the two files in it, and no others:
#            ssl_certificate      /etc/nginx/tls/NAME/fullchain.pem;
#            ssl_certificate_key  /etc/nginx/tls/NAME/privkey.pem;
# CHAIN  the new chain, leaf first, and KEY its private key: PEM files, as the ACME client keeps them
# HOST   the server's names; left out: those of the certificate
#
# hpkp check; copy; nginx -t; reload. If any of them fails, the old files are back in their place, nginx serves on as
# before, and the exit status is 1. certbot.sh, acme.sh and dehydrated.sh beside this file call it, each for its
# client. By hand, as root: for the first certificate, before nginx.conf names its files; and to try again what was
# refused.
set -euf

# Settings, from the environment. A command may have arguments, but none with a space in it.
policy=${HPKP_POLICY:-/etc/nginx/pins.yaml}
policy_names=${HPKP_POLICY_NAME:-}             # where the file has several policies: those of this server, with spaces between
ledger=${HPKP_LEDGER:-/var/lib/nginx/hpkp.ledger}
tls=${HPKP_TLS_DIR:-/etc/nginx/tls}
hpkp=${HPKP_COMMAND:-hpkp}
nginx_test=${HPKP_NGINX_TEST:-nginx -t}
nginx_reload=${HPKP_NGINX_RELOAD:-nginx -s reload}   # it judges again; systemctl reload would not say if it was refused
hosts=${HPKP_HOSTS:-}                          # nginx's server_name; left out: the HOSTs given

if [ $# -lt 3 ]; then
    echo "usage: $0 NAME CHAIN KEY [HOST...]" >&2
    exit 2
fi
name=$1 chain=$2 key=$3
shift 3
again="$0 $name $chain $key${*:+ $*}"
live=$tls/$name

fail() {
    printf 'hpkp deploy: %s: %s\n' "$name" "$1" >&2
    [ ! -e "$live" ] || printf '    The files in %s are as they were, and nginx serves on with them.\n' "$live" >&2
    printf '    %s\n    Then, as root and with the same settings: %s\n' "$2" "$again" >&2
    exit 1
}

case $name in
    ''|.*|-*|*/*) echo "hpkp deploy: \"$name\" cannot be the name of a directory" >&2; exit 2 ;;
esac
if [ -e "$live" ] && ! [ -L "$live" ]; then
    fail 'that directory was not made by this script' "Move it away: mv $live $live.old"
fi

# An ACME client may call again with what is there already.
if cmp -s "$chain" "$live/fullchain.pem" && cmp -s "$key" "$live/privkey.pem"; then
    exit 0
fi

# The chain is judged as nginx will judge it, by the pins that are configured and those that clients still hold.
# shellcheck disable=SC2086  # the words are wanted, and set -f keeps "*.example.com" as it is
[ -z "$hosts" ] || set -- $hosts
count=$#
while [ "$count" -gt 0 ]; do
    set -- "$@" --host "$1"
    shift
    count=$((count - 1))
done
for policy_name in $policy_names; do
    set -- "$@" --name "$policy_name"
done
# shellcheck disable=SC2086
$hpkp check "$policy" --chain "$chain" --ledger "$ledger" "$@" >&2 || case $? in
    1) fail 'the new certificate is not deployed, because of the errors above' \
        'Renew with the key of before, or with that of a pinned backup; where a date is named above, wait for it.' ;;
    *) fail 'the new certificate could not be judged, see above, and is not deployed' 'Mend what it names.' ;;
esac

# The new files in a directory of their own, then one rename that puts it in the place of the old one: nginx never
# finds a certificate beside another's key, whenever the power fails.
umask 077
mkdir -p "$tls"
old=$(readlink "$live") || old=
new=$(mktemp -d "$tls/$name.XXXXXXXX")

point_to() {
    ln -s "$1" "$new/link"
    mv -fT "$new/link" "$live"
}
undo() {
    if [ "$(readlink "$live")" = "${new##*/}" ]; then
        if [ -n "$old" ]; then point_to "$old"; else rm -f "$live"; fi
    fi
    rm -rf "$new"
}
trap undo EXIT
trap 'exit 130' HUP INT TERM

cp "$chain" "$new/fullchain.pem"
cp "$key" "$new/privkey.pem"
sync
point_to "${new##*/}"

$nginx_test >&2 || fail 'nginx refuses the configuration with the new certificate, see above' 'Mend what it names.'
$nginx_reload >&2 || fail 'nginx could not be reloaded, see above' 'Start it, or mend what it names.'

trap - EXIT HUP INT TERM
[ -z "$old" ] || rm -rf "${tls:?}/$old"
echo "hpkp deploy: $name: deployed"
