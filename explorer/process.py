"""Processes that end with their parent, whatever ends it."""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38

libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int, with_signal: int = signal.SIGKILL) -> None:
    """Has the kernel send this process `with_signal` when `parent` ends, even by SIGKILL. Exits at once if it already has.

    Source: prctl(2), PR_SET_PDEATHSIG. The setting survives exec and is not inherited by forks.
    """
    libc.prctl(PR_SET_PDEATHSIG, with_signal, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def keep_privileges_as_they_are() -> None:
    """No exec in this process or its children gains rights (set-uid programs included)."""
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
