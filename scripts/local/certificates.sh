# Sourced by scripts/run: certificates of the local stack's own making, below var/tls. Made once, the server's anew a month before it ends.
#   ca.pem           signs the servers' certificate; give it to clients (curl --cacert)
#   server.pem .key  for localhost and 127.0.0.1; server-bundle.pem is both in one file
#   device-ca.pem .key   signs certificates that devices may show
#   scripts/local/device-certificate makes one for a device
# shellcheck shell=sh disable=SC2154

tls_authority() { # name, common name
    [ -s "$NWIMS_VAR/tls/$1.pem" ] && return 0
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 3650 -subj "/O=NWIMS local stack/CN=$2" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
        -keyout "$NWIMS_VAR/tls/$1.key" -out "$NWIMS_VAR/tls/$1.pem" 2>/dev/null || fail "openssl cannot make the certificate authority $1"
}
# A key and a certificate that the authority signs.
tls_certificate() { # name, authority, subject, days, extension lines
    work=$NWIMS_VAR/tls/$1
    printf '%s\n' "$5" >"$work.ext"
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -subj "$3" -keyout "$work.key.new" -out "$work.csr" 2>/dev/null ||
        fail "openssl cannot make the key of $1"
    openssl x509 -req -in "$work.csr" -CA "$NWIMS_VAR/tls/$2.pem" -CAkey "$NWIMS_VAR/tls/$2.key" -set_serial "0x$(random_hex 16 | cut -c3-)" \
        -sha256 -days "$4" -extfile "$work.ext" -out "$work.pem.new" 2>/dev/null || fail "openssl cannot make the certificate $1"
    mv "$work.key.new" "$work.key"
    mv "$work.pem.new" "$work.pem"
    rm -f "$work.csr" "$work.ext"
}
make_certificates() {
    mkdir -p "$NWIMS_VAR/tls"
    chmod 755 "$NWIMS_VAR/tls"
    umask 077
    tls_authority ca "NWIMS local CA"
    tls_authority device-ca "NWIMS local device CA"
    if ! openssl x509 -in "$NWIMS_VAR/tls/server.pem" -noout -checkend 2592000 >/dev/null 2>&1; then
        tls_certificate server ca "/O=NWIMS local stack/CN=localhost" 397 "subjectAltName=DNS:localhost,IP:127.0.0.1
extendedKeyUsage=serverAuth
keyUsage=critical,digitalSignature
basicConstraints=critical,CA:FALSE"
        cat "$NWIMS_VAR/tls/server.pem" "$NWIMS_VAR/tls/server.key" >"$NWIMS_VAR/tls/server-bundle.pem"
    fi
    umask 022
    chmod 644 "$NWIMS_VAR"/tls/ca.pem "$NWIMS_VAR"/tls/device-ca.pem "$NWIMS_VAR"/tls/server.pem
}
