"""The outside judges' environments: one small venv each, pinned, made on demand and cached outside the repository."""

import fcntl
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Environment:
    """`pins` are installed without their dependencies: the judges need a fraction of what their packages ask for."""

    name: str
    package: str
    version: str
    also: tuple[str, ...] = ()

    @property
    def pins(self) -> tuple[str, ...]:
        return (f"{self.package}=={self.version}", *self.also)

    @property
    def folder(self) -> Path:
        return cache_folder() / f"{self.name}-{self.version}-py{sys.version_info.major}{sys.version_info.minor}"

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        return self.folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


NPUIR = Environment("npuir", "ascendnpu-ir", "1.2.0")
"""bishengir-opt and bishengir-compile; the hivm dialect's own verifier."""

ADAPTER = Environment("adapter", "triton-ascend", "3.2.0")
"""triton-adapter-opt, which takes TTIR to linalg."""

FRONTEND = Environment("frontend", "triton", "3.5.0")
"""Triton's frontend, whose TTIR the adapter reads: later ones say things that it does not know."""

INTERPRETER = Environment("interpreter", "triton", "3.9.0", ("numpy==2.4.6",))
"""Triton's interpreter, which runs kernels on the CPU."""


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "tilescope" / "oracles"


def ensure(environment: Environment) -> Environment:
    """Makes the environment where it is not there yet. Raises CalledProcessError where a pin cannot be installed."""
    made = environment.folder / ".made"
    with _locked(environment.folder.with_name(f"{environment.folder.name}.lock")):
        if not made.exists() or made.read_text() != "\n".join(environment.pins):
            venv.create(environment.folder, with_pip=True, clear=True)
            pip = [environment.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "--no-deps", "--only-binary=:all:", *environment.pins], check=True)
            made.write_text("\n".join(environment.pins))
    return environment


def installed_version(environment: Environment) -> str:
    """The version that the environment's own Python reports for its package."""
    code = f"from importlib.metadata import version; print(version({environment.package!r}))"
    return subprocess.run([environment.python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time: tests run in several, and each may be the first to need an environment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
