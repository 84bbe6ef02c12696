#!/bin/bash
# Instructions that a response costs, over one without the header, and the ratio to add_header.
#
#     t/bench/request.sh [h1|h2] [PINS] [RUNS]
#
# HTTP/1.1 keep-alive, two pins and three runs if nothing is said. Installs what is missing and builds; see common.sh. Rows:
#
#   add_header            add_header Public-Key-Pins VALUE always
#   headers-more          more_set_headers
#   hpkp_policy           ours
#   once-per-connection   ours, from the second response on
#   list push             a bare push of a ready string: the least that a module can do to send it (t/bench/push)
#   once, the least       a module that looks up on the connection whether this host had the header (t/bench/push)
#   a filter that passes  a module with a filter that does nothing (t/bench/push)
#   in Content-Type       as many bytes more in a header that nginx writes anyway: what they cost, whoever adds them
#
# nginx runs as one process under callgrind; h2load asks over one TLS connection, one request at a time. The figure is
# the difference between 2,500 and 500 requests, by request, so that start, handshake and stop drop out. What a busy
# machine adds are turns of the event loop that find nothing to do, so of each the least of some runs is taken; on a very
# busy one a row still moves by 30 from one run to the next.
# shellcheck source=t/bench/common.sh
. "$(dirname "$0")/common.sh"

protocol=${1:-h1} pins=${2:-2} runs=${3:-3}
case $protocol in h1|h2) ;; *) usage ;; esac
number "$pins"
number "$runs"
bench_begin hpkp_module valgrind nghttp2-client openssl libnginx-mod-http-headers-more-filter

headers_more=${HPKP_HEADERS_MORE:-/usr/lib/nginx/modules/ngx_http_headers_more_filter_module.so}
[ -e "$headers_more" ] || fail "no $headers_more (Debian: libnginx-mod-http-headers-more-filter)"
few=500 many=2500

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 30 \
    -subj /CN=bench.example.com -addext subjectAltName=DNS:bench.example.com 2> /dev/null
value="max-age=2592000" listed=
for ((i = 0; i < pins; i++)); do
    if [ "$i" = 0 ]; then
        pin=$(openssl x509 -in cert.pem -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64)
    else
        pin=$(head -c 32 /dev/urandom | base64)
    fi
    value+="; pin-sha256=\"$pin\""
    listed+="{pin-sha256: \"$pin\"}, "
done
cat > policy.yaml << END
version: 1
policies:
  bench:
    pins: [$listed]
    enforce: {max-age: 30d}
END
# The bytes of the whole line, with its name, colon, space and end.
line="Public-Key-Pins: $value.."
more=$(head -c ${#line} /dev/zero | tr '\0' 'x')

# NAME REQUESTS HEADERS: the instructions of nginx from its start to its end; each answer has so many headers of ours
counted() {
    start nginx.conf valgrind --tool=callgrind --callgrind-out-file=callgrind.out
    curl -sk -m 60 -o /dev/null -D head --resolve "bench.example.com:$port:127.0.0.1" "https://bench.example.com:$port/" || fail "$1: no answer"
    [ "$(grep -ci '^public-key-pins:' head)" = "$3" ] || fail "$1: not $3 headers"
    # shellcheck disable=SC2046  # a word or none
    timeout 600 h2load $([ "$protocol" = h2 ] || echo --h1) -n "$2" -c 1 -m 1 "https://127.0.0.1:$port/" > h2load.log 2>&1 || true
    grep -q "$2 succeeded" h2load.log || fail "$1: requests failed: $(cat h2load.log)"
    stop
    sed -n 's/^summary: //p' callgrind.out
}

# NAME LOAD DIRECTIVES [HTTP-DIRECTIVES]: prints the instructions a request
measure() {
    local name=$1 load=$2 directives=$3 http=${4:-} headers=0 requests i total=()
    [[ ! "$directives $http" =~ Public-Key-Pins|hpkp_policy|bench_push ]] || headers=1
    {
        echo "$load master_process off;"
        conf_head
        cat << END
    keepalive_requests 100000;
    $http
    server {
        listen 127.0.0.1:$port ssl$([ "$protocol" = h1 ] || echo " http2");
        server_name bench.example.com;
        ssl_certificate cert.pem;
        ssl_certificate_key key.pem;
        $directives
        location / { return 200 "bench"; }
    }
}
END
    } > nginx.conf
    for requests in $few $many; do
        for ((i = 0; i < runs; i++)); do
            counted "$name" "$requests" "$headers"
        done > counts
        total+=("$(sort -n counts | head -n 1)")
    done
    echo $(((total[1] - total[0]) / (many - few)))
}

# Not the machine's own ledger: it would remember the bench.
ours="load_module $module;" off="hpkp_ledger off;"
bench="load_module $dir/ngx_http_bench_push_module.so;"

printf '%-22s %8s %10s %12s\n' "$protocol, $pins pins" instr. "over none" "/ add_header"
# NAME LOAD DIRECTIVES [HTTP-DIRECTIVES]: measures and prints a row; the first is what the rest is over, the second
# what it is compared with
row() {
    local n
    n=$(measure "$@") || exit
    none=${none:-$n}
    [ -n "$add" ] || [ "$n" = "$none" ] || add=$((n - none))
    awk -v name="$1" -v n="$n" -v none="$none" -v add="${add:-1}" 'BEGIN { printf "%-22s %8d %10d %12.2f\n", name, n, n - none, (n - none) / add }'
}
none='' add=''
row none "" ""
row add_header "" "add_header Public-Key-Pins '$value' always;"
row headers-more "load_module $headers_more;" "more_set_headers 'Public-Key-Pins: $value';"
row hpkp_policy "$ours" "hpkp_policy policy.yaml;" "$off"
row once-per-connection "$ours" "hpkp_policy policy.yaml; hpkp_emit once-per-connection;" "$off"
"$here/src/nginx/build.sh" "$dir/push" "$dir/ngx_http_bench_push_module.so" "" "" "$here/t/bench/push"
row "list push" "$bench" "" "bench_push '$value';"
row "once, the least" "$bench" "" "bench_once on;"
row "a filter that passes" "$bench" "" "bench_pass on;"
row "in Content-Type" "" "default_type $more;"
