#!/bin/sh
# Runs all tests in every Debian that we claim, each with its own nginx, compiler, OpenSSL and yaml-cpp.
#
#     t/matrix.sh                     bookworm, trixie and sid
#     t/matrix.sh trixie sid          only these
#     t/matrix.sh --clean [SUITE...]  removes what is kept in build-matrix/
#
# Wants root, mmdebstrap and iproute2. A suite is a chroot in build-matrix/SUITE, made from this machine's Debian mirror.
# It is kept, so a second run is faster, and tests with the packages of the first: --clean before a run for today's.
# The working tree (what git tracks or would add) is copied into it, t/run.sh runs there without a network, t/packages.t
# with one, and then some of t/ again with an nginx that has the module linked in (t/matrix/linked.sh); not in sid if the
# mirror has no source of its nginx, which the table says.
#
# Prints a line a suite while it works, and a table at the end: versions, how many tests, the result. All that a suite
# said is in build-matrix/SUITE.log. Exits with 0 only if everything passed.
set -eu
cd "$(dirname "$0")/.."

kept=build-matrix
tree=/ngx_hpkp           # where it is in a chroot
time_limit=7200          # seconds for one suite's tests
install_limit=1800

fail() { echo "t/matrix.sh: $*" >&2; exit 2; }

clean=
if [ "${1-}" = --clean ]; then
    clean=yes
    shift
fi
[ $# -gt 0 ] || set -- bookworm trixie sid
for suite in "$@"; do
    case $suite in bookworm|trixie|sid) ;; *) fail "no such suite: $suite (bookworm, trixie, sid)" ;; esac
done
[ "$(id -u)" -eq 0 ] || fail 'run it as root: it makes chroots'

if [ -n "$clean" ]; then
    for suite in "$@"; do
        rm -rf --one-file-system "${kept:?}/$suite" "$kept/$suite.new" "$kept/$suite.log"
    done
    exit 0
fi
for tool in mmdebstrap unshare ip git; do
    command -v $tool > /dev/null || fail "$tool is missing: apt-get install mmdebstrap util-linux iproute2 git"
done

work=$(mktemp -d "${TMPDIR:-/tmp}/hpkp-matrix.XXXXXX")
running=
# shellcheck disable=SC2317  # the trap calls it
leave() {
    trap '' HUP INT TERM   # a second one would end this half-way
    trap - EXIT
    # timeout hands it on; the first process of a namespace takes all others of it along.
    if [ -n "$running" ] && kill "$running" 2> /dev/null; then
        wait "$running" || :
    fi
    rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' HUP INT TERM

# limited SECONDS COMMAND...: in the background, so that a signal reaches us at once.
limited() {
    timeout --kill-after=5 "$@" < /dev/null & running=$!
    status=0
    wait $running || status=$?
    running=
    return $status
}

# ---- a chroot

# inside SUITE SECONDS network|alone COMMAND...: runs COMMAND in the chroot.
inside() {
    root=$kept/$1 limit=$2
    shift 2
    limited "$limit" t/matrix/enter.sh "$root" "$@"
}

make_chroot() {
    rm -rf --one-file-system "$kept/$1.new"
    limited $install_limit t/matrix/make_chroot.sh "$1" "$kept/$1.new" --variant=minbase || return 1
    sed 's/^deb /deb-src /' "$kept/$1.new"/etc/apt/sources.list.d/*hpkp.list > "$kept/$1.new/etc/apt/sources.list.d/source.list"
    mv "$kept/$1.new" "$kept/$1"
}

copy_tree() {
    # make names its pipes by process ids, which begin anew in there: one that an ended run left would stop it.
    rm -rf --one-file-system "${kept:?}/$1$tree" "${kept:?}/$1/tmp"
    mkdir -m 1777 "$kept/$1/tmp"
    t/matrix/copy_tree.sh "$kept/$1$tree"
}

# ---- the tests

# run_suite SUITE: says in $failed what failed, if anything.
run_suite() {
    failed=
    linked=
    if [ ! -d "$kept/$1" ]; then
        make_chroot "$1" || { failed="no chroot"; return; }
    fi
    copy_tree "$1" || { failed='copying the tree'; return; }
    cp /etc/resolv.conf "$kept/$1/etc/resolv.conf"
    # shellcheck disable=SC2016  # the inner shell expands it
    inside "$1" $install_limit network sh -euc "cd $tree"'
        dpkg --configure -a   # an earlier run may have been ended in the middle of it
        . t/packages.sh
        hpkp_install $HPKP_BUILD_PACKAGES $HPKP_TEST_PACKAGES $HPKP_FUZZ_PACKAGES
        # sid may have moved on since its index was written, and its sources with it.
        ./t/matrix/linked.sh --source /nginx-source || [ '"$1"' = sid ]' || { failed=packages; return; }
    inside "$1" $time_limit alone env HPKP_NO_MIRROR=1 $tree/t/run.sh || failed=t/run.sh
    # The one that wants a mirror.
    inside "$1" $time_limit network sh -c "cd $tree && prove -I t/lib t/packages.t" ||
        failed="${failed:+$failed, }packages"
    [ -d "$kept/$1/nginx-source/nginx" ] || { linked='no source'; return; }
    inside "$1" $time_limit alone $tree/t/matrix/linked.sh /nginx-source || failed="${failed:+$failed, }linked in"
}

# ---- the table

line() { printf '%-9s %-8s %-8s %-9s %-8s %-7s %-14s %-17s %-16s %s\n' "$@"; }

version_of() {
    dpkg-query --admindir="$1/var/lib/dpkg" -W -f '${Version}' "$2" 2> /dev/null | sed 's/^[0-9]*://; s/[-+].*//'
}

# proved N: what the Nth run of prove in that log ended with.
proved() {
    sed -n 's/^Files=\([0-9]*\), Tests=\([0-9]*\),.*/\1 files, \2/p' "$log" | sed -n "$1p"
}

# line_of SUITE RESULT: from what is installed there and from the log.
line_of() {
    root=$kept/$1
    log=$kept/$1.log
    unit=$(sed -n 's/.*tests passed, \([0-9]*\) tests failed out of \([0-9]*\)$/\2, \1 failed/p' "$log")
    prove=$(proved 1)
    linked=${linked:-$(proved 3)}
    line "$1" "$(version_of "$root" nginx)" "$(version_of "$root" libssl-dev)" "$(version_of "$root" libyaml-cpp-dev)" \
        "$(version_of "$root" libsqlite3-dev)" "$(version_of "$root" g++)" "${unit:--}" "${prove:--}" "${linked:--}" "$2"
}

mkdir -p "$kept"
line suite nginx OpenSSL yaml-cpp SQLite g++ 'unit tests' 't/*.t' 'linked in' result > "$work/table"
bad=0
for suite in "$@"; do
    echo "$suite: see $kept/$suite.log"
    run_suite "$suite" > "$kept/$suite.log" 2>&1
    if [ -n "$failed" ]; then
        bad=1
        tail -n 40 "$kept/$suite.log" | sed "s/^/$suite: /"
    fi
    line_of "$suite" "${failed:+FAILED: }${failed:-passed}" >> "$work/table"
done
echo
cat "$work/table"
exit $bad
