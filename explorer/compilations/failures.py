"""How a compilation fails for reasons of ours: limits and bugs, as last events that a user can read."""

import logging
import os
import secrets
import signal

from compiler_core.diagnostics import Diagnostic, error
from compiler_core.events import Failed
from explorer.limits import MIB, limits

log = logging.getLogger(__name__)


def failed(status: int, diagnostic: Diagnostic) -> Failed:
    return Failed(diagnostic=diagnostic, status=status)


def bug(what: str, details: str) -> Failed:
    """A failure that is our fault: details go to the log, their reference to the user."""
    reference = secrets.token_hex(4)
    log.error("reference %s: %s\n%s", reference, what, details)
    return failed(4, error("internal-error", reference=reference))


def out_of_memory() -> Failed:
    return failed(3, error("limit-memory", mib=limits.memory_bytes // MIB))


def what_killed(status: int, stderr: str) -> Failed:
    """The last event of a child that ended without one. `status` is as os.waitpid gives it."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            return failed(3, error("limit-cpu", seconds=limits.cpu_seconds))
        if number == signal.SIGKILL:
            # Nobody here sent it, so the kernel did: out of memory, or past the hard limit of processor time.
            return out_of_memory()
        return bug(f"the child died of {signal.Signals(number).name}", stderr)
    return bug(f"the child exited with {os.WEXITSTATUS(status)} before its last event", stderr)
