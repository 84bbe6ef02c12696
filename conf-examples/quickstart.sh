#!/bin/sh
# From a fresh clone to a pinned nginx that refuses a wrong reload, on Debian 12.
#
#     ./conf-examples/quickstart.sh [--stop-after SECONDS]
#
# Installs the packages that are missing (as root, or with sudo), builds the module into build/, and
# starts a private nginx on a free port of 127.0.0.1, all its files in one temporary directory. A system's
# nginx and /etc/nginx are left alone. The private nginx stops by itself after SECONDS (900), and its
# directory goes with it.
set -eu

name=www.example.com
stop_after=900
case ${1-} in
    --stop-after) stop_after=${2-} ;;
    '') ;;
    *) stop_after= ;;
esac
case $stop_after in
    ''|*[!0-9]*) echo "usage: $0 [--stop-after SECONDS]" >&2; exit 2 ;;
esac

umask 022
cd "$(dirname "$0")/.."
top=$(pwd)
. t/packages.sh

step() { printf '\n== %s ==\n' "$*"; }
fail() { printf 'quickstart: %s\n' "$*" >&2; exit 1; }


step '1/7  Packages'
hpkp_install $HPKP_BUILD_PACKAGES curl openssl ca-certificates || fail 'packages are missing, see above'
echo 'All there.'


step '2/7  Build'
log=$(mktemp)
build() { cmake -S . -B build && cmake --build build --target hpkp_module; }   # t/run.sh wants the rest
build > "$log" 2>&1 || { tail -n 40 "$log"; rm -f "$log"; fail 'the build failed, see above'; }
rm -f "$log"
echo 'build/ngx_http_hpkp_module.so'


step '3/7  A throw-away CA and the example conf-examples/leaf.conf'
dir=$(mktemp -d "${TMPDIR:-/tmp}/hpkp-quickstart.XXXXXX")
pid=
clean_up() {                      # on a failure only; a good run leaves the watchdog in charge
    [ -z "$pid" ] || kill -QUIT "$pid" 2>/dev/null || :
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 130' HUP INT TERM

conf-examples/make-pki.sh "$dir/pki"
cp conf-examples/leaf.yaml conf-examples/private-*.conf "$dir/"
mkdir "$dir/modules"
cp build/ngx_http_hpkp_module.so "$dir/modules/"

nginx=$(PATH=$PATH:/usr/sbin command -v nginx) || fail 'no nginx in PATH or /usr/sbin'
nginx_here() { "$nginx" -p "$dir" -c leaf.conf "$@"; }

start() {                         # another process may take the port between the look and the start
    for _ in 1 2 3 4 5; do
        port=$(perl -MIO::Socket::INET -e \
            'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport')
        sed "s/127\.0\.0\.1:8441/127.0.0.1:$port/" conf-examples/leaf.conf > "$dir/leaf.conf"
        nginx_here 2> "$dir/start.log" && return 0
        grep -q 'bind() to' "$dir/start.log" || break
    done
    cat "$dir/start.log" >&2
    return 1
}
start || fail 'nginx did not start, see above'
for _ in $(seq 50); do            # written after the daemon's parent has gone
    [ -s "$dir/nginx.pid" ] && break
    sleep 0.1
done
pid=$(cat "$dir/nginx.pid")

# Detached: it outlives this script, counts from the end of it, and nothing outlives it in turn.
setsid sh -c '
    script=$1 nginx=$2 dir=$3 left=$4
    runs() { kill -0 "$1" 2>/dev/null; }
    while runs "$nginx" && runs "$script"; do sleep 1; done
    while runs "$nginx" && [ "$left" -gt 0 ]; do sleep 1; left=$((left - 1)); done
    kill -QUIT "$nginx" 2>/dev/null
    for second in 1 2 3 4 5; do runs "$nginx" || break; sleep 1; done
    kill -TERM "$nginx" 2>/dev/null
    rm -rf "$dir"
' watchdog $$ "$pid" "$dir" "$stop_after" < /dev/null > /dev/null 2>&1 &

fetch() { curl -sS --max-time 10 --noproxy '*' --cacert "$dir/pki/root-a.pem" \
              --resolve "$name:$port:127.0.0.1" "https://$name:$port/" "$@"; }
pin() { openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl base64; }
served_pin() {
    openssl s_client -connect "127.0.0.1:$port" -servername "$name" < /dev/null 2>/dev/null |
        openssl x509 -noout -pubkey | pin
}
leaf_pin=$(pin < "$dir/pki/www.pub")
backup_pin=$(openssl req -in "$dir/pki/backup-1.csr" -noout -pubkey | pin)

show() {                          # what a client sees: TLS checked against the throw-away root
    fetch -D - -o /dev/null | tr -d '\r' | sed -n '/^HTTP/p; /^Public-Key-Pins/p'
    served=$(served_pin)
    case $served in
        "$leaf_pin")   echo "key served: $served, the pin named leaf" ;;
        "$backup_pin") echo "key served: $served, the pin named backup 1" ;;
        *)             fail "key served: $served, which nobody pinned" ;;
    esac
}
grep -F '[warn]' "$dir/start.log" || :    # nobody rehearsed this policy, and nginx says so
echo "nginx $pid serves https://$name:$port/ on 127.0.0.1, from $dir"


