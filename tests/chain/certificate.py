"""A self-signed certificate for 127.0.0.1, made when a test needs one, so that no private key lies in the repository."""

from __future__ import annotations

from pathlib import Path

from Crypto.Hash import SHA256
from Crypto.IO import PEM
from Crypto.PublicKey.RSA import RsaKey
from Crypto.Signature import pkcs1_15

SHA256_WITH_RSA = bytes.fromhex("2a864886f70d01010b")  # 1.2.840.113549.1.1.11
COMMON_NAME = bytes.fromhex("550403")  # 2.5.4.3


def der(tag: int, *parts: bytes) -> bytes:
    """One DER value of at most 65,535 bytes."""
    content = b"".join(parts)
    length = len(content)
    head = bytes([length]) if length < 128 else bytes([0x82, length >> 8, length & 255])
    return bytes([tag]) + head + content


SEQUENCE, SET, INTEGER, BITS, NULL, OBJECT, UTF8, TIME = 0x30, 0x31, 0x02, 0x03, 0x05, 0x06, 0x0C, 0x17


def self_signed(key: RsaKey, folder: Path) -> Path:
    """One PEM file with the certificate (RFC 5280, version 1) and its key."""
    algorithm = der(SEQUENCE, der(OBJECT, SHA256_WITH_RSA), der(NULL))
    name = der(SEQUENCE, der(SET, der(SEQUENCE, der(OBJECT, COMMON_NAME), der(UTF8, b"127.0.0.1"))))
    times = der(SEQUENCE, der(TIME, b"200101000000Z"), der(TIME, b"491231235959Z"))
    body = der(SEQUENCE, der(INTEGER, b"\1"), algorithm, name, times, name, key.public_key().export_key("DER"))
    signature = pkcs1_15.new(key).sign(SHA256.new(body))
    certificate = der(SEQUENCE, body, algorithm, der(BITS, b"\0", signature))
    path = folder / "self-signed.pem"
    path.write_text(f"{PEM.encode(certificate, 'CERTIFICATE')}\n{key.export_key().decode()}\n")
    return path
