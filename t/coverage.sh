#!/bin/sh
# How much of the core the unit tests alone execute.
#
#     t/coverage.sh
#
# Builds the core with gcov's counters in build-coverage/ and runs the unit tests once. Prints for each file of src/core
# its lines, how many were not executed and which, then lines and branches by folder, the total last. The branches that
# only an exception takes are left out: one is behind every allocation. There is no target: read what is red.
set -eu
cd "$(dirname "$0")/.."

. t/packages.sh
# shellcheck disable=SC2086  # a list of words
hpkp_install $HPKP_BUILD_PACKAGES gcovr

build="build-coverage"
mkdir -p $build
# The core's judge and many tests run in child processes, which end by _exit(): without their counters.
cat > $build/exit.c <<'C'
void __gcov_dump(void);
void __real__exit(int status);
void __wrap__exit(int status);
void __wrap__exit(int status)
{
    __gcov_dump();
    __real__exit(status);
}
C
# The tests too: of a function in a header the linker keeps one copy, whose ever it is. Unoptimised: what is inlined or
# folded has no line of its own.
cat > $build/core.cmake <<'CMAKE'
cmake_language(DEFER CALL target_compile_options hpkp_core PRIVATE --coverage -O0)
cmake_language(DEFER CALL target_link_options hpkp_core PUBLIC --coverage -Wl,--wrap=_exit)
cmake_language(DEFER CALL target_sources hpkp_core PRIVATE ${CMAKE_BINARY_DIR}/exit.c)
cmake_language(DEFER CALL target_compile_options hpkp_unit_tests PRIVATE --coverage -O0)
cmake_language(DEFER CALL target_compile_definitions hpkp_unit_tests PRIVATE HPKP_COUNTED)
CMAKE
cmake -S . -B $build -DCMAKE_PROJECT_ngx_hpkp_INCLUDE="$PWD/$build/core.cmake" > $build/build.log
cmake --build $build --target hpkp_unit_tests --parallel "$(nproc)" >> $build/build.log 2>&1 || {
    tail -n 40 $build/build.log >&2
    exit 1
}
find $build -name '*.gcda' -delete
# Some tests become nobody, who counts too.
find $build -type d -exec chmod a+rwx {} +
(umask 0; $build/hpkp_unit_tests --gtest_brief=1)
gcovr -r . --object-directory $build --filter src/core/ --exclude-throw-branches --exclude-unreachable-branches \
    --json $build/coverage.json $build

python3 - $build/coverage.json <<'PYTHON'
import collections
import json
import os
import sys


def ranges(numbers):
    """1, 2, 3, 7: "1-3 7"."""
    runs = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def share(done, of):
    return f"{100 * done / of:5.1f} %" if of else "      -"


folders = collections.defaultdict(lambda: [0, 0, 0, 0])
print(f"{'file':44} {'lines':>6} {'missed':>6}  which")
for file in sorted(json.load(open(sys.argv[1]))["files"], key=lambda f: (os.path.dirname(f["file"]), f["file"])):
    name = file["file"]
    lines = [l for l in file["lines"] if not l["gcovr/noncode"]]
    missed = [l["line_number"] for l in lines if l["count"] == 0]
    branches = [b for l in lines for b in l["branches"]]
    print(f"{name:44} {len(lines):6} {len(missed):6}  {ranges(missed)}")
    for folder in (os.path.dirname(name), "total"):
        for i, n in enumerate((len(lines), len(lines) - len(missed), len(branches), sum(b["count"] > 0 for b in branches))):
            folders[folder][i] += n
print(f"\n{'folder':44} {'lines':>6} {'run':>8} {'branches':>9} {'taken':>8}")
for folder in sorted(set(folders) - {"total"}) + ["total"]:
    lines, run, branches, taken = folders[folder]
    print(f"{folder:44} {lines:6} {share(run, lines):>8} {branches:9} {share(taken, branches):>8}")
PYTHON
