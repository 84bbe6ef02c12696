#!/bin/bash
# Builds the dynamic module with nginx's own configure and make, out of tree: for CMakeLists.txt.
#
#   build.sh BUILD_DIR OUTPUT [NGINX_SOURCE_DIR [EXTRA_FLAGS [MODULE_DIR]]]
#
# Without NGINX_SOURCE_DIR, for the nginx whose headers Debian's nginx-dev has installed, with that nginx's own flags.
set -euo pipefail

build=$1 output=$2 nginx_source=${3:-} flags=${4:-}
here=${5:-$(cd "$(dirname "$0")/../.." && pwd)}
installed=/usr/share/nginx/src

case "$build$here" in
*\ *)
    echo "build.sh: nginx's configure takes no path with a space: $here, $build" >&2
    exit 1
    ;;
esac

if [ -z "$nginx_source" ]; then
    nginx_source=$installed
fi
if [ ! -e "$nginx_source/auto/module" ]; then
    echo "build.sh: no nginx source in $nginx_source: apt-get install nginx-dev, or cmake -DNGINX_SOURCE_DIR=DIR" >&2
    exit 1
fi

# Configure writes where it stands, so it stands in a copy.
mkdir -p "$build"
rm -rf "$build/source"
cp -r "$nginx_source" "$build/source"
cd "$build/source"
[ -x ./configure ] || ln -s auto/configure configure

conf_flags=(--with-compat --with-http_ssl_module --with-http_v2_module)
if [ -e conf_flags ]; then
    NGX_CONF_FLAGS=()
    . ./conf_flags
    conf_flags=("${NGX_CONF_FLAGS[@]}")
fi
./configure "${conf_flags[@]}" --builddir=objs --with-cc-opt="-g -O2 -fPIC -fstack-protector-strong $flags" \
    --with-ld-opt="-Wl,-z,relro -Wl,-z,now -fPIC $flags" --add-dynamic-module="$here" > "$build/configure.log" 2>&1 || {
    tail -n 20 "$build/configure.log" >&2
    exit 1
}
# A make above this one may hand down its job server; this one has its own.
env -u MAKEFLAGS make --silent -f objs/Makefile -j"$(nproc)" modules
cp "objs/$(basename "$output")" "$output.new"
mv "$output.new" "$output"