step '4/7  The header, as curl sees it'
show


# A new file takes the place of the old one, as any renewal should do it: nginx never sees half of it, and since 1.27.4
# it keeps a certificate whose file has the same inode and second.
replace() {     # OLD NEW
    cp "$2" "$1.new"
    mv "$1.new" "$1"
}

refused_reload() {
    echo '$ nginx -s reload'
    if nginx_here -s reload 2>&1; then
        fail 'this reload should have been refused'
    fi
}

step '5/7  A renewal with a key that nobody pinned'
replace "$dir/pki/www.pem" "$dir/pki/renewed/unpinned.pem"
replace "$dir/pki/www.key" "$dir/pki/renewed/unpinned.key"
refused_reload
printf '\nRefused. So pin the new key instead of the old one? That header would be valid:\n'
sed 's,public-key: pki/www.pub,certificate: pki/renewed/unpinned.pem,' conf-examples/leaf.yaml > "$dir/leaf.yaml"
refused_reload
cp conf-examples/leaf.yaml "$dir/"
printf '\nRefused too: clients remember the old header. What still serves:\n'
show
[ "$served" = "$leaf_pin" ] || fail 'the old configuration should serve'


step '6/7  A renewal with the key of backup 1'
replace "$dir/pki/www.pem" "$dir/pki/renewed/backup-1.pem"
replace "$dir/pki/www.key" "$dir/pki/offline/backup-1.key"
echo '$ nginx -s reload'
nginx_here -s reload 2>&1 || fail 'this reload should have been accepted'
for _ in $(seq 100); do           # the old worker serves beside the new one until it has gone
    grep -q 'worker process [0-9]* exited' "$dir/error.log" && break
    sleep 0.1
done
echo 'Accepted. What serves now:'
show
[ "$served" = "$backup_pin" ] || fail 'the renewed certificate should serve'


step '7/7  Yours to try'
cat <<END
  curl -i --cacert $dir/pki/root-a.pem --resolve $name:$port:127.0.0.1 https://$name:$port/
  edit    $dir/leaf.yaml (or leaf.conf beside it)
  check   $nginx -p $dir -c leaf.conf -t
  reload  $nginx -p $dir -c leaf.conf -s reload
  log     $dir/error.log
  ledger  build/hpkp ledger show --ledger $dir/hpkp.ledger    (after cmake --build build)
  module  $top/build/ngx_http_hpkp_module.so

To stop it:  kill -QUIT $pid
It stops by itself in $stop_after seconds, and takes $dir with it.
END
trap - EXIT
