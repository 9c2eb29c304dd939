"""Adobe's tutorial "Custom Models Generate Image API" on the sandbox: as it is printed, but for the hosts.

`tutorial/README.md` says what the page asks, and when.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

TUTORIAL = Path(__file__).with_name("tutorial")
HOSTS = ("https://ims-na1.adobelogin.com", "https://firefly-api.adobe.io")
PROGRAMS = {"steps.sh": "bash", "walk.py": sys.executable, "walk.mjs": "node"}
SENTENCES = {
    # why a strict sandbox refuses each
    "steps.sh": "/jobs/result/ is of an old tutorial alone: ask the statusUrl of the job.",
    "walk.py": "header.x-model-version: field required: Adobe's pages disagree about the model of a request without it",
    "walk.mjs": "body.negativePrompt: negativePrompt is not supported with image3_custom",
}
MODEL = "urn:aaid:sc:VA6C2:bc1f46cd-be98-4a7b-9ffe-1111111111"
PROMPT = "Laika running over rolling green hills with a big vibrant sun in the background"
BODY = {
    # what the page prints, but for its Python and JavaScript
    "numVariations": 2,
    "seeds": [66080, 82683],
    "size": {"width": 2048, "height": 2048},
    "prompt": "An almond seed in a warm setting",
    "contentClass": "photo",
    "visualIntensity": 6,
    "style": {"presets": ["painting"], "strength": 50},
    "promptBiasingLocaleCode": "en-US",
    "customModelId": MODEL,
}


@contextmanager
def sandbox(*switches: str) -> Iterator[str]:
    """The sandbox as its command serves it, in a process of its own: these callers know no virtual time."""
    command = [sys.executable, "-m", "campaign_runner", "sandbox", "--port=0", "--job-seconds=0.1", "--plain-pictures"]
    with subprocess.Popen([*command, "--per-minute=1000", *switches], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield re.findall(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def lenient() -> Iterator[str]:
    with sandbox() as origin:
        yield origin


@pytest.fixture(scope="module")
def strict() -> Iterator[str]:
    with sandbox("--strict") as origin:
        yield origin


def run(program: str, origin: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Start a program of the tutorial in `folder`, with its hosts replaced."""
    text = (TUTORIAL / program).read_text(encoding="utf-8")
    assert all(host in text for host in HOSTS)
    for host in HOSTS:
        text = text.replace(host, origin)
    (folder / program).write_text(text, encoding="utf-8")
    env = {"CUSTOM_MODELS_CLIENT_ID": program, "CUSTOM_MODELS_CLIENT_SECRET": "a-secret", "PAUSE": "0.05"}
    env |= {"PATH": "/usr/local/bin:/usr/bin:/bin", "NO_PROXY": "*"}
    return subprocess.run(
        [PROGRAMS[program], program], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def asked(origin: str, program: str) -> list[dict[str, Any]]:
    """The requests for generation of a program, as the ledger has them."""
    with requests.Session() as http:
        http.trust_env = False
        entries = http.get(f"{origin}/sandbox/ledger").json()["requests"]
    return [entry for entry in entries if entry["client_id"] == program]


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_the_tutorial_prints_ends_with_its_pictures(program: str, lenient: str, tmp_path: Path) -> None:
    said = run(program, lenient, tmp_path)
    assert (said.returncode, "status succeeded" in said.stdout) == (0, True), said.stdout + said.stderr
    for seed in (66080, 82683):
        with Image.open(tmp_path / f"{seed}.jpg") as picture:
            assert picture.size == (2048, 2048)
    *_, entry = asked(lenient, program)
    assert (entry["outcome"], entry["version"]) == ("accepted", "image3_custom")
    more = {} if program == "steps.sh" else {"prompt": PROMPT, "negativePrompt": "red"}
    assert entry["body"] == BODY | more


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_strict_sandbox_refuses_it_with_a_sentence_that_says_why(program: str, strict: str, tmp_path: Path) -> None:
    said = run(program, strict, tmp_path)
    assert said.returncode != 0
    assert SENTENCES[program] in said.stdout + said.stderr
    assert not list(tmp_path.glob("*.jpg"))


def test_the_first_step_shows_the_model_that_the_page_shows(lenient: str, tmp_path: Path) -> None:
    said = run("steps.sh", lenient, tmp_path)
    assert f"model {MODEL} (Warm Custom Model)" in said.stdout
    assert json.loads((tmp_path / "models.json").read_text())["custom_models"][0]["repo:assetId"] == MODEL


def test_the_page_that_is_restated_is_named_with_its_date() -> None:
    text = (TUTORIAL / "README.md").read_text(encoding="utf-8")
    assert "developer.adobe.com/firefly-services/docs/firefly-api/guides/how-tos/cm-generate-image/" in text
    assert "2025" in text and "2026-05-27" in text
    assert all(f"`{program}`" in text for program in PROGRAMS)
