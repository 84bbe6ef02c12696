#!/bin/sh
# Builds nginx with the module linked in (--add-module), and runs with it the tests of what may differ then: that it starts,
# reloads, and has its place among the filters.
#
#     t/matrix/linked.sh --source DIR    puts the source of the installed Debian nginx into DIR (network, a deb-src line)
#     t/matrix/linked.sh DIR             configures, builds and tests that, in DIR and in build/; needs no network
#     t/matrix/linked.sh --sanitize DIR  the same in build-asan/: nginx and the module with the address and undefined
#                                        behaviour sanitizers, and each piece of nginx's pools allocated for itself
#                                        (NGX_DEBUG_PALLOC), so that a byte too far in one is seen
#
# After t/run.sh (or t/run.sh --sanitize), whose tool and packages the tests use. Exits with 0 only if everything passed.
set -eu
cd "$(dirname "$0")/../.."

build=build
sanitize=
if [ "${1-}" = --sanitize ]; then
    build=build-asan
    # Two habits of nginx's own: copying 0 bytes from NULL (ngx_pstrdup()), and reading four bytes of a request line at once
    # wherever they stand (ngx_str3_cmp(), where the processor can). t/run.sh --sanitize looks for both in the module.
    sanitize='-fsanitize=address,undefined -fno-sanitize=nonnull-attribute,alignment -fno-sanitize-recover=undefined'
    shift
fi

if [ "${1-}" = --source ]; then
    rm -rf "$2"
    mkdir -p "$2"
    cd "$2"
    apt-get -q update
    # nginx's own source, without Debian's patches. A mirror may have lost what it replaced today: any version will do.
    for version in $(dpkg-query -W -f '${source:Version}' nginx) $(apt-cache showsrc nginx | sed -n 's/^Version: //p'); do
        if apt-get -q -o APT::Sandbox::User=root --tar-only source "nginx=$version"; then
            mkdir nginx
            tar -xf nginx_*.tar.* -C nginx --strip-components=1
            exit 0
        fi
    done
    echo "$0: the mirror has no source of nginx" >&2
    exit 1
fi

top=$(pwd)
cd "$1/nginx"
modules='http_ssl http_v2 http_auth_request http_slice http_sub http_addition http_stub_status'
# The client of t/http3.t is curl; where it has no HTTP/3 (before Debian 13), that file would only say so.
if grep -q with-http_v3_module auto/options && curl --version | grep -q ' HTTP3'; then
    modules="$modules http_v3"
fi

set --
for module in $modules; do set -- "$@" "--with-${module}_module"; done
if [ -n "$sanitize" ]; then
    # GCC 12 takes std::optional for uninitialised under -fsanitize.
    set -- "$@" --with-debug --with-cc-opt="-O1 -g1 -fno-omit-frame-pointer -DNGX_DEBUG_PALLOC=1 -Wno-error=maybe-uninitialized $sanitize" --with-ld-opt="$sanitize"
fi
./configure --prefix=/usr/share/nginx --builddir="$top/$build/linked" "$@" --add-module="$top" \
    > "$top/$build/linked.log" 2>&1 || { tail -n 40 "$top/$build/linked.log"; exit 1; }
make --silent -j"$(nproc)" -f "$top/$build/linked/Makefile" binary

cd "$top"
export HPKP_BUILD="$build" HPKP_NGINX="$top/$build/linked/nginx" HPKP_MODULE=linked
"$HPKP_NGINX" -V
set -- t/start.t t/reload.t t/emission.t t/http2.t t/http3.t t/once.t t/variables.t t/ledger.t
if [ -n "$sanitize" ]; then
    # nginx itself leaves memory at its end.
    export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1
    set -- "$@" t/ramp.t t/drain.t t/upgrade.t t/crash.t t/sni_host.t t/secure.t t/chains.t t/proofs.t t/lockout.t t/signals.t
fi
prove -I t/lib -j2 "$@"
