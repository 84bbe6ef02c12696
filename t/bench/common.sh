# shellcheck shell=bash
# What the measurements share. Sourced (bash) by t/bench/*.sh:
#
#     . "$(dirname "$0")/common.sh"
#     bench_begin "hpkp_module" valgrind      # targets of the build; Debian packages beside those of the build
#
# bench_begin installs what is missing, builds, and goes to a directory that is removed at the end. HPKP_MODULE=FILE and
# HPKP_TOOL=FILE take another build (nothing is installed or built then), HPKP_NGINX=FILE another nginx.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
nginx=${HPKP_NGINX:-/usr/sbin/nginx}
module=${HPKP_MODULE:-$here/build/ngx_http_hpkp_module.so}
# shellcheck disable=SC2034  # for who sources this
tool=${HPKP_TOOL:-$here/build/hpkp}
dir=
pid=

usage() { sed -n '/^# *t\/bench/s/^# */usage: /p' "$0" >&2; exit 2; }
number() { [[ $1 =~ ^[1-9][0-9]*$ ]] || usage; }
fail() {
    echo "$(basename "$0"): $1" >&2
    [ ! -e output ] || tail -n 20 output >&2
    [ -z "$pid" ] || stop
    exit 1
}

# TARGETS PACKAGE...
bench_begin() {
    local targets=$1
    shift
    if [ -z "${HPKP_MODULE:-}" ]; then
        # shellcheck source=t/packages.sh
        . "$here/t/packages.sh"
        # shellcheck disable=SC2086  # lists of words
        hpkp_install $HPKP_BUILD_PACKAGES "$@" >&2
        # shellcheck disable=SC2086
        { cmake -S "$here" -B "$here/build" && cmake --build "$here/build" --parallel "$(nproc)" --target $targets; } > /dev/null
    fi
    [ -e "$module" ] || fail "no $module"
    [ -x "$nginx" ] || fail "no $nginx"
    dir=$(mktemp -d)
    chmod 755 "$dir"
    trap bench_end EXIT
    trap 'exit 130' HUP INT TERM
    cd "$dir"
    # As a package would have it: valgrind spends seconds on reading what the debugger needs.
    strip --strip-debug -o module.so "$module"
    module=$dir/module.so
}

bench_end() {
    [ -z "$pid" ] || { kill -KILL "$pid" && wait "$pid"; } 2> /dev/null || true
    rm -rf "$dir" || { sleep 1; rm -rf "$dir"; }
}

# NAME.cpp: compiles a program of t/bench
compile() {
    # shellcheck disable=SC2046  # a list of words
    g++ -std=c++17 -O2 -Wall -Wextra -Werror -I"$here/src/core" "$here/t/bench/$1.cpp" -o "$1" $(pkg-config --cflags --libs libcrypto)
}

# FILE PIN...: a policy file with one policy of these pins. trust=system leaves the stores to the system.
policy_file() {
    local file=$1
    shift
    {
        echo "version: 1"
        [ "${trust:-own}" = system ] || echo "trust: {bench: chains/root.pem}"
        echo "policies: {bench: {enforce: {max-age: 1d}, pins: ["
        printf '    {pin-sha256: "%s"},\n' "$@"
        echo "]}}"
    } > "$file"
}

# What every configuration begins with; the block http is left open. The hash of names is large enough to fit at once:
# nginx would search for its size, and that time would stand below the module's in a ratio.
conf_head() {
    cat << END
pid nginx.pid;
error_log error.log;
worker_processes 1;
events {}
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server_names_hash_max_size 131072;
    server_names_hash_bucket_size 256;
END
}

# FILE SERVERS [DIRECTIVES]: a configuration of that many servers, each with a chain of its own; with the module if it
# is given directives, which are for the block http. PER_SERVER, if set, stands in every server, %d for its number.
port=$((20000 + RANDOM % 10000))
conf_of_servers() {
    local file=$1 n=$2 directives=${3:-} i
    {
        [ -z "$directives" ] || echo "load_module $module;"
        conf_head
        echo "    $directives"
        for ((i = 0; i < n; i++)); do
            echo "server { listen 127.0.0.1:$port ssl; server_name www$i.example.com; ssl_certificate chains/$i.pem;" \
                "ssl_certificate_key chains/$i.key; ${per_server:+${per_server//%d/$i}} }"
        done
        echo "}"
    } > "$file"
}

# CONF [COMMAND...]: nginx -t, by way of COMMAND
load() {
    local conf=$1
    shift
    "$@" "$nginx" -t -q -p "$dir" -c "$conf" -e error.log > output 2>&1
}

# CONF: user and system time of nginx -t in microseconds, with that of the child process that judges
cpu_time() {
    local spent TIMEFORMAT='%U %S'
    spent=$({ time load "$1"; } 2>&1) || fail "$1 is refused"
    awk '{ printf "%.0f\n", ($1 + $2) * 1e6 }' <<< "$spent"
}

# CONF: the instructions of nginx -t, those of the child process too. A child goes on counting from where its parent
# stood: so the count is written out and begins anew at the fork, and the sum of all files is right.
instructions() {
    local files
    rm -f callgrind.out.*
    load "$1" valgrind --tool=callgrind --callgrind-out-file=callgrind.out.%p --dump-before=fork || fail "$1 is refused"
    files=(callgrind.out.*)
    [ ${#files[@]} != 2 ] || fail "callgrind has missed the fork, and counts twice what was before it"
    sed -n 's/^summary: //p' "${files[@]}" | awk '{ sum += $1 } END { printf "%.0f\n", sum }'
}

# Of the numbers on standard input: "MEDIAN LEAST GREATEST"
spread() {
    sort -g | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2, v[1], v[NR] }'
}

# CONF [COMMAND...]: a server in the foreground, whose process is $pid; returns when it accepts connections
start() {
    local conf=$1
    shift
    "$@" "$nginx" -p "$dir" -c "$conf" -e error.log -g 'daemon off;' > output 2>&1 &
    pid=$!
    for _ in $(seq 3000); do
        kill -0 "$pid" 2> /dev/null || fail "$conf: nginx did not start"
        (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && return
        sleep 0.1
    done
    fail "$conf: nginx does not answer"
}

# Under valgrind a signal may not wake a waiting epoll: ask until it is gone, for 20 seconds at most.
stop() {
    for _ in $(seq 100); do
        kill -TERM "$pid" 2> /dev/null || break
        sleep 0.2
    done
    kill -KILL "$pid" 2> /dev/null || true
    wait "$pid" 2> /dev/null || true
    pid=
}
