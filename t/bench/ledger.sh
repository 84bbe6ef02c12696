#!/bin/bash
# What a large ledger adds to a load: ENTRIES entries of other hosts and of the servers' own, SERVERS servers with
# a certificate each; without a ledger, and with it.
#
#   t/bench/ledger.sh [ENTRIES] [SERVERS]
#
# 1,000,000 entries and 10,000 servers if nothing is said. nginx -t: seconds of user and system time, the least of three
# runs. Then a start, which writes.
set -euo pipefail
export LC_ALL=C

entries=${1:-1000000} servers=${2:-10000}
here=$(cd "$(dirname "$0")/../.." && pwd)
module=${HPKP_MODULE:-$here/build/ngx_http_hpkp_module.so}
tool=${HPKP_TOOL:-$here/build/hpkp}
nginx=${HPKP_NGINX:-/usr/sbin/nginx}
for file in "$module" "$tool"; do
    [ -e "$file" ] || { echo "ledger.sh: no $file (build first)" >&2; exit 1; }
done
command -v "$nginx" > /dev/null || { echo "ledger.sh: no $nginx (Debian: nginx)" >&2; exit 1; }

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
# shellcheck disable=SC2046  # a list of words
g++ -std=c++17 -O2 -I"$here/src/core" "$here/t/bench/make_chains.cpp" -o make_chains $(pkg-config --cflags --libs libcrypto)
mkdir chains
mapfile -t pins < <(./make_chains chains "$servers" rsa)
{
    echo "version: 1"
    echo "trust: {bench: chains/root.pem}"
    echo "policies: {bench: {enforce: {max-age: 1d}, pins: ["
    printf '    {pin-sha256: "%s"},\n' "${pins[@]}"
    echo "]}}"
} > policy.yaml

# The first SERVERS entries are of the servers' own hosts, the rest of hosts beside them and elsewhere.
perl -e '
    my ($entries, $servers, $time, @pins) = @ARGV;
    my $policy = sprintf q({"clients":["chain"],"includeSubDomains":false,"kind":"enforce","max-age":[{"for":0,"value":86400}],)
        . q("pins":[%s],"policy":"bench","trust":{},"version":1}), join ",", map qq({"name":"","pin-sha256":"$_"}), @pins;
    for my $i (0 .. $entries - 1) {
        my $host = $i < $servers ? "www$i.example.com" : $i % 2 ? "other$i.example.com" : "host$i.example$i.net";
        printf q({"anchor":%d,"exceptions":[],"first-sent":%d,"host":"%s","id":"%016x","instance":"elsewhere","last-sent":%d,)
            . q("one-label":false,"open":false,"policy":%s,"type":"entry","version":1}) . "\n",
            $time - 9000, $time - 9000, $host, $i, $time, $policy;
    }' "$entries" "$servers" "$(date +%s)" "${pins[@]}" > export.jsonl
"$tool" ledger import export.jsonl --ledger "$dir/ledger" > /dev/null
echo "$entries entries: $(stat -c %s ledger) bytes"

# FILE LEDGER
conf() {
    {
        echo "load_module $module; pid nginx.pid; error_log error.log; events {}"
        echo "http { access_log off; server_names_hash_max_size 131072; server_names_hash_bucket_size 256;"
        echo "hpkp_ledger $2; hpkp_policy policy.yaml;"
        for ((i = 0; i < servers; i++)); do
            echo "server { listen 127.0.0.1:23456 ssl; server_name www$i.example.com; ssl_certificate chains/$i.pem; ssl_certificate_key chains/$i.key; }"
        done
        echo "}"
    } > "$1"
}
conf without.conf off
conf with.conf "$dir/ledger"

TIMEFORMAT='%U %S'
# CONF: seconds
timed() {
    local spent best=
    for _ in 1 2 3; do
        spent=$({ time "$nginx" -t -q -p "$dir" -c "$1" -e error.log > output 2>&1; } 2>&1) \
            || { echo "ledger.sh: $1 is refused" >&2; tail output >&2; exit 1; }
        spent=$(awk '{ print $1 + $2 }' <<< "$spent")
        best=$(awk -v a="${best:-$spent}" -v b="$spent" 'BEGIN { print a < b ? a : b }')
    done
    echo "$best"
}
without=$(timed without.conf)
with=$(timed with.conf)
awk -v a="$without" -v b="$with" 'BEGIN { printf "nginx -t: without %.2f s, with %.2f s: %.2f s more\n", a, b, b - a }'

# A start writes an entry for each server's host, and settles them. Seconds by the clock, once, until nginx is a daemon.
# CONF: seconds
started() {
    local spent
    spent=$({ TIMEFORMAT=%R; time "$nginx" -p "$dir" -c "$1" -e error.log > output 2>&1; } 2>&1) \
        || { echo "ledger.sh: $1 is refused" >&2; tail output >&2; exit 1; }
    kill -QUIT "$(cat nginx.pid)"
    while [ -e nginx.pid ]; do sleep 0.2; done
    echo "$spent"
}
without=$(started without.conf)
with=$(started with.conf)
awk -v a="$without" -v b="$with" 'BEGIN { printf "first start: without %.2f s, with %.2f s: %.2f s more\n", a, b, b - a }'
