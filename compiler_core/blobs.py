"""Content-addressed bodies that events name by their sha256."""

import hashlib
from typing import Protocol


class BlobSink(Protocol):
    """Where a compilation puts the bodies its events name."""

    def put(self, data: bytes) -> str:
        """Keeps `data`; returns its sha256 in hex. Putting the same bytes again is free."""
        ...


class MemoryBlobs:
    """Blobs in a dictionary, for the command line and for tests."""

    def __init__(self) -> None:
        self.by_hash: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        self.by_hash.setdefault(digest, data)
        return digest
