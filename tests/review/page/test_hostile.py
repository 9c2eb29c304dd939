"""Whatever a campaign, a prompt, a note or a file of decisions says is shown as text and runs nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from campaign_runner.review.decisions_file import lines
from campaign_runner.review.marks import Mark, Note, Reviewer, Vote
from campaign_runner.review.page.document import document
from tests.review.page.conftest import Person
from tests.review.page.folders import Home, make_home

SCRIPT = "</script><script>document.title='pwned'</script><img src=x onerror=document.title='pwned'>"
HOSTILE = f"{SCRIPT} \"'`{{{{7*7}}}} \u202eright to left ../../etc/passwd"
CAMPAIGN = """\
campaign: season
model: image3
products: {{mug: {{name: {name}}}}}
prompts: {{hero: "a {{product.name}}"}}
sizes: [1024x1024]
seeds: [11, 12]
review: {{reasons: {{wrong: {name}}}}}
"""


@pytest.fixture
def hostile(tmp_path: Path) -> Home:
    home = make_home(tmp_path, CAMPAIGN.format(name=json.dumps(HOSTILE.replace("{{7*7}}", "7*7"))))
    evil = Reviewer("evil", HOSTILE)
    first, second = home.keys
    digest = "ab" * 32
    note = Mark("0" * 16, first, digest, None, "note", Note(HOSTILE * 20, (0.5, 0.5)), (), "2030-01-01T00:00:00Z", evil)
    reject = Vote("reject", HOSTILE, HOSTILE)
    vote = Mark("1" * 16, second, digest, None, "verdict", reject, (), "2030-01-01T00:00:00Z", evil)
    (home.decisions / f"{'x' * 60} '\"<b>.jsonl").write_bytes(b"".join(lines("season", evil, [note, vote])))
    (home.decisions / "<img src=x onerror=alert(1)>.jsonl").write_bytes(b"</script>\n{}\n")
    return home


def test_the_data_cannot_end_its_element(hostile: Home) -> None:
    text = hostile.write_page().read_text(encoding="utf-8")
    assert text.count("</script>") == 2 and "<script>document" not in text and "<img src=x" not in text


def test_a_page_without_rows_says_so() -> None:
    empty = {"campaign": "<b>", "problems": ["</p><script>"], "rows": [], "is_single_file": False, "is_served": False}
    page = b"".join(document(empty)).decode()
    assert "There is nothing to review yet" in page and "<b>" not in page


@pytest.mark.proof
@pytest.mark.asyncio(loop_scope="session")
async def test_hostile_texts_are_shown_and_run_nothing(hostile: Home, person: Person) -> None:
    anna = await person()
    await anna.open(hostile.write_page())
    assert await anna.page.locator(".notice:visible").count() == 1
    await anna.into_grid()
    await anna.press("Space")
    await anna.page.wait_for_selector("#viewer[open]")
    assert SCRIPT in await anna.page.inner_text("#notes")
    assert SCRIPT in await anna.page.inner_text("#prompt")
    await anna.press("ArrowRight", "x")
    await anna.say_name(f"{SCRIPT} Eve")
    assert SCRIPT in await anna.page.inner_text("#others-list")
    assert SCRIPT in await anna.page.inner_text("#reasons")
    assert await anna.page.title() == "season: review"
    assert all(url.startswith(("file:", "data:", "about:")) for url in anna.asked)


@pytest.mark.proof
@pytest.mark.asyncio(loop_scope="session")
async def test_what_strangers_put_into_the_storage_of_the_browser_is_not_believed(
    hostile: Home, person: Person
) -> None:
    page = hostile.write_page()
    text = page.read_text(encoding="utf-8")
    folder = json.loads(text.split('id="page-data">')[1].split("</script>")[0])["folder"]
    bad = [
        None,
        7,
        {"mark": {"id": "x"}, "saved": False},
        {"mark": {"id": "0" * 16, "key": "ff" * 32, "kind": "verdict", "value": {"verdict": "buy"}}, "saved": False},
    ]
    kept = {"marks": bad, "undo": ["x", [1], [["a"]]], "reviewer": {"id": "../x", "name": "x"}, "switch-advance": "yes"}
    anna = await person()
    for name, value in kept.items():
        await anna.page.add_init_script(
            "if (location.protocol === 'file:') "
            f"localStorage.setItem('campaign_runner/{folder}/{name}', {json.dumps(json.dumps(value))})"
        )
    await anna.open(page)
    assert await anna.page.inner_text("#unsaved") == ""
    await anna.into_grid()
    await anna.press("Control+z", "p")
    await anna.say_name("Anna")
    await anna.until_counts("1 picked")
