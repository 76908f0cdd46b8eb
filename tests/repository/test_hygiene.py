"""The repository's own rules: locks name no registry and hold what pyproject asks for; no file names one machine's folders."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements/run.txt", "requirements/dev.txt", "frontend/package-lock.json")

REGISTRY = re.compile(r"https?://[^/\s\"']*(?:registry|pypi|npm|mirror|packages)[^/\s\"']*", re.IGNORECASE)
INDEX_OPTION = re.compile(r"^\s*--?(?:i|index-url|extra-index-url|find-links|trusted-host)\b", re.MULTILINE)
HOME = re.compile(r"(?<![\w./$}])/(?:root|home/\w+|Users/\w+)/[\w.]")


def tracked() -> list[Path]:
    """Every text file of the repository, committed or about to be."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [path for name in names if name and (path := ROOT / name).is_file() and b"\0" not in path.read_bytes()[:8192]]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_registry(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not REGISTRY.findall(text)
    assert not INDEX_OPTION.findall(text)


def test_no_file_names_a_home_folder() -> None:
    found = {str(p.relative_to(ROOT)): HOME.findall(p.read_text(errors="replace")) for p in tracked() if p != Path(__file__)}
    assert not {name: hits for name, hits in found.items() if hits}


@pytest.mark.parametrize(("lock", "extras"), [("run", ("web", "models")), ("dev", ("web", "models", "dev"))])
def test_the_lock_holds_what_pyproject_asks_for(lock: str, extras: tuple[str, ...]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + [line for extra in extras for line in project["optional-dependencies"][extra]]
    pins = pinned(lock)
    for requirement in map(Requirement, wanted):
        versions = pins.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement.name} is in no pin of requirements/{lock}.txt: run `make lock`"
        assert all(requirement.specifier.contains(v) for v in versions), f"{requirement} is not {versions}: run `make lock`"


def test_the_two_locks_agree() -> None:
    run, dev = pinned("run"), pinned("dev")
    assert {name: dev.get(name) for name in run} == run


def pinned(lock: str) -> dict[str, list[str]]:
    """Versions by name; several where the version depends on the Python."""
    pins: dict[str, list[str]] = {}
    for line in (ROOT / "requirements" / f"{lock}.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            (specifier,) = requirement.specifier
            assert specifier.operator == "==", line
            pins.setdefault(canonicalize_name(requirement.name), []).append(specifier.version)
    return pins
