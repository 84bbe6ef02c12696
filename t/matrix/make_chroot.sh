#!/bin/sh
# Makes a chroot of a Debian suite, from the mirror that apt on this machine uses.
#
#     t/matrix/make_chroot.sh SUITE DIR [OPTION_OF_MMDEBSTRAP...]       SUITE may be "here": the one of this machine
#
# Wants root and mmdebstrap. Prints what mmdebstrap says; t/matrix/enter.sh goes in.
set -eu

fail() { echo "t/matrix/make_chroot.sh: $*" >&2; exit 2; }

[ $# -ge 2 ] || fail 'usage: SUITE DIR [OPTION_OF_MMDEBSTRAP...]'
suite=$1 root=$2
shift 2
[ "$(id -u)" -eq 0 ] || fail 'run it as root: it makes a chroot'
for tool in mmdebstrap unshare; do
    command -v $tool > /dev/null || fail "$tool is missing: apt-get install mmdebstrap util-linux"
done

work=$(mktemp -d "${TMPDIR:-/tmp}/hpkp-chroot.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM

# As apt here reaches the mirror: its proxy, and whether it believes an old one.
{
    echo 'Acquire::Languages "none";'
    [ -z "${http_proxy-}" ] || echo "Acquire::http::Proxy \"$http_proxy\";"
    apt-config dump 2> /dev/null | grep -E '^Acquire::(https?::Proxy|Check-)' || :
} > "$work/apt.conf"

# What apt here has: the name of a release and where it has that from, a line each. In sid, /etc/os-release has no "sid".
releases=$(apt-get indextargets --format "\$(CODENAME) \$(COMPONENT) \$(REPO_URI)" 'Created-By: Packages' 2> /dev/null \
    | sed -n 's/ main / /p')
mirror_of() { echo "$releases" | sed -n "s/^$1 //p" | sed -n 1p; }

here=$(echo "$releases" | sed -n 's,^\([^ -]*\) .*/debian/$,\1,p' | sed -n 1p)
[ "$suite" != here ] || suite=$here
[ -n "$suite" ] || fail 'apt knows no Debian here: apt-get update'
mirror=$(mirror_of "$here")
security=$(mirror_of "$here-security")
case $mirror in
*/debian/) ;;
*) mirror=http://deb.debian.org/debian/ security='' ;;   # this is not Debian
esac
: "${security:=http://deb.debian.org/debian-security/}"

{
    echo "deb $mirror $suite main"
    [ "$suite" = sid ] || echo "deb $security $suite-security main"
} > "$work/hpkp.list"

# Should it be killed, it leaves nothing mounted.
unshare --mount mmdebstrap --mode=root --aptopt="$work/apt.conf" "$@" "$suite" "$root" "$work/hpkp.list" ||
    fail "no chroot: does $mirror have $suite?"
printf '127.0.0.1 localhost\n::1 localhost\n' > "$root/etc/hosts"
