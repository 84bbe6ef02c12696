#!/bin/bash
# Reloads under load, every second one refused: requests that failed, and what the master has grown by.
#
#     t/bench/reloads.sh [RELOADS]
#
# 1,000 if nothing is said, some two minutes. Runs t/reload_soak.t, which has the bounds; the ratio is of the master's resident
# memory at the end to that after the first hundred. Installs what is missing and builds; see common.sh.
# shellcheck source=t/bench/common.sh
. "$(dirname "$0")/common.sh"

reloads=${1:-1000}
number "$reloads"
{ [ $# -le 1 ] && [ "$reloads" -ge 200 ]; } || usage
bench_begin "hpkp_module hpkp_tool"
cd "$here"
HPKP_MODULE=$module HPKP_RELOADS=$reloads prove -v -I t/lib t/reload_soak.t > "$dir/soak" 2>&1 || {
    cat "$dir/soak" >&2
    exit 1
}
sed -n 's/^ok [0-9]* - each reload as it should: /reloads: /p; s/^ok [0-9]* - client "\(.*\)": /client "\1", no request failed: /p' "$dir/soak"
sed -n 's/^# resident: \([0-9]*\) KB after \([0-9]*\) reloads, \([0-9]*\) KB after \([0-9]*\).*/\1 \2 \3 \4/p' "$dir/soak" |
    awk '{ printf "master: %d KB after %d reloads, %d KB after %d, ratio %.3f\n", $1, $2, $3, $4, $3 / $1 }'
