#!/bin/bash
# What it costs to find and judge all paths of a chain against the system's bundle (Google Benchmark, t/bench/paths.cpp,
# which says what the rows are): CPU time, and its share of the budget of 1 ms.
#
#     t/bench/paths.sh [OPTION OF GOOGLE BENCHMARK]...
#
# Installs what is missing and builds.
# shellcheck source=t/bench/common.sh
. "$(dirname "$0")/common.sh"

# shellcheck source=t/packages.sh
. "$here/t/packages.sh"
# shellcheck disable=SC2086  # a list of words
hpkp_install $HPKP_BUILD_PACKAGES libbenchmark-dev >&2
[ -n "${HPKP_BENCH_PATHS:-}" ] || cmake -S "$here" -B "$here/build" > /dev/null
[ -n "${HPKP_BENCH_PATHS:-}" ] || cmake --build "$here/build" --parallel "$(nproc)" --target hpkp_bench_paths > /dev/null
bench=${HPKP_BENCH_PATHS:-$here/build/hpkp_bench_paths}
printf '%-24s %8s %14s %16s\n' "" paths "CPU time, us" "/ budget of 1 ms"
"$bench" --benchmark_format=csv "$@" 2> /dev/null | awk -F, '
    NR == 1 { for (i = 1; i <= NF; i++) { gsub(/"/, "", $i); if ($i == "cpu_time") time = i; if ($i == "paths") paths = i; if ($i == "error_occurred") error = i } next }
    $error != "" { print $0; wrong = 1; next }
    { gsub(/"/, "", $1); printf "%-24s %8s %14.1f %16.3f\n", $1, $paths, $time, $time / 1000 }
    END { exit wrong }'
