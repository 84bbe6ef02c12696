#!/bin/bash
# What a ledger adds to a load, and how large it is: without one, and with one of so many entries; the difference and
# the ratio.
#
#     t/bench/ledger.sh [--servers N] [--runs N] [--start] [ENTRIES]...
#
# 10,000 servers with a certificate each, and 1,000, 100,000 and 1,000,000 entries if nothing is said. Installs what is
# missing and builds; see common.sh. The first entries are of the servers' own hosts, the rest of other ones: of the same
# domain and of others, in turn. nginx -t, user and system time; runs without and with alternate, and the medians
# count. --start: then a start, which writes an entry for each server's host and settles them; by the clock, as often,
# and each with the ledger as it was before.
# shellcheck source=t/bench/common.sh
. "$(dirname "$0")/common.sh"

servers=10000 runs=3 started='' sizes=()
while [ $# -gt 0 ]; do
    case $1 in
    --servers) servers=${2:-}; number "$servers"; shift ;;
    --runs) runs=${2:-}; number "$runs"; shift ;;
    --start) started=1 ;;
    *) number "$1"; sizes+=("$1") ;;
    esac
    shift
done
[ ${#sizes[@]} -gt 0 ] || sizes=(1000 100000 1000000)
bench_begin "hpkp_module hpkp_tool"
[ -x "$tool" ] || fail "no $tool"
compile make_chains
mkdir chains
./make_chains chains "$servers" rsa > pins
mapfile -t pins < pins
policy_file policy.yaml "${pins[@]}"

# CONF: seconds by the clock until nginx is a daemon
start_time() {
    local spent TIMEFORMAT=%R
    spent=$({ time "$nginx" -p "$dir" -c "$1" -e error.log > output 2>&1; } 2>&1) || fail "$1 is refused"
    kill -QUIT "$(cat nginx.pid)"
    while [ -e nginx.pid ]; do sleep 0.2; done
    echo "$spent"
}

header() { printf '%10s %12s %10s %12s %12s %12s %8s\n' entries bytes "an entry" "$1" "$2" extra ratio; }
conf_of_servers without.conf "$servers" "hpkp_policy policy.yaml; hpkp_ledger off;"
echo "nginx -t, $servers servers, in ms of CPU time"
header "ledger off" on
for entries in "${sizes[@]}"; do
    rm -f "$entries.ledger"
    "$here/t/bench/make_export.pl" "$entries" "$servers" "${pins[@]}" > export.jsonl
    "$tool" ledger import export.jsonl --ledger "$dir/$entries.ledger" > output 2>&1 || fail "the import failed"
    rm export.jsonl
    conf_of_servers "$entries.conf" "$servers" "hpkp_policy policy.yaml; hpkp_ledger $dir/$entries.ledger;"
    load without.conf || fail "without.conf is refused"
    load "$entries.conf" || fail "$entries.conf is refused"
    for ((i = 0; i < runs; i++)); do
        a=$(cpu_time without.conf) || exit
        b=$(cpu_time "$entries.conf") || exit
        echo "$a $b"
    done > measured
    read -r without _ <<< "$(cut -d' ' -f1 measured | spread)"
    read -r with _ <<< "$(cut -d' ' -f2 measured | spread)"
    awk -v n="$entries" -v size="$(stat -c %s "$entries.ledger")" -v a="$without" -v b="$with" 'BEGIN {
        printf "%10d %12d %10.0f %12.1f %12.1f %12.1f %8.3f\n", n, size, size / n, a / 1e3, b / 1e3, (b - a) / 1e3, b / a }'
done

[ -n "$started" ] || exit 0
echo "a first start, $servers servers, in s by the clock"
for entries in "${sizes[@]}"; do
    mv "$entries.ledger" before.ledger
    for ((i = 0; i < runs; i++)); do
        cp before.ledger "$entries.ledger"
        sync "$entries.ledger"
        a=$(start_time without.conf) || exit
        b=$(start_time "$entries.conf") || exit
        echo "$a $b"
    done > measured
    read -r without _ <<< "$(cut -d' ' -f1 measured | spread)"
    read -r with _ <<< "$(cut -d' ' -f2 measured | spread)"
    awk -v n="$entries" -v a="$without" -v b="$with" 'BEGIN { printf "%10d entries: ledger off %.2f, on %.2f, extra %.2f, ratio %.3f\n", n, a, b, b - a, b / a }'
    rm before.ledger
done
