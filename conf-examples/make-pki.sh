#!/bin/sh
# Makes a throw-away PKI for the examples: ./make-pki.sh DIR
#
# Two certificate authorities (a, b), a server certificate of each for www.example.com, and the keys
# of the days after: backups, and one that nobody pinned. Nothing here is fit for a real server.
#
#   root-a.pem root-b.pem roots.pem              what clients trust: one root, or both
#   intermediate-a.pem intermediate-b.pem        what signed the server certificates
#   intermediate-a-next.pem                      the one that CA a has announced, not in use yet
#   root-a-by-b.pem                              cross-signed: the key of root a, certified by root b
#   www.pem www.key                              served: EC leaf of CA a, then its intermediate
#   www-rsa.pem www-rsa.key                      served beside it: RSA leaf of CA b, then its intermediate
#   www-cross.pem                                www.pem, then root-a-by-b.pem: for clients that know root b alone
#   www.pub                                      public key of www.key, to pin it
#   backup-1.csr backup-2.csr                    requests made with the backup keys, to pin those
#   renewed/backup-1.pem                         the answer of CA a to backup-1.csr
#   renewed/unpinned.pem renewed/unpinned.key    a certificate with a key that is pinned nowhere
#   offline/                                     keys that do not belong on a server
set -eu

if [ $# -ne 1 ]; then
    echo "usage: $0 DIR" >&2
    exit 2
fi
if [ -e "$1/www.pem" ]; then
    echo "$0: $1 has a PKI already; remove it first" >&2
    exit 1
fi

umask 022
mkdir -p "$1/offline" "$1/renewed"
cd "$1"
chmod 700 offline

cat > offline/openssl.cnf <<'CNF'
[req]
distinguished_name = dn
prompt = no
[dn]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[intermediate]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:www.example.com
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
CNF

key() {          # FILE [genpkey options]
    file=$1; shift
    [ $# -gt 0 ] || set -- -algorithm EC -pkeyopt ec_paramgen_curve:P-256
    (umask 077; openssl genpkey -quiet "$@" -out "$file")
}

certify() {      # KIND COMMON-NAME KEY OUT DAYS [ISSUER]   (no issuer: signs itself)
    if [ $# -eq 5 ]; then
        openssl req -x509 -new -sha256 -config offline/openssl.cnf -extensions "$1" -subj "/CN=$2" -key "$3" -days "$5" -out "$4"
        return
    fi
    openssl pkey -in "$3" -pubout -out offline/public.tmp
    openssl x509 -new -sha256 -force_pubkey offline/public.tmp -extfile offline/openssl.cnf -extensions "$1" -subj "/CN=$2" \
        -days "$5" -out "$4" -CA "$6.pem" -CAkey "offline/$6.key"
    rm offline/public.tmp
}

for ca in a b; do
    key "offline/root-$ca.key"
    certify root "Example Root $ca" "offline/root-$ca.key" "root-$ca.pem" 3650
    key "offline/intermediate-$ca.key"
    certify intermediate "Example CA $ca" "offline/intermediate-$ca.key" "intermediate-$ca.pem" 1825 "root-$ca"
done
cat root-a.pem root-b.pem > roots.pem
certify root 'Example Root a' offline/root-a.key root-a-by-b.pem 3650 root-b
key offline/intermediate-a-next.key
certify intermediate "Example CA a, next" offline/intermediate-a-next.key intermediate-a-next.pem 1825 root-a

leaf() {         # KEY OUT INTERMEDIATE: a server's chain file, leaf first
    certify leaf www.example.com "$1" "$2" 365 "$3"
    cat "$3.pem" >> "$2"
}

key www.key
openssl pkey -in www.key -pubout -out www.pub
leaf www.key www.pem intermediate-a
cat www.pem root-a-by-b.pem > www-cross.pem

key www-rsa.key -algorithm RSA -pkeyopt rsa_keygen_bits:2048
leaf www-rsa.key www-rsa.pem intermediate-b

for n in 1 2; do
    key "offline/backup-$n.key"
    openssl req -new -sha256 -config offline/openssl.cnf -subj "/CN=www.example.com" \
        -key "offline/backup-$n.key" -out "backup-$n.csr"
done
leaf offline/backup-1.key renewed/backup-1.pem intermediate-a

key renewed/unpinned.key
leaf renewed/unpinned.key renewed/unpinned.pem intermediate-a
