"""The lock that CI installs from: every file is known by its hash, and a changed one is refused."""

from __future__ import annotations

import hashlib
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = ROOT / ".ci" / "requirements.lock"
PIN = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[0-9][a-z0-9.]*)(?P<hashes>( --hash=sha256:[0-9a-f]{64})+)"
)


def pins(lock: str) -> dict[str, str]:
    """Name to version of every entry; an entry that is not one version with its hashes is no lock."""
    entries = "\n".join(line for line in lock.splitlines() if not line.lstrip().startswith("#"))
    found: dict[str, str] = {}
    for entry in re.sub(r" \\\n +", " ", entries).splitlines():
        match = PIN.fullmatch(entry)
        assert match, f"not one version with its hashes: {entry[:80]}"
        found[canonicalize_name(match["name"])] = match["version"]
    return found


def test_every_entry_of_the_lock_is_one_version_with_its_hashes_and_no_address() -> None:
    lock = LOCK.read_text(encoding="ascii")
    assert len(pins(lock)) > 60
    assert "://" not in lock


def test_the_lock_covers_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *(each for extra in project["project"]["optional-dependencies"].values() for each in extra),
    ]
    locked = pins(LOCK.read_text(encoding="ascii"))
    for requirement in map(Requirement, asked):
        if requirement.marker is None or requirement.marker.evaluate({"sys_platform": "linux"}):
            assert locked[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_the_tests_run_on_what_every_extra_installs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tested = set(project["optional-dependencies"]["test"])
    assert [each for extra in project["optional-dependencies"].values() for each in extra if each not in tested] == []


def tiny_wheel(shelf: Path) -> Path:
    wheel = shelf / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return wheel


def download_as_ci_does(folder: Path, lock: str) -> subprocess.CompletedProcess[str]:
    """CI's own download command, on the lock given and a shelf of one wheel instead of an index."""
    command = re.search(r"\.venv/bin/pip (download [^']*)'", (ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    assert command
    (folder / ".ci").mkdir(exist_ok=True)
    (folder / ".ci" / "requirements.lock").write_text(lock, encoding="ascii")
    pip = [sys.executable, "-m", "pip", "--isolated", *shlex.split(command[1]), "--no-index", "--find-links", "shelf"]
    return subprocess.run(pip, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.proof
def test_one_changed_hash_fails_the_installation_of_ci(tmp_path: Path) -> None:
    (tmp_path / "shelf").mkdir()
    digest = hashlib.sha256(tiny_wheel(tmp_path / "shelf").read_bytes()).hexdigest()
    changed = digest.translate(str.maketrans("0123456789abcdef", "123456789abcdef0"))

    refused = download_as_ci_does(tmp_path, f"tiny==1.0 \\\n    --hash=sha256:{changed}\n")
    assert refused.returncode != 0
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in refused.stderr
    assert not list(tmp_path.glob(".venv/wheels/*"))

    taken = download_as_ci_does(tmp_path, f"tiny==1.0 \\\n    --hash=sha256:{digest}\n")
    assert taken.returncode == 0, taken.stderr
    assert [path.name for path in tmp_path.glob(".venv/wheels/*")] == ["tiny-1.0-py3-none-any.whl"]


@pytest.mark.proof
def test_an_entry_without_a_hash_fails_the_installation_of_ci(tmp_path: Path) -> None:
    (tmp_path / "shelf").mkdir()
    tiny_wheel(tmp_path / "shelf")
    refused = download_as_ci_does(tmp_path, "tiny==1.0\n")
    assert refused.returncode != 0
    assert "hash" in refused.stderr.lower()
