"""The page about the sandbox: every block of it is typed, and it names everything there is to set."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import pytest
from PIL import Image

from campaign_runner import sandbox
from campaign_runner.sandbox.faults import KINDS, load_faults
from campaign_runner.sandbox.settings import Settings

PAGE = (Path(sandbox.__file__).parent / "README.md").read_text(encoding="utf-8")
COMMAND = "campaign-runner sandbox "
MODELS = '["Our Look"]'


@dataclass(frozen=True, slots=True)
class Block:
    """One block of the page, and where it stands among all."""

    number: int
    language: str
    text: str

    @property
    def starts(self) -> list[str]:
        """The sandboxes that it starts, for the shell."""
        lines = self.text.splitlines() if self.language == "sh" else []
        return [line for line in lines if line.startswith(COMMAND)]


BLOCKS = [Block(number, *found) for number, found in enumerate(re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.M | re.S))]
TYPED = [block for block in BLOCKS if block.language == "sh" and not block.starts]
PROGRAMS = [block for block in BLOCKS if block.language in ("js", "python")]
STARTED = [line for block in BLOCKS for line in block.starts]


@contextmanager
def started(line: str, folder: Path) -> Iterator[str]:
    """A sandbox as the page starts it, but at a free port and quicker; yields what its first line says."""
    words = re.sub(r"--port \d+", "--port 0", line.removeprefix(COMMAND))
    command = f"exec '{sys.executable}' -m campaign_runner sandbox --plain-pictures --job-seconds 0.2 {words}"
    with (folder / "said.txt").open("w") as said:
        shell = ["bash", "-c", command]
        with subprocess.Popen(shell, cwd=folder, stdout=subprocess.PIPE, stderr=said, text=True) as process:
            try:
                assert process.stdout is not None
                yield process.stdout.readline()
            finally:
                process.terminate()


@pytest.fixture
def port(tmp_path: Path) -> Iterator[str]:
    """Where the first block's sandbox is."""
    with started(STARTED[0], tmp_path) as line:
        yield re.findall(r"127\.0\.0\.1:(\d+)", line)[0]


def type_(program: list[str], text: str, port: str, folder: Path) -> str:
    """What a block prints, once the port of the page is that of the sandbox."""
    env: Mapping[str, str] = {**os.environ, "NO_PROXY": "*", "no_proxy": "*"}
    said = subprocess.run(
        [*program, text.replace("8080", port)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    return said.stdout


def picture(folder: Path, name: str) -> tuple[int, int]:
    with Image.open(folder / name) as image:
        return image.size


def test_what_is_typed_with_curl_ends_with_a_picture_and_the_bill(port: str, tmp_path: Path) -> None:
    text = "\n".join(["set -euo pipefail", *(block.text for block in TYPED)])
    shown = type_(["bash", "-c"], text, port, tmp_path)
    assert picture(tmp_path, "almond.jpg") == (2048, 2048)
    assert '"statusUrl"' in shown and '"images_charged": 3' in shown and '"charged_twice": {}' in shown
    assert "--strict would refuse: body.seedz: extra fields not permitted" in (tmp_path / "said.txt").read_text()


def test_each_program_of_the_page_does_what_it_says(port: str, tmp_path: Path) -> None:
    node, python, library = PROGRAMS
    type_(["node", "--input-type=module", "-e"], node.text, port, tmp_path)
    type_([sys.executable, "-W", "error", "-c"], python.text, port, tmp_path)
    assert picture(tmp_path, "almond-js.jpg") == picture(tmp_path, "almond-py.jpg") == (2048, 2048)
    assert type_([sys.executable, "-c"], library.text, port, tmp_path) == "1\n"


def test_each_sandbox_of_the_page_starts(tmp_path: Path) -> None:
    (tmp_path / "models.json").write_text(MODELS, encoding="utf-8")
    with ExitStack() as stack:
        first = [stack.enter_context(started(line, tmp_path)) for line in STARTED]
    played = [re.findall(r"; (.*)\)", line)[0] for line in first]
    assert played == [
        "74 custom models",
        "74 custom models, and any other by its id",
        "75 custom models",
        "75 custom models",
    ]


def test_no_block_of_the_page_is_left_out() -> None:
    assert {block.language for block in BLOCKS} == {"sh", "js", "python", "yaml"}
    assert PAGE.count("```") == 2 * len(BLOCKS)
    done = {block.number for block in [*TYPED, *PROGRAMS]} | {block.number for block in BLOCKS if block.starts}
    assert [block.language for block in BLOCKS if block.number not in done] == ["yaml"]
    assert all(line.startswith(COMMAND) for block in BLOCKS if block.starts for line in block.text.splitlines())


def rows(title: str) -> set[str]:
    """The code words in the first column of the table under the title."""
    section = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    return {
        word for line in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for word in re.findall("`(.*?)`", line)
    }


@pytest.mark.parametrize(
    ("title", "known"),
    [("Switches", {field.name for field in fields(Settings)}), ("Faults", set(KINDS))],
)
def test_the_page_lists_every_switch_and_every_fault_and_no_other(title: str, known: set[str]) -> None:
    assert rows(title) == known


def test_the_script_on_the_page_can_be_followed(tmp_path: Path) -> None:
    (script,) = [block for block in BLOCKS if block.language == "yaml"]
    (tmp_path / "script.yaml").write_text(script.text)
    assert [fault.kind for fault in load_faults(tmp_path / "script.yaml")] == [
        "429", "reset_after", "failed", "expired", "503", "slow",
    ]  # fmt: skip


def test_the_sandbox_imports_nothing_else_of_the_package() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in Path(sandbox.__file__).parent.rglob("*.py"))
    imported = set(re.findall(r"(?:from|import) (campaign_runner[\w.]*)", sources))
    assert imported and all(f"{name}.".startswith("campaign_runner.sandbox.") for name in imported)
