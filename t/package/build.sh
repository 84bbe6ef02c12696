#!/bin/sh
# Makes the Debian packages libnginx-mod-http-hpkp and hpkp, for the nginx that is installed here.
#
#     t/package/build.sh [DIR]                 compiles in a copy of the tree; DIR is build-packages/ if not given
#     t/package/build.sh --from BUILD [DIR]    packs what BUILD has compiled already (cmake -B BUILD): seconds instead of
#                                              minutes, but without the packages' own compiler flags. For t/packages.t
#
# Installs what is missing first (as root or with sudo). Prints the packages, one a line; what the build said only if it
# failed. A working tree needs no git add: files that git would add are in.
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
built=
if [ "${1-}" = --from ]; then
    [ -e "${2-}/ngx_http_hpkp_module.so" ] || {
        echo "t/package/build.sh: ${2-} is no build tree with a module in it" >&2
        exit 2
    }
    built=$(cd "$2" && pwd)
    shift 2
fi
out=${1-$top/build-packages}
mkdir -p "$out"
out=$(cd "$out" && pwd)

cd "$top"
. t/packages.sh
# shellcheck disable=SC2086  # a list of words
hpkp_install $HPKP_BUILD_PACKAGES debhelper >&2

work=$(mktemp -d "${TMPDIR:-/tmp}/hpkp-package.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
t/matrix/copy_tree.sh "$work/tree"
cd "$work/tree"

[ -n "$built" ] || echo 't/package/build.sh: compiles, which takes some minutes' >&2
[ -z "$built" ] || export HPKP_BUILT="$built" DEB_BUILD_OPTIONS="noautodbgsym ${DEB_BUILD_OPTIONS-}"
dpkg-buildpackage -us -uc -b > "$work/log" 2>&1 || {
    tail -n 60 "$work/log" >&2
    exit 1
}
for package in "$work"/*.deb; do
    mv "$package" "$out/"
    echo "$out/$(basename "$package")"
done
