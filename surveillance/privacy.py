"""Identifiers under lock: authenticated encryption for what must be readable again, keyed hashes for what must not.

Law 91/2025/QH15 and Decree 356/2025/NĐ-CP (domain.md §7): health data are sensitive, pseudonymised data stay
personal data, so neither form is ever logged.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from i18n import Message, MessageError

_FORMAT = b"\x01"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12


class PrivacyError(MessageError, ValueError):
    """Encrypted data that this key cannot open."""


@dataclass(frozen=True, slots=True)
class Vault:
    """Encrypts and hashes with keys derived from one 32-byte secret. Hashes are 16 bytes."""

    key_id: bytes
    _cipher: AESGCM = field(repr=False)
    _hash_key: bytes = field(repr=False)

    @classmethod
    def of(cls, secret_key: bytes) -> Vault:
        encryption = blake2b(b"encrypt", key=secret_key, digest_size=32).digest()
        return cls(
            key_id=blake2b(encryption, digest_size=_KEY_ID_BYTES).digest(),
            _cipher=AESGCM(encryption),
            _hash_key=blake2b(b"hash", key=secret_key, digest_size=32).digest(),
        )

    def encrypt(self, value: Any) -> bytes:
        """`value` (JSON-serialisable), sealed."""
        return self.seal(orjson.dumps(value))

    def decrypt(self, data: bytes) -> Any:
        """Raises PrivacyError when the data were changed or belong to another key."""
        return orjson.loads(self.unseal(data))

    def seal(self, content: bytes) -> bytes:
        """Format byte, key id, nonce and AES-256-GCM text."""
        nonce = os.urandom(_NONCE_BYTES)
        head = _FORMAT + self.key_id
        return head + nonce + self._cipher.encrypt(nonce, content, head)

    def unseal(self, data: bytes) -> bytes:
        """Raises PrivacyError as `decrypt` does."""
        head, rest = data[: 1 + _KEY_ID_BYTES], data[1 + _KEY_ID_BYTES :]
        if head != _FORMAT + self.key_id:
            raise PrivacyError(
                Message(
                    "Dữ liệu này được mã hóa bằng khóa khác. Hãy khôi phục đúng tệp secret.key từ bản sao lưu."
                )
            )
        try:
            return self._cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], head)
        except InvalidTag:
            raise PrivacyError(Message("Dữ liệu mã hóa đã bị hỏng hoặc bị sửa.")) from None

    def digest(self, *parts: str) -> bytes:
        """A keyed hash of `parts`: equal parts, equal hash; nothing can be read or tried out without the key."""
        text = "\x1f".join(parts).encode("utf-8", "surrogatepass")
        return blake2b(text, key=self._hash_key, digest_size=16).digest()


def mask_name(name: str) -> str:
    """Initials only: 'Nguyễn Văn An' → 'N. V. A.'"""
    return " ".join(f"{word[0].upper()}." for word in name.split())
