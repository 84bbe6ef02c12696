#!/bin/sh
# Fuzzes what reads other people's bytes, with libFuzzer and the address and undefined behaviour sanitizers.
#
#     t/fuzz/run.sh                            every target, a short and fixed number of runs each
#     t/fuzz/run.sh policy_file paths          only these
#     RUNS=10000000 t/fuzz/run.sh paths        a long run
#     t/fuzz/run.sh paths -- -seed=7           with libFuzzer's own options (-help=1 lists them)
#     t/fuzz/run.sh paths -- FILE              nothing but this input
#
# A target is a file t/fuzz/TARGET.cpp; its head says what its input is and what must hold. Inputs that broke it once lie
# in found/TARGET and are run first. Then it begins with seeds/TARGET and, for policies, the examples' files. What a long
# run (RUNS) adds to those is kept in build-fuzz/corpus/TARGET, for the next long one; a short one has the same seed
# each time, though new keys.
#
# Prints a line for each target: executions, seconds, features (libFuzzer's measure of what was reached). At a finding it
# prints what libFuzzer says, leaves the input in build-fuzz/findings, and exits with 1 after the other targets. To make
# an input small before it goes into found/TARGET:
#
#     t/fuzz/run.sh TARGET -- -minimize_crash=1 -runs=100000 FILE
#
# Debian: clang libclang-rt-dev, besides what the build needs; with llvm, stack traces have names.
set -eu
cd "$(dirname "$0")/../.."

# Some seconds each on one core, and the longest input that makes sense.
limits_of() {
    case $1 in
        header_parser) echo "-runs=${RUNS:-100000} -max_len=512" ;;
        policy_file) echo "-runs=${RUNS:-30000} -max_len=1536" ;;
        certificates) echo "-runs=${RUNS:-10000} -max_len=2048" ;;
        paths) echo "-runs=${RUNS:-5000} -max_len=98" ;;
        ledger_import) echo "-runs=${RUNS:-2000} -max_len=4096" ;;
        *) echo "-runs=${RUNS:-10000}" ;;
    esac
}

targets=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    targets="$targets $1"
    shift
done
[ $# -eq 0 ] || shift
chosen=$targets
if [ -z "$targets" ]; then
    for source in t/fuzz/*.cpp; do
        targets="$targets $(basename "$source" .cpp)"
    done
fi
single=
for option; do
    case $option in
        -*) ;;
        *) single=yes ;;
    esac
done

build="build-fuzz"
mkdir -p "$build/findings"
# make builds several targets of its command line one after the other, so all of them have a name.
wanted=hpkp_fuzz
# shellcheck disable=SC2086  # a list of words
[ -z "$chosen" ] || wanted=$(printf ' hpkp_fuzz_%s' $targets)
# shellcheck disable=SC2086  # a list of words
{
    cmake -S . -B "$build" -DHPKP_FUZZ=ON -DHPKP_TESTS=OFF -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ &&
        cmake --build "$build" --parallel "$(nproc)" --target $wanted
} >"$build/build.log" 2>&1 || {
    cat "$build/build.log"
    exit 1
}

# The targets write a small file in every run, so not to a disk.
parent=${TMPDIR:-/tmp}
[ ! -w /dev/shm ] || parent=/dev/shm
work=$(mktemp -d "$parent/hpkp-fuzz-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
export TMPDIR="$work" UBSAN_OPTIONS=print_stacktrace=1
# Freed memory need not be watched for long: the next run has nothing to do with it.
export ASAN_OPTIONS=quarantine_size_mb=1:malloc_context_size=8

# run TARGET [OPTION|INPUT...]
run() {
    program=$build/hpkp_fuzz_$1
    shift
    "$program" -seed=1 -timeout=10 -rss_limit_mb=512 -malloc_limit_mb=64 -print_final_stats=1 \
        -artifact_prefix="$build/findings/$target-" "$@" >>"$log" 2>&1
}

failed=
for target in $targets; do
    log=$build/$target.log
    : >"$log"
    started=$(date +%s)
    status=0
    if [ -n "$single" ]; then
        run "$target" "$@" || status=$?
    else
        seeds=$work/seeds/$target
        corpus=$work/corpus/$target
        [ -z "${RUNS:-}" ] || corpus=$build/corpus/$target
        mkdir -p "$seeds" "$corpus"
        cp t/fuzz/seeds/"$target"/* "$seeds"
        [ "$target" != policy_file ] || cp conf-examples/*.yaml "$seeds"
        dictionary=
        [ ! -e "t/fuzz/$target.dict" ] || dictionary=-dict=t/fuzz/$target.dict
        if [ -d "t/fuzz/found/$target" ]; then
            run "$target" t/fuzz/found/"$target"/* || status=$?
        fi
        # shellcheck disable=SC2046,SC2086  # lists of words
        [ $status -ne 0 ] || run "$target" $(limits_of "$target") $dictionary "$@" "$corpus" "$seeds" || status=$?
    fi
    if [ $status -ne 0 ] || [ -n "$single" ]; then
        grep -av '^#[0-9]' "$log"  # without how it got there
    fi
    [ $status -eq 0 ] || failed="$failed $target"
    awk -v target="$target" -v seconds="$(($(date +%s) - started))" '
        match($0, / ft: [0-9]+/) { features = substr($0, RSTART + 5, RLENGTH - 5) }
        /^stat::number_of_executed_units:/ { executions += $2 }
        END { printf "%-14s %9d executions %5d s %6d features\n", target, executions, seconds, features }' "$log"
done

if [ -n "$failed" ]; then
    echo "Fuzzing found something:$failed" >&2
    exit 1
fi
