"""A push service and a browser for tests: checks the signature by RFC 8292 and decrypts by RFC 8291, both written from
the RFCs with nothing of what sends (no http_ece)."""

from __future__ import annotations

import json
import struct
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.providers import Provider, Reply, Request


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def hmac_sha256(key: bytes, *parts: bytes) -> bytes:
    mac = hmac.HMAC(key, hashes.SHA256())
    for part in parts:
        mac.update(part)
    return mac.finalize()


def decrypt(body: bytes, private: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """RFC 8291 §3.4 and RFC 8188 §2, one record."""
    salt, (rs, idlen), rest = body[:16], struct.unpack("!IB", body[16:21]), body[21:]
    as_public, text = rest[:idlen], rest[idlen:]
    assert idlen == 65 and len(text) <= rs and len(body) <= 4096
    ua_public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    sender = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), as_public)
    prk_key = hmac_sha256(auth, private.exchange(ec.ECDH(), sender))
    ikm = hmac_sha256(prk_key, b"WebPush: info\0", ua_public, as_public, b"\x01")
    prk = hmac_sha256(salt, ikm)
    cek = hmac_sha256(prk, b"Content-Encoding: aes128gcm\0\x01")[:16]
    nonce = hmac_sha256(prk, b"Content-Encoding: nonce\0\x01")[:12]
    padded = AESGCM(cek).decrypt(nonce, text, None).rstrip(b"\0")
    assert padded.endswith(b"\x02")
    return padded[:-1]


@dataclass
class BrowserKeys:
    """What a browser makes when it subscribes."""

    path: str
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = b"0123456789abcdef"

    def subscription(self, service: str) -> dict[str, Any]:
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": b64(point), "auth": b64(self.auth)}
        return {"endpoint": service + self.path, "expirationTime": None, "keys": keys}


class PushService(Provider):
    """Takes what RFC 8030 lets it take. `gone`: paths of subscriptions that ended; `broken`: those it fails for now."""

    public_key = ""
    gone: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()

    def answer(self, request: Request) -> Reply:
        if request.path in self.gone:
            return 410, {}
        if request.path in self.broken:
            return 500, {}
        assert request.headers["content-encoding"] == "aes128gcm"
        assert request.headers["ttl"].isdigit() and request.headers["urgency"] in (
            "very-low",
            "low",
            "normal",
            "high",
        )
        topic = request.headers["topic"]
        assert len(topic) <= 32 and len(unb64(topic)) > 0
        if not self.signed(request.headers["authorization"]):
            return 403, {}
        self.taken.append({"path": request.path, "headers": request.headers, "body": request.body})
        return 201, {}

    def signed(self, authorization: str) -> bool:
        scheme, _, rest = authorization.partition(" ")
        fields = dict(part.strip().split("=", 1) for part in rest.split(","))
        head, claims, signature = fields["t"].split(".")
        if scheme != "vapid" or fields["k"] != self.public_key:
            return False
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(fields["k"]))
        raw = unb64(signature)
        assert len(raw) == 64
        der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        key.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
        said = json.loads(unb64(claims))
        assert json.loads(unb64(head)) == {"typ": "JWT", "alg": "ES256"}
        return bool(
            said["aud"] == self.url and said["sub"].startswith(("mailto:", "https:"))
            and time.time() < said["exp"] <= time.time() + 24 * 3600
        )  # fmt: skip
