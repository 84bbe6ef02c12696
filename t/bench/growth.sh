#!/bin/bash
# How the cost of a load grows: instructions of nginx -t by the number of servers, pins, policies and ledger entries,
# each against what the number before it costs.
#
#     t/bench/growth.sh [servers|pins|policies|entries]...
#
# All of them if nothing is said. Installs what is missing and builds; see common.sh. All but one of the four numbers
# stay as they are: one server, three pins, one policy, no entry. Under callgrind, so the figures are the same on a busy
# machine. "one more" is the cost of each further one since the row above; where it is the same in every row, the
# cost grows in a straight line. "/ above" is its ratio to that of the row above: 1 is a straight line, below it less,
# and ten, where the number grows tenfold, a square. Paths: t/bench/paths.sh.
# shellcheck source=t/bench/common.sh
. "$(dirname "$0")/common.sh"

subjects=("$@")
for subject in "${subjects[@]}"; do
    case $subject in servers|pins|policies|entries) ;; *) usage ;; esac
done
[ ${#subjects[@]} -gt 0 ] || subjects=(servers pins policies entries)
bench_begin "hpkp_module hpkp_tool" valgrind
[ -x "$tool" ] || fail "no $tool"
compile make_chains
mkdir chains
./make_chains chains 1000 p256 > pins
mapfile -t pins < pins

other_pin() { head -c 32 /dev/urandom | base64; }

# Each makes nginx.conf for the number N.
of_servers() {
    policy_file policy.yaml "${pins[@]}"
    conf_of_servers nginx.conf "$1" "hpkp_policy policy.yaml; hpkp_ledger off;"
}

of_pins() {
    local all=("${pins[@]}")
    while [ ${#all[@]} -lt "$1" ]; do all+=("$(other_pin)"); done
    policy_file policy.yaml "${all[@]}"
    conf_of_servers nginx.conf 1 "hpkp_policy policy.yaml; hpkp_ledger off;"
}

of_policies() {
    local i
    {
        echo "version: 1"
        echo "trust: {bench: chains/root.pem}"
        echo "policies:"
        for ((i = 0; i < $1; i++)); do
            echo "  p$i: {enforce: {max-age: 1d}, pins: [{pin-sha256: \"${pins[0]}\"}, {pin-sha256: \"${pins[1]}\"}, {pin-sha256: \"${pins[2]}\"}]}"
        done
    } > policy.yaml
    conf_of_servers nginx.conf 1 "hpkp_policy policy.yaml p0; hpkp_ledger off;"
}

of_entries() {
    policy_file policy.yaml "${pins[@]}"
    rm -f hpkp.ledger
    "$here/t/bench/make_export.pl" "$1" 1 "${pins[@]}" > export.jsonl
    "$tool" ledger import export.jsonl --ledger "$dir/hpkp.ledger" > output 2>&1 || fail "the import failed"
    conf_of_servers nginx.conf 1 "hpkp_policy policy.yaml; hpkp_ledger $dir/hpkp.ledger;"
}

for subject in "${subjects[@]}"; do
    printf '%12s %16s %16s %8s\n' "$subject" instructions "one more" "/ above"
    before='' last='' slope=''
    numbers=(1 10 100 1000)
    [ "$subject" != pins ] || numbers=(3 10 30)
    [ "$subject" != entries ] || numbers=(1 100 10000)
    for n in "${numbers[@]}"; do
        "of_$subject" "$n"
        count=$(instructions nginx.conf) || exit
        read -r line slope <<< "$(awk -v n="$n" -v c="$count" -v m="$last" -v b="$before" -v s="$slope" 'BEGIN {
            if (m == "") { printf "%d|%.0f|-|- -\n", n, c; exit }
            now = (c - b) / (n - m)
            printf "%d|%.0f|%.0f|%s %.0f\n", n, c, now, s == "-" || s == 0 ? "-" : sprintf("%.2f", now / s), now }')"
        # shellcheck disable=SC2086  # a list of words
        (IFS='|'; printf '%12s %16s %16s %8s\n' $line)
        before=$count last=$n
    done
done
