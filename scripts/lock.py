"""Writes requirements/*.txt: every dependency of pyproject.toml, transitive ones too, at one exact version.

run.txt is what `make run` needs; dev.txt adds what the checks and tests need and agrees with run.txt. Both hold environment
markers for every Python and platform the project supports, and name no registry.
"""

import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
RESOLVER = "uv==0.13.9"
RUN_EXTRAS = ("web", "models")
HEADER = "# Written by `make lock` from pyproject.toml; change it there.\n"


def resolve(python: Path, target: Path, *arguments: str) -> None:
    lowest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    flags = ("--universal", "--quiet", "--no-header", "--no-annotate", "--no-emit-index-url", "--upgrade")
    command = [python, "-m", "uv", "pip", "compile", *flags, "--python-version", lowest, *arguments, "pyproject.toml"]
    pins = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    target.write_text(HEADER + pins)


def main() -> None:
    REQUIREMENTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", RESOLVER], check=True)
        resolve(python, REQUIREMENTS / "dev.txt", "--all-extras")
        extras = [f"--extra={extra}" for extra in RUN_EXTRAS]
        resolve(python, REQUIREMENTS / "run.txt", *extras, "--constraint", str(REQUIREMENTS / "dev.txt"))


if __name__ == "__main__":
    sys.exit(main())
