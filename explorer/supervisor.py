"""A process tree that stands and falls together: its processes are restarted when they die, and end when it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from explorer.process import die_with_parent

GRACE_SECONDS = 3.0
YOUNG_SECONDS = 10.0
"""A process that dies younger than this, several times in a row, will not be helped by starting it again."""
MOST_YOUNG_DEATHS = 5


@dataclass(frozen=True)
class Program:
    """A command line with the descriptors it inherits."""

    name: str
    command: tuple[str, ...]
    descriptors: tuple[int, ...] = ()
    stop: int = signal.SIGTERM
    """The signal that ends it politely."""


class Hopeless(Exception):
    """A program keeps dying."""


class _Process:
    def __init__(self, program: Program, environment: Mapping[str, str]) -> None:
        self.program = program
        self._environment = environment
        self.young_deaths = 0
        self.start()

    def start(self) -> None:
        parent = os.getpid()
        self.born = time.monotonic()
        # This process has one thread, so running Python between fork and exec is safe.
        self.handle = subprocess.Popen(
            self.program.command,
            env=dict(self._environment),
            stdin=subprocess.DEVNULL,
            pass_fds=self.program.descriptors,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(parent),
        )

    def signal(self, number: int) -> None:
        try:
            os.killpg(self.handle.pid, number)
        except ProcessLookupError:
            return


class Tree:
    """Starts programs, watches them, ends them in the reverse order."""

    def __init__(self) -> None:
        self._processes: list[_Process] = []
        self._stop = False

    def start(self, program: Program, environment: Mapping[str, str]) -> None:
        self._processes.append(_Process(program, environment))

    def stop_on_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: object) -> None:
        self._stop = True

    def run(self, until: Callable[[], bool] = lambda: False, every: float = 0.1) -> bool:
        """Keeps the programs running until `until` holds (True) or a signal asks to stop (False). Raises Hopeless."""
        while not self._stop:
            for process in self._processes:
                self._revive(process)
            if until():
                return True
            time.sleep(every)
        return False

    def _revive(self, process: _Process) -> None:
        status = process.handle.poll()
        if status is None:
            return
        process.signal(signal.SIGKILL)
        name = process.program.name
        process.young_deaths = process.young_deaths + 1 if time.monotonic() - process.born < YOUNG_SECONDS else 1
        if process.young_deaths >= MOST_YOUNG_DEATHS:
            raise Hopeless(f"the {name} ended {process.young_deaths} times within seconds (last status {status})")
        print(f"The {name} ended (status {status}); it is started again.", file=sys.stderr, flush=True)
        process.start()

    def end(self) -> None:
        """Ends every program: politely first, then for certain."""
        while self._processes:
            process = self._processes.pop()
            process.signal(process.program.stop)
            try:
                process.handle.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.signal(signal.SIGKILL)
                process.handle.wait()
            process.signal(signal.SIGKILL)
