#!/bin/sh
# Builds everything and runs every test, from a bare Debian 12 on as root or with sudo: for packages
# that are missing, and for the two test files that mount a file system and make a chroot.
#
#     t/run.sh                    build/, unit tests, a short run of the fuzz targets, then t/*.t
#     t/run.sh --sanitize         the same in build-asan/, with the address and undefined behaviour sanitizers, which
#                                 the fuzz targets have anyway: without those
#     t/run.sh t/reload.t ...     build, then only these files
#
# Exits with 0 only if everything passed.
set -eu
cd "$(dirname "$0")/.."

build=build
sanitize=OFF
if [ "${1:-}" = --sanitize ]; then
    build=build-asan
    sanitize=ON
    shift
fi

. t/packages.sh
# shellcheck disable=SC2086  # lists of words
hpkp_install $HPKP_BUILD_PACKAGES $HPKP_TEST_PACKAGES

cmake -S . -B "$build" -DHPKP_SANITIZE=$sanitize
cmake --build "$build" --parallel "$(nproc)"

failed=
if [ $# -eq 0 ]; then
    ctest --test-dir "$build" --output-on-failure || failed="$failed unit"
    if [ $sanitize = OFF ]; then
        # shellcheck disable=SC2086  # a list of words
        { hpkp_install $HPKP_FUZZ_PACKAGES && t/fuzz/run.sh; } || failed="$failed fuzz"
    fi
    set -- t/
fi

# Debian's nginx is not built with the sanitizers, so their libraries must be there before it. It frees little
# when it ends, and what it keeps is none of our leaks: those are t/leaks.t's subject, which needs a small quarantine.
# Of the tool leaks are found: t/tools/asan.hpkp.
if [ $sanitize = ON ]; then
    HPKP_PRELOAD="$(gcc -print-file-name=libasan.so):$(gcc -print-file-name=libubsan.so)"
    ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=8:thread_local_quarantine_size_kb=64:include_if_exists=$PWD/t/tools/asan.%b
    UBSAN_OPTIONS=print_stacktrace=1
    export HPKP_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS
fi
# They wait more than they compute.
log=$build/prove.log
rm -f "$log.failed"
{ HPKP_BUILD=$build prove -I t/lib -j3 "$@" || : > "$log.failed"; } | tee "$log"
[ ! -e "$log.failed" ] || failed="$failed t"

# A file that cannot say anything under the sanitizers, or without a mirror, gives its reason.
skipped=$(sed -n 's/^\(t\/[^ ]*\) .*skipped: /    \1: /p' "$log")
[ -z "$skipped" ] || printf 'Not run:\n%s\n' "$skipped"
if [ -n "$failed" ]; then
    echo "FAILED:$failed" >&2
    exit 1
fi
echo "All ${skipped:+other }tests passed."
