#!/bin/bash
# What a server costs a worker in memory: without the module, with one policy for all servers, and with a policy (and
# header) each.
#
#     t/bench/memory.sh [SERVERS]
#
# 10,000 servers if nothing is said. Installs what is missing and builds; see common.sh. A master and one worker run;
# the figures are those of the kernel (/proc/PID/smaps_rollup), when the worker has answered one request:
#
#   anonymous   all that the worker has in memory that no file backs, shared with the master or not. The budget is
#               for this one: it hides nothing behind the copy-on-write of fork()
#   private     the part that is the worker's alone: what one more worker costs
#   Pss         master and worker together, what they share counted once: what the machine pays
# shellcheck source=t/bench/common.sh
. "$(dirname "$0")/common.sh"

servers=${1:-10000}
number "$servers"
bench_begin hpkp_module curl
compile make_chains
mkdir chains
./make_chains chains "$servers" p256 > pins
mapfile -t pins < pins
policy_file policy.yaml "${pins[@]}"
mkdir policies
for ((i = 0; i < servers; i++)); do
    cat > "policies/$i.yaml" << END
version: 1
trust: {bench: ../chains/root.pem}
policies: {p$i: {enforce: {max-age: $((86400 + i))}, pins: [{pin-sha256: "${pins[0]}"}, {pin-sha256: "${pins[1]}"}, {pin-sha256: "${pins[2]}"}]}}
END
done

# CONF HEADERS: "ANONYMOUS PRIVATE PSS" in KiB, of a server that sends so many headers of ours
memory() {
    local worker
    start "$1"
    # The master listens before there is a worker. And a module that does nothing would need no memory.
    curl -sk -m 60 -o /dev/null -D head --resolve "www0.example.com:$port:127.0.0.1" "https://www0.example.com:$port/" || fail "$1: no answer"
    [ "$(grep -ci '^public-key-pins:' head)" = "$2" ] || fail "$1: not $2 headers"
    worker=$(pgrep -P "$pid") || fail "$1: no worker"
    cat "/proc/$pid/smaps_rollup" > master.smaps
    cat "/proc/$worker/smaps_rollup" > worker.smaps
    stop
    awk '/^Anonymous:/ { if (FILENAME == "worker.smaps") a = $2 } /^Private_/ { if (FILENAME == "worker.smaps") p += $2 } /^Pss:/ { s += $2 }
        END { print a, p, s }' worker.smaps master.smaps
}

# NAME DIRECTIVES [PER-SERVER]: a row; the first is what the others are compared with
row() {
    local a p s used
    # shellcheck disable=SC2034  # conf_of_servers'
    per_server=${3:-}
    conf_of_servers nginx.conf "$servers" "$2"
    used=$(memory nginx.conf "$([ -z "$2" ] && echo 0 || echo 1)") || exit
    read -r a p s <<< "$used"
    base=${base:-$a $p $s}
    awk -v name="$1" -v now="$a $p $s" -v base="$base" -v n="$servers" 'BEGIN {
        split(now, v); split(base, b)
        printf "%-24s %10d %10d %10d %12.0f %12.0f %8.3f\n", name, v[1], v[2], v[3], (v[1] - b[1]) * 1024 / n, (v[3] - b[3]) * 1024 / n, v[1] / b[1] }'
}

base=
printf '%-24s %10s %10s %10s %12s %12s %8s\n' "$servers servers, KiB" anonymous private Pss "bytes a" "the same," "ratio,"
printf '%-24s %10s %10s %10s %12s %12s %8s\n' "" "(worker)" "(worker)" "(both)" "server" "Pss" anonymous
row "without the module" ""
row "one policy" "hpkp_policy policy.yaml; hpkp_ledger $dir/hpkp.ledger;"
row "a policy each" "hpkp_ledger $dir/each.ledger;" "hpkp_policy policies/%d.yaml;"
