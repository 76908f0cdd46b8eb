"""Every limit of the service, with its default and what it guards; each can be set as TILESCOPE_<NAME> in the environment."""

import os
from dataclasses import dataclass, fields

MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True)
class Limits:
    model_bytes: int = 64 * MIB
    """Largest uploaded model."""
    request_bytes: int = 8 * MIB
    """Largest body of any other request; a source of a million characters fits however it is escaped."""
    queued: int = 256
    """Compilations that may wait; more are answered 503."""
    sockets: int = 4000
    """Open sockets of one web process; more are told to try again later."""
    socket_stall_seconds: int = 20
    """How long one message may wait for a slow reader before its socket is closed, to come back by cursor."""
    view_bytes: int = 16 * 1024
    """The JSON of a workspace's view."""

    memory_bytes: int = 4 * GIB
    """Address space of the sandboxed child."""
    cpu_seconds: int = 300
    """Processor time of the sandboxed child."""
    wall_seconds: int = 300
    """Wall clock of one attempt at a compilation."""
    file_bytes: int = 1 * GIB
    """Largest file the child may write."""
    open_files: int = 256
    """Files the child may have open."""
    blob_bytes: int = 256 * MIB
    """Largest single body a compilation may keep."""
    kept_bytes: int = 1 * GIB
    """All bodies one compilation may keep."""
    events: int = 10_000
    """Events of one compilation."""
    lease_seconds: int = 6
    """How long a worker may be silent before what it runs is run again elsewhere."""
    attempts: int = 3
    """How often a compilation is begun when workers die under it."""

    inspect_seconds: int = 5
    """Wall clock and processor time of one look at a source."""
    inspect_memory_bytes: int = 1 * GIB
    """Address space of one look at a source."""

    @classmethod
    def from_environment(cls) -> "Limits":
        """The defaults, overridden by TILESCOPE_MODEL_BYTES and so on. Raises ValueError where one is no positive integer."""
        chosen: dict[str, int] = {}
        for field in fields(cls):
            name = f"TILESCOPE_{field.name.upper()}"
            if name in os.environ:
                text = os.environ[name]
                if not text.isdecimal() or int(text) == 0:
                    raise ValueError(f"{name} must be a positive integer, not {text!r}")
                chosen[field.name] = int(text)
        return cls(**chosen)


limits = Limits.from_environment()
