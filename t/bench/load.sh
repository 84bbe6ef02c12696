#!/bin/bash
# What a load (nginx -t) costs with many servers, each with a certificate of its own: without the module, with it, the
# difference, and the ratio.
#
#     t/bench/load.sh [--system] [--runs N] [--instructions] [p256|rsa|rsa-leaf]... [SERVERS]...
#
# All three kinds, and 1, 100, 1,000 and 10,000 servers, if nothing else is said. Installs what is missing and builds;
# see common.sh. The ledger is on, as by default, but in a directory of the measurement: a rehearsal reads it.
#
#   p256, rsa    what the issuers sign with; the leaves are P-256
#   rsa-leaf     the leaves are RSA-2048, too (distinct certificates, of 64 keys)
#   --system     the policy names no trust store, so that the chains are a private PKI beside the system's bundle; else
#                their root is the one store
#
# CPU time is user and system, with that of the child process that judges. Runs without and with the module alternate,
# since a busy machine changes its pace; the figures are medians, and behind them the least and the greatest ratio of a
# pair. --instructions counts instead, under callgrind: a figure that is the same on a busy machine, but it knows
# nothing of the kernel (the fork). Slow: give it 1,000 servers at most.
# shellcheck source=t/bench/common.sh
. "$(dirname "$0")/common.sh"

kinds=() sizes=() counted='' runs=''
# shellcheck disable=SC2034  # policy_file's
trust=own
while [ $# -gt 0 ]; do
    case $1 in
    --system) trust=system ;;
    --instructions) counted=1 ;;
    --runs) runs=${2:-}; number "$runs"; shift ;;
    p256|rsa|rsa-leaf) kinds+=("$1") ;;
    *) number "$1"; sizes+=("$1") ;;
    esac
    shift
done
[ ${#kinds[@]} -gt 0 ] || kinds=(p256 rsa rsa-leaf)
[ ${#sizes[@]} -gt 0 ] || sizes=(1 100 1000 10000)
most=$(printf '%s\n' "${sizes[@]}" | sort -n | tail -n 1)
# shellcheck disable=SC2086  # a word or none
bench_begin hpkp_module ${counted:+valgrind}
compile make_chains

# KIND: chains/, policy.yaml
chains() {
    rm -rf chains
    mkdir chains
    ./make_chains chains "$most" "$1" > pins
    mapfile -t pins < pins

    # Figures of a module that does not judge would be good ones.
    policy_file policy.yaml "${pins[1]}" "${pins[2]}"
    conf_of_servers wrong.conf 1 "$directives"
    ! load wrong.conf || fail "a policy that pins nothing of the chain is not refused"
    grep -q no-pin-in-chain output || fail "a policy that pins nothing of the chain is refused for another reason"
    policy_file policy.yaml "${pins[@]}"
}

# N: how often a pair runs; a short load is a small figure, and has to be repeated
pairs() { echo "${runs:-$(($1 > 5000 ? 5 : $1 > 500 ? 9 : 21))}"; }

times() {
    local n=$1 i a b
    load without.conf || fail "the configuration without the module is refused"
    load with.conf || fail "the configuration with the module is refused"
    for ((i = $(pairs "$n"); i > 0; i--)); do
        a=$(cpu_time without.conf) || exit
        b=$(cpu_time with.conf) || exit
        echo "$a $b"
    done > measured
    read -r without _ <<< "$(cut -d' ' -f1 measured | spread)"
    read -r with _ <<< "$(cut -d' ' -f2 measured | spread)"
    read -r ratio least greatest <<< "$(awk '$1 { print $2 / $1 }' measured | spread)"
    awk -v n="$n" -v a="$without" -v b="$with" -v r="$ratio" -v least="$least" -v greatest="$greatest" 'BEGIN {
        printf "%12d %12.1f %12.1f %12.1f %14.0f %8.3f   (%.3f to %.3f)\n", n, a / 1e3, b / 1e3, (b - a) / 1e3, (b - a) / n, r, least, greatest }'
}

counts() {
    local a b
    a=$(instructions without.conf) || exit
    b=$(instructions with.conf) || exit
    awk -v n="$1" -v a="$a" -v b="$b" 'BEGIN {
        printf "%12d %12.1f %12.1f %12.1f %14.0f %8.3f\n", n, a / 1e6, b / 1e6, (b - a) / 1e6, (b - a) / n, b / a }'
}

directives="hpkp_policy policy.yaml; hpkp_ledger $dir/hpkp.ledger;"
if [ -n "$counted" ]; then unit="millions" small="instructions"; else unit="ms" small="us"; fi
for kind in "${kinds[@]}"; do
    chains "$kind"
    echo "nginx -t, $kind, in $unit of $([ -n "$counted" ] && echo instructions || echo "CPU time")"
    printf '%12s %12s %12s %12s %14s %8s\n' servers without with extra "$small a server" ratio
    for n in "${sizes[@]}"; do
        conf_of_servers without.conf "$n"
        conf_of_servers with.conf "$n" "$directives"
        if [ -n "$counted" ]; then counts "$n"; else times "$n"; fi
    done
done
