#!/bin/bash
# What a load (nginx -t) costs with many servers, each with a certificate of its own: without the module, with it, and
# the ratio.
#
#   t/bench/load.sh [--system] [--instructions N] [SERVERS] [rsa|p256]
#
# 10,000 servers and both kinds of issuer if nothing else is said. --system: the policy names no trust store, so that
# the chains are a private PKI beside the system's bundle; else their root is the one store. --instructions N counts,
# beside the times at SERVERS, the instructions too: under callgrind, as the difference between N and N/2 servers, so
# that the start drops out. They are the figure to trust on a busy machine, but they know nothing of the kernel (the
# fork) nor of anything that grows faster than the number of servers.
#
# CPU time is user and system, with that of the child process that judges; of each kind of run the least is taken.
set -euo pipefail
export LC_ALL=C

usage() { sed -n 's/^#   t\//usage: t\//p' "$0" >&2; exit 2; }
number() { [[ $1 =~ ^[1-9][0-9]*$ ]] || usage; }

here=$(cd "$(dirname "$0")/../.." && pwd)
module=${HPKP_MODULE:-$here/build/ngx_http_hpkp_module.so}
nginx=${HPKP_NGINX:-/usr/sbin/nginx}
servers=10000 kinds="rsa p256" trust=own counted=0

while [ $# -gt 0 ]; do
    case $1 in
    --system) trust=system ;;
    --instructions) counted=${2:-}; number "$counted"; shift ;;
    rsa|p256) kinds=$1 ;;
    *) number "$1"; servers=$1 ;;
    esac
    shift
done
[ "$counted" != 1 ] || usage

for tool in g++ pkg-config "$nginx" $([ "$counted" = 0 ] || echo valgrind); do
    command -v "$tool" > /dev/null || { echo "load.sh: no $tool (Debian: g++ pkg-config nginx valgrind)" >&2; exit 1; }
done
pkg-config --exists libcrypto || { echo "load.sh: no libcrypto for pkg-config (Debian: libssl-dev)" >&2; exit 1; }
[ -e "$module" ] || { echo "load.sh: no $module (build first)" >&2; exit 1; }

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
# shellcheck disable=SC2046  # a list of words
g++ -std=c++17 -O2 -Wall -Wextra -Werror -I"$here/src/core" "$here/t/bench/make_chains.cpp" -o make_chains \
    $(pkg-config --cflags --libs libcrypto)

port=$((20000 + RANDOM % 10000))
runs=$((servers > 5000 ? 3 : 5))
most=$((servers > counted ? servers : counted))

# FILE PIN...
policy() {
    local file=$1 pin
    shift
    echo "version: 1" > "$file"
    [ $trust = system ] || echo "trust: {bench: chains/root.pem}" >> "$file"
    echo "policies: {bench: {enforce: {max-age: 1d}, pins: [" >> "$file"
    for pin; do echo "    {pin-sha256: \"$pin\"}," >> "$file"; done
    echo "]}}" >> "$file"
}

# FILE SERVERS [POLICY]. The hash of names is large enough to fit at once: nginx would search for its size, and that
# time would stand below the module's in the ratio.
conf() {
    local file=$1 n=$2 policy=${3:-} i
    {
        [ -z "$policy" ] || echo "load_module $module;"
        cat << END
pid nginx.pid;
error_log error.log;
events {}
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server_names_hash_max_size 131072;
    server_names_hash_bucket_size 256;
    ${policy:+hpkp_policy $policy; hpkp_ledger hpkp.ledger;}
END
        for ((i = 0; i < n; i++)); do
            echo "server { listen 127.0.0.1:$port ssl; server_name www$i.example.com; ssl_certificate chains/$i.pem; ssl_certificate_key chains/$i.key; }"
        done
        echo "}"
    } > "$file"
}

# CONF [COMMAND...]: nginx -t, by way of COMMAND
load() {
    local conf=$1
    shift
    "$@" "$nginx" -t -q -p "$dir" -c "$conf" -e error.log > output 2>&1
}

failed() { echo "load.sh: $1" >&2; tail -n 20 output >&2; exit 1; }

# CONF: "WALL CPU" in microseconds
TIMEFORMAT='%R %U %S'
timed() {
    local spent
    spent=$({ time load "$1"; } 2>&1) || failed "$1 is refused"
    awk '{ printf "%.0f %.0f\n", $1 * 1e6, ($2 + $3) * 1e6 }' <<< "$spent"
}

# CONF: its instructions, those of the child process too. A child goes on counting from where its parent stood: so the
# count is written out and begins anew at the fork, and the sum of all files is right.
instructions() {
    local files
    rm -f callgrind.out.*
    load "$1" valgrind --tool=callgrind --callgrind-out-file=callgrind.out.%p --dump-before=fork || failed "$1 is refused"
    files=(callgrind.out.*)
    [ ${#files[@]} != 2 ] || failed "callgrind has missed the fork, and counts twice what was before it"
    sed -n 's/^summary: //p' "${files[@]}" | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# least NAME VALUE: keeps the smaller one
least() { local -n kept=$1; kept=$((${kept:-0} > 0 && kept < $2 ? kept : $2)); }

# NAME WITHOUT WITH SERVERS
row() { awk -v name="$1" -v a="$2" -v b="$3" -v n="$4" 'BEGIN { printf "%-20s %12.1f %12.1f %12.1f %8.3f\n", name, a / n, b / n, (b - a) / n, b / a }'; }

times() {
    local without_wall=0 without_cpu=0 with_wall=0 with_cpu=0 wall cpu
    conf without.conf "$servers"
    conf with.conf "$servers" policy.yaml
    load without.conf || failed "the configuration without the module is refused"
    load with.conf || failed "the configuration with the module is refused"
    for ((run = 0; run < runs; run++)); do
        read -r wall cpu <<< "$(timed without.conf)"
        least without_wall "$wall"; least without_cpu "$cpu"
        read -r wall cpu <<< "$(timed with.conf)"
        least with_wall "$wall"; least with_cpu "$cpu"
    done
    row "CPU time, us" $without_cpu $with_cpu "$servers"
    row "wall time, us" $without_wall $with_wall "$servers"
}

counts() {
    local half=$((counted / 2)) n without with
    for n in $half "$counted"; do
        conf without.conf "$n"
        conf with.conf "$n" policy.yaml
        without[n]=$(instructions without.conf)
        with[n]=$(instructions with.conf)
    done
    row instructions $((without[counted] - without[half])) $((with[counted] - with[half])) $((counted - half))
}

for kind in $kinds; do
    rm -rf chains
    mkdir chains
    ./make_chains chains "$most" "$kind" > pins
    mapfile -t pins < pins

    # Figures of a module that does not judge would be good ones.
    policy policy.yaml "${pins[1]}" "${pins[2]}"
    conf wrong.conf 1 policy.yaml
    ! load wrong.conf || failed "a policy that pins nothing of the chain is not refused"
    grep -q no-pin-in-chain output || failed "a policy that pins nothing of the chain is refused for another reason"

    policy policy.yaml "${pins[@]}"
    printf '%-20s %12s %12s %12s %8s\n' "$kind, $servers servers" without with extra ratio
    times
    [ "$counted" = 0 ] || counts
done
