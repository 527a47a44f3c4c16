"""HS256 tokens for the servers that want them."""
import base64
import hashlib
import hmac
import json
import time

SECRET = "a secret that only this measurement knows, and no other"


def _text(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def token(subject, secret=SECRET, **claims):
    now = int(time.time())
    body = {"sub": subject, "iat": now - 60, "exp": now + 86400, **claims}
    signed = _text(b'{"alg":"HS256","typ":"JWT"}') + "." + _text(json.dumps(body).encode())
    return signed + "." + _text(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())
