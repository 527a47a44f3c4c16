"""Credentials in HS256, made by hand so that the hub's own minting is not what judges them."""
import base64
import hashlib
import hmac
import json
import time


def _part(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def sign(claims, secret):
    head = _part(b'{"alg":"HS256","typ":"JWT"}')
    body = _part(json.dumps(claims).encode())
    signature = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{_part(signature)}"


def reader(user, secret, topics=()):
    claims = {"sub": str(user), "exp": int(time.time()) + 3600}
    if topics:
        claims["tidings"] = {"subscribe": [f"topic:{topic}" for topic in topics]}
    return sign(claims, secret)


def publisher(secret, user="publisher"):
    return sign({"sub": user, "exp": int(time.time()) + 3600, "tidings": {"publish": ["*"]}}, secret)
