#!/bin/bash
# Instructions that a response costs: no header, add_header, headers-more, a bare list push of a ready string (the least
# that any module can do, t/bench/push), ours; and the ratio to add_header.
#
#   t/bench/request.sh [h1|h2]
#
# nginx runs as one process under callgrind; h2load asks over one TLS connection, one request at a time. The figure is
# the difference between 2,500 and 500 requests, by request, so that start, handshake and stop drop out. Instructions,
# not time: the figure is the same on a busy machine.
set -euo pipefail

protocol=${1:-h1}
here=$(cd "$(dirname "$0")/../.." && pwd)
module=${HPKP_MODULE:-$here/build/ngx_http_hpkp_module.so}
nginx=${HPKP_NGINX:-/usr/sbin/nginx}
headers_more=${HPKP_HEADERS_MORE:-/usr/lib/nginx/modules/ngx_http_headers_more_filter_module.so}
few=500 many=2500

for tool in valgrind h2load openssl "$nginx"; do
    command -v "$tool" > /dev/null || { echo "request.sh: no $tool (Debian: valgrind nghttp2-client openssl nginx)" >&2; exit 1; }
done
for file in "$module" "$headers_more"; do
    [ -e "$file" ] || { echo "request.sh: no $file (build first; Debian: libnginx-mod-http-headers-more-filter)" >&2; exit 1; }
done

dir=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2> /dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 30 \
    -subj /CN=bench.example.com -addext subjectAltName=DNS:bench.example.com 2> /dev/null
pin() { openssl x509 -in cert.pem -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64; }
backup=$(head -c 32 /dev/urandom | base64)
value="max-age=2592000; pin-sha256=\"$(pin)\"; pin-sha256=\"$backup\""
cat > policy.yaml << END
version: 1
policies:
  bench:
    pins: [{pin-sha256: "$(pin)"}, {pin-sha256: "$backup"}]
    enforce: {max-age: 30d}
END

# Under valgrind a signal may not wake a waiting epoll: ask until it is gone, for 20 seconds at most.
stop() {
    local i
    for i in $(seq 100); do
        kill -TERM "$pid" 2> /dev/null || break
        sleep 0.2
    done
    kill -KILL "$pid" 2> /dev/null || true
    wait "$pid" 2> /dev/null || true
    pid=
}

# NAME LOAD DIRECTIVES [HTTP-DIRECTIVES]: prints the instructions a request
measure() {
    local name=$1 load=$2 directives=$3 http=${4:-} few_total many_total requests
    cat > nginx.conf << END
$load
daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
events {}
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    keepalive_requests 100000;
    $http
    server {
        listen 127.0.0.1:$port ssl$([ "$protocol" = h2 ] && echo " http2");
        server_name bench.example.com;
        ssl_certificate cert.pem;
        ssl_certificate_key key.pem;
        $directives
        location / { return 200 "bench"; }
    }
}
END
    for requests in $few $many; do
        valgrind --tool=callgrind --callgrind-out-file=callgrind.out "$nginx" -p "$dir" -c nginx.conf -e error.log > valgrind.log 2>&1 &
        pid=$!
        for _ in $(seq 200); do
            (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break
            sleep 0.1
        done
        timeout 120 h2load $([ "$protocol" = h1 ] && echo --h1) -n "$requests" -c 1 -m 1 "https://127.0.0.1:$port/" > h2load.log 2>&1
        grep -q "$requests succeeded" h2load.log || { echo "request.sh: $name: requests failed" >&2; cat h2load.log valgrind.log error.log >&2; exit 1; }
        stop
        [ "$requests" = $few ] && few_total=$(sed -n 's/^summary: //p' callgrind.out) || many_total=$(sed -n 's/^summary: //p' callgrind.out)
    done
    echo $(((many_total - few_total) / (many - few)))
}

port=$((20000 + RANDOM % 10000))
"$here/src/nginx/build.sh" "$dir/push" "$dir/ngx_http_bench_push_module.so" "" "" "$here/t/bench/push"
load="load_module $module;"
none=$(measure none "" "")
add=$(measure add_header "" "add_header Public-Key-Pins '$value' always;")
more=$(measure headers-more "load_module $headers_more;" "more_set_headers 'Public-Key-Pins: $value';")
push=$(measure push "load_module $dir/ngx_http_bench_push_module.so;" "" "bench_push '$value';")
# Not the machine's own ledger: it would remember the bench.
off="hpkp_ledger off;"
ours=$(measure hpkp_policy "$load" "hpkp_policy policy.yaml;" "$off")
once=$(measure once-per-connection "$load" "hpkp_policy policy.yaml; hpkp_emit once-per-connection;" "$off")

row() { printf '%-22s %8d %10d %12s\n' "$1" "$2" $(($2 - none)) "$(awk "BEGIN { printf \"%.2f\", ($2 - $none) / ($add - $none) }")"; }
printf '%-22s %8s %10s %12s\n' "$protocol" instr. "over none" "/ add_header"
row none "$none"
row add_header "$add"
row headers-more "$more"
row "list push" "$push"
row hpkp_policy "$ours"
row once-per-connection "$once"
