"""Access tokens that the system never gave: of its own key with other claims, of other keys, of no key. The stack's own signing key is taken out of
its database with the master key, as an intruder who has both could; everything that follows must be refused in spite of it, or hold exactly."""
import base64
import glob
import hashlib
import hmac
import json
import os
import subprocess
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts(token):
    header, payload, _ = token.split(".")
    return json.loads(decode(header)), json.loads(decode(payload))


def secret(name):
    with open(os.path.join(os.environ["NWIMS_VAR"], "secrets", name), encoding="ascii") as file:
        return file.read().strip()


def sql(schema, text):
    """Runs a statement as the owner of a schema of the running stack; the rows as lists of texts."""
    psql = sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))[-1]
    out = subprocess.run([psql, "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", secret(f"url-nwims_{schema}_owner"), "-c", text],
                         capture_output=True, check=True, text=True).stdout
    return [line.split("\t") for line in out.splitlines()]


def signing_key():
    """(kid, private key) of identity, which keeps it wrapped: nonce, ciphertext and tag of AES-256-GCM under the master key."""
    kid, wrapped = sql("identity", "SELECT kid, encode(private_key, 'hex') FROM identity.signing_key WHERE state = 'active'")[0]
    data = bytes.fromhex(wrapped)
    pem = AESGCM(bytes.fromhex(secret("master-key"))).decrypt(data[:12], data[12:], f"signing-key:{kid}".encode())
    return kid, serialization.load_pem_private_key(pem, None)


def sign(header, payload, key):
    text = encode(json.dumps(header).encode()) + "." + encode(json.dumps(payload).encode())
    r, s = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return text + "." + encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


class Forger:
    """Makes variants of a token that is good."""

    def __init__(self):
        self.kid, self.key = signing_key()

    def changed(self, token, **claims):
        """Signed with the right key; a claim of None is left out."""
        _, payload = parts(token)
        payload.update(claims)
        payload = {name: value for name, value in payload.items() if value is not None}
        return sign({"alg": "ES256", "typ": "JWT", "kid": self.kid}, payload, self.key)

    def bad(self, token):
        """{name: token}, of which none may be taken anywhere."""
        header, payload = parts(token)
        now = int(time.time())
        other = ec.generate_private_key(ec.SECP256R1())
        public = self.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        head, body, signature = token.split(".")

        def hmac_signed(header, key):
            text = encode(json.dumps(header).encode()) + "." + body
            return text + "." + encode(hmac.new(key, text.encode(), hashlib.sha256).digest())
        return {
            "expired": self.changed(token, iat=now - 7200, nbf=now - 7200, exp=now - 60),
            "not yet good": self.changed(token, iat=now + 3600, nbf=now + 3600, exp=now + 7200),
            "of another issuer": self.changed(token, iss="elsewhere"),
            "for another audience": self.changed(token, aud="elsewhere"),
            "without an end": self.changed(token, exp=None),
            "of the wrong key": sign(header, payload, other),
            "of an unknown key": sign({**header, "kid": "01900000-0000-7000-8000-000000000000"}, payload, other),
            "alg none": encode(json.dumps({**header, "alg": "none"}).encode()) + "." + body + ".",
            "alg none, signed": encode(json.dumps({**header, "alg": "none"}).encode()) + "." + body + "." + signature,
            "alg HS256 with the public key": hmac_signed({**header, "alg": "HS256"}, public),
            "alg HS256 with an empty key": hmac_signed({**header, "alg": "HS256"}, b""),
            "changed after signing": head + "." + encode(json.dumps({**payload, "perm": "*:*"}).encode()) + "." + signature,
            "without a signature": head + "." + body + ".",
        }
