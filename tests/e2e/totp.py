"""What an authenticator shows (RFC 6238: HMAC-SHA-1, 30 s, six digits)."""
import base64
import hashlib
import hmac
import struct
import time


def code(secret, steps=0):
    """Of now, or so many steps of 30 s away."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30 + steps), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"
