# shellcheck shell=sh disable=SC2034
# Debian packages that the build and the tests need, and how to install them.
#
# Sourced (POSIX sh) by t/run.sh, t/package/build.sh and conf-examples/quickstart.sh:
#
#     . t/packages.sh
#     hpkp_install $HPKP_BUILD_PACKAGES $HPKP_TEST_PACKAGES
#
# hpkp_install does nothing where everything is there already: no root needed, no network touched.

# To configure, compile and load the module, and to build the tool and the unit tests.
HPKP_BUILD_PACKAGES="build-essential cmake pkg-config nginx nginx-dev
    libssl-dev libyaml-cpp-dev liburiparser-dev libsqlite3-dev nlohmann-json3-dev libcli11-dev libcurl4-openssl-dev
    libgtest-dev"

# To run t/*.t, the examples and the unit tests.
HPKP_TEST_PACKAGES="git curl openssl ca-certificates wget2 faketime perl procps strace valgrind
    libxml2-utils libplist-utils ldnsutils gnutls-bin man-db groff-base shellcheck
    libnginx-mod-http-image-filter libnginx-mod-http-headers-more-filter
    debhelper lintian mmdebstrap iproute2"

# To build and run the fuzz targets, besides those to build.
HPKP_FUZZ_PACKAGES="clang libclang-rt-dev"

# hpkp_missing PACKAGE...: prints those that are not installed.
hpkp_missing() {
    for hpkp_pkg in "$@"; do
        hpkp_state=$(dpkg-query -W -f '${db:Status-Status}' "$hpkp_pkg" 2>/dev/null) || hpkp_state=
        [ "$hpkp_state" = installed ] || printf '%s\n' "$hpkp_pkg"
    done
}

# hpkp_install PACKAGE...: installs those that are missing; 0 when all are there afterwards.
hpkp_install() {
    if ! command -v dpkg-query >/dev/null 2>&1; then
        echo "hpkp_install: this is not a Debian system; install by hand: $*" >&2
        return 1
    fi

    hpkp_needed=$(hpkp_missing "$@" | tr '\n' ' ')
    [ -n "$hpkp_needed" ] || return 0

    if [ "$(id -u)" -eq 0 ]; then
        hpkp_root=
    elif command -v sudo >/dev/null 2>&1; then
        hpkp_root=sudo
    else
        echo "hpkp_install: neither root nor sudo; as root, run: apt-get install $hpkp_needed" >&2
        return 1
    fi

    echo "Installing: $hpkp_needed"
    # One child process, so that its trap takes the policy-rc.d away again on every way out,
    # and leaves the caller's own traps alone.
    # shellcheck disable=SC2016,SC2086  # the child expands the script; the list is words on purpose
    $hpkp_root sh -eu -c '
        policy=/usr/sbin/policy-rc.d
        made=
        log=$(mktemp)
        trap "rm -f $log \$made" EXIT
        trap "exit 130" HUP INT TERM

        # Debian starts a service when it installs it. 101 means "not allowed": the machine may
        # have something else on port 80, and nobody asked for a web server.
        if ! [ -e "$policy" ] && ! [ -L "$policy" ]; then
            made=$policy
            printf "#!/bin/sh\nexit 101\n" > "$policy"
            chmod 755 "$policy"
        fi

        export DEBIAN_FRONTEND=noninteractive
        # A thousand lines that nobody reads, unless it fails.
        {
            apt-get -q -o DPkg::Lock::Timeout=300 update &&
            apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
                install --no-install-recommends "$@"
        } > "$log" 2>&1 || { tail -n 60 "$log" >&2; exit 1; }
    ' hpkp_install $hpkp_needed </dev/null || return 1

    case " $hpkp_needed" in
        *" nginx "*) echo 'Debian starts its nginx at the next boot; if that is not wanted: systemctl disable nginx' ;;
    esac
    hpkp_needed=$(hpkp_missing "$@" | tr '\n' ' ')
    if [ -z "$hpkp_needed" ]; then
        return 0
    fi
    echo "hpkp_install: still missing: $hpkp_needed" >&2
    return 1
}
