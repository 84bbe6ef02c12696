#!/bin/sh
# The check of the checks: breaks the core in one small way after another, and tells which of them no unit test notices.
#
#     t/mutation/run.sh                            the checks, and the ledger's rule
#     t/mutation/run.sh src/core/checks/scope.cpp  only these files
#     t/mutation/run.sh --again [FILE...]          only what the run before left unexplained: what a new test says of it
#
# Each mutant is one change: a condition inverted, an operand of && or || dropped, a boundary moved (< and <=), a number
# one more or one less, a sum turned into a difference, min into max, any_of into all_of, a statement dropped, and in SQL
# the same. All are compiled at once, and the environment chooses one. Each runs the tests that reach it, until one fails;
# a crash or a hang counts as noticed, too. The slowest tests come last, and only for what no other notices and nothing
# explains. The tool and its tests are left out: they decide nothing.
#
# Prints a table by file, the changes that could not be made, and every survivor as FILE:LINE. Survivors that behave as
# the original does, or that no test can tell from it, are in explained.txt with the reason. build-mutation/mutants.txt
# says of each mutant which test noticed it.
#
# Exits with 0 if every mutant was noticed or is explained, and no explanation is stale.
# Takes about half an hour of processor time, and half as long again to compile it the first time.
set -eu
cd "$(dirname "$0")/../.."

. t/packages.sh
# shellcheck disable=SC2086  # a list of words
hpkp_install $HPKP_BUILD_PACKAGES python3 python3-clang-14

# Debian's own: that is where python3-clang-14 is.
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 t/mutation/run.py "$@"
