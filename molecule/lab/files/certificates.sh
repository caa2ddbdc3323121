#!/bin/sh
# Makes a certificate authority, and with it the certificate that the application hosts share; both last a year and are
# made anew when less than three months remain. Prints "made" if it made them, and then the folder that they are in:
#   ca.crt    what the lab's hosts trust
#   app.pem   certificate and key for nginx
set -eu
. "$(dirname "$0")/machine.sh"
folder=$lab_state/tls
umask 077
mkdir -p "$folder"
cd "$folder"

if ! openssl x509 -in app.pem -noout -checkend 7776000 >/dev/null 2>&1 ||
    ! openssl verify -CAfile ca.crt app.pem >/dev/null 2>&1; then
    openssl req -x509 -newkey rsa:2048 -nodes -days 366 -subj '/O=Weibao lab/CN=Weibao lab CA' \
        -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.crt 2>/dev/null
    openssl req -newkey rsa:2048 -nodes -subj '/O=Weibao lab/CN=app1' -keyout app.key -out app.csr 2>/dev/null
    printf '%s\n' basicConstraints=CA:FALSE extendedKeyUsage=serverAuth \
        subjectAltName=DNS:app1,DNS:app2,DNS:localhost >app.ext
    openssl x509 -req -in app.csr -CA ca.crt -CAkey ca.key -CAserial ca.srl -CAcreateserial -days 365 \
        -extfile app.ext -out app.crt 2>/dev/null
    cat app.crt app.key >app.pem
    rm app.csr app.ext app.crt app.key
    echo made
fi
echo "$folder"
