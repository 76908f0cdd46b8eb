"""Content-addressed bodies in the database, which every web and worker process shares: written once, sent as they are kept."""

import gzip
import hashlib
from collections.abc import Mapping

from explorer.compilations.models import Blob

SMALL = 256
LARGE = 1 << 20


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def compressed(data: bytes) -> tuple[str, bytes]:
    """The encoding that pays and the bytes in it: gzip, or identity for what is tiny or random (most tensors)."""
    if len(data) < SMALL:
        return "identity", data
    if len(data) > LARGE and len(gzip.compress(data[: LARGE // 4], 1)) > 0.9 * (LARGE // 4):
        return "identity", data
    packed = gzip.compress(data, 6 if len(data) <= LARGE else 1, mtime=0)
    return ("gzip", packed) if len(packed) < 0.9 * len(data) else ("identity", data)


def media_type(data: bytes) -> str:
    if data[:1] in (b"{", b"["):
        return "application/json"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "text/plain; charset=utf-8"


def put_all(bodies: Mapping[str, bytes]) -> None:
    """Keeps the bodies, which their names must be the sha256 of, in one transaction. Those kept already cost nothing."""
    kept = set(Blob.objects.filter(sha256__in=list(bodies)).values_list("sha256", flat=True))
    rows = []
    for name, data in bodies.items():
        if name not in kept:
            encoding, packed = compressed(data)
            rows.append(Blob(sha256=name, encoding=encoding, media_type=media_type(data), data=packed))
    Blob.objects.bulk_create(rows, ignore_conflicts=True)


def get(name: str) -> bytes | None:
    """The body itself, or None."""
    row = Blob.objects.filter(sha256=name).first()
    if row is None:
        return None
    return gzip.decompress(row.data) if row.encoding == "gzip" else bytes(row.data)


def known(name: str) -> bool:
    return Blob.objects.filter(sha256=name).exists()
