"""What must hold after any number of runs, whatever went wrong in them.

Told from the files of the output folders, the ledger of the sandbox, and what was seen of the runs:
nothing of the package is imported, so the two cannot share a mistake. `refolding.py` adds the journal
up a second time, `leaks.py` knows what must never show. The list of what is promised, and which of it
is proved elsewhere, stands in README.md beside this file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator
from PIL import Image

from tests import leaks, refolding
from tests.printed import check_commands
from tests.refolding import Attempt, Journal

NAMED = ("stored", "accepted", "in_doubt", "failed", "abandoned")
SCHEMA = Path(__file__).parents[1] / "campaign_runner" / "schemas" / "manifest.schema.json"
WRITTEN = Draft202012Validator(json.loads(SCHEMA.read_bytes()))
OURS = {"manifest.json", "journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", ".lock", "contact-sheet.jpg"}
OURS |= {"comparison.json", "comparison.html", "review.html", "deliver.json"}
FOLDERS = {"images", "removed", "damaged", ".staging", "review", "decisions", "deliver", "deliver-old"}
FREE = ("401", "429")
"""Refusals that use up nothing of the allowance: the token is renewed, the time is told."""
STOPPED_EARLY = (1, 2, 5, 6, 7, 11)
"""Exit statuses that say nothing about what became of the images."""
MACHINE_LINE = re.compile(r"^(ok|attention) (planned=.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Seen:
    """What else was seen of the runs; leave out what was not.

    `exits`: the exit status of each output folder's last run over its whole campaign, by the folder's name.
    `texts`: everything on stdout and stderr, and every log. `state`: the state folder.
    `per_minute`: the allowance, the largest if there were several. `strangers`: raw requests that arrived
    at hosts that are not trusted. `is_cut`: the last run was killed and none followed, so that the manifest
    may be of an earlier one and something may lie in the staging folder.
    """

    exits: Mapping[str, int] = field(default_factory=dict)
    texts: Collection[str] = ()
    state: Path | None = None
    per_minute: int | None = None
    strangers: Collection[bytes] = ()
    is_cut: bool = False


NOTHING_ELSE = Seen()


def check(
    home: Path,
    ledger: Mapping[str, Any] | None,
    *,
    resolved: Collection[str] = (),
    canaries: Collection[bytes] = (),
    seen: Seen = NOTHING_ELSE,
) -> None:
    """Raises AssertionError for the first promise that is broken in the output folders below `home`.

    `ledger` is the sandbox's, None where it is gone; images of the keys in `resolved` may have been bought again
    on a person's word.
    """
    journals = {path.parent: refolding.read(path) for path in sorted(home.glob("*/journal.sqlite"))}
    if ledger is not None:
        check_spending(ledger, journals.values(), resolved)
    for output, journal in journals.items():
        refolding.check_replay(journal)
        others = [each for place, each in journals.items() if place != output] if seen.is_cut else []
        _check_files(output, journal, coming={row["sha256"] for each in others for row in each.variations.values()})
        if not seen.is_cut:
            _check_manifest(output, journal, seen.exits.get(output.name))
            _check_nothing_left(output)
    if ledger is not None and seen.per_minute is not None:
        check_rate(ledger, seen.per_minute)
    leaks.check_shown(seen.texts)
    check_commands(seen.texts)
    leaks.check_strangers(seen.strangers)
    _check_last_lines(seen.texts)
    places = [*leaks.files_below(home, *([seen.state] if seen.state else []))]
    places += [("what was printed", text.encode(errors="surrogateescape")) for text in seen.texts]
    leaks.check_bytes([*places, *(("a request to a stranger", each) for each in seen.strangers)], canaries)
    for name, content in places:
        assert not any(mark in content for mark in leaks.SIGNED), f"a signed URL is in {name}"


def since(ledger: Mapping[str, Any], requests: int) -> dict[str, Any]:
    """The part of a ledger after its first `requests` requests: for a sandbox that served others before."""
    later = ledger["requests"][requests:]
    return {"requests": later, "charged": dict(Counter(key for entry in _accepted(later) for key in entry["keys"]))}


def check_spending(ledger: Mapping[str, Any], journals: Collection[Journal], resolved: Collection[str]) -> None:
    """Nothing is paid for twice, and every payment is in a journal: under its job id, or as a doubt."""
    journals = list(journals)
    for key, times in ledger["charged"].items():
        holders = [journal for journal in journals if key in journal.variations]
        assert holders, f"{key} is paid for and no journal knows it"
        due = [journal for journal in holders if journal.variations[key]["state"] == "pending"]
        assert len(due) < len(holders) or any(journal.orders[key] for journal in due), (
            f"{key} is paid for and forgotten"
        )
        assert times <= len(holders) or key in resolved, "an image was bought twice"
        ordered = sum(journal.orders[key] for journal in holders)
        assert times <= len(holders) + ordered, "an image was bought more often than a person said"
    _check_nothing_invented(ledger["charged"], journals)
    doubts = Counter(attempt.keys for journal in journals for attempt in journal.attempts.values() if _is_open(attempt))
    lost: Counter[tuple[str, ...]] = Counter()
    for entry in _accepted(ledger["requests"]):
        known = next((j.job_ids[entry["job_id"]] for j in journals if entry["job_id"] in j.job_ids), None)
        if known is None or known.keys != tuple(entry["keys"]):
            lost[tuple(entry["keys"])] += 1
    assert lost <= doubts, "a job was paid for that no journal knows"


def _check_nothing_invented(charged: Mapping[str, int], journals: Collection[Journal]) -> None:
    for journal in journals:
        rows = journal.variations.items()
        made = {_bought_as(key, journal.variations) for key, row in rows if row["state"] in ("stored", "accepted")}
        assert made <= set(charged), "stored or accepted, but never made"


def _bought_as(key: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    """The key an image was bought under: another one where a person said, perhaps twice, that it may stand for other
    words; one that another campaign bought is not among `rows`, or under the same key.
    """
    seen = {key}
    while key in rows and rows[key]["source"] is not None:
        key = str(json.loads(rows[key]["source"])["key"])
        if key in seen:
            break
        seen.add(key)
    return key


def check_rate(ledger: Mapping[str, Any], per_minute: int) -> None:
    """In no minute did more requests arrive than allowed, over all processes, runs and restarts."""
    times: dict[str, list[float]] = {}
    for entry in ledger["requests"]:
        if entry["outcome"] == "accepted" or not entry["why"].startswith(FREE):
            times.setdefault(entry["client_id"], []).append(entry["at"])
    for client, arrived in times.items():
        arrived.sort()
        for first, later in zip(arrived, arrived[per_minute:], strict=False):
            assert later - first > 60 - 1e-6, f"{per_minute + 1} requests of {client} in {later - first} seconds"


def _accepted(requests: Collection[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (entry for entry in requests if entry["outcome"] == "accepted")


def _is_open(attempt: Attempt) -> bool:
    """Whether nobody knows what became of it; `open` is what a killed run leaves."""
    return attempt.outcome in ("open", "in_doubt")


def _check_manifest(output: Path, journal: Journal, code: int | None) -> None:
    path = output / "manifest.json"
    if not path.exists():
        assert not journal.variations, f"{output.name} bought something and says nothing about it"
        return
    manifest = json.loads(path.read_bytes())
    wrong = [f"{error.instance_path}: {error.message}" for error in WRITTEN.iter_errors(manifest)]
    assert not wrong, f"{path} is not what its schema says: {wrong[:3]}"
    _check_coverage(manifest, journal)
    _check_counts(manifest)
    for image in manifest["images"]:
        _check_image(image, journal)
    if code is not None:
        _check_exit(code, Counter(manifest["counts"]), journal)


def _check_coverage(manifest: Mapping[str, Any], journal: Journal) -> None:
    """Everything planned and everything ever submitted has one entry; what left the campaign comes last."""
    keys = [image["key"] for image in manifest["images"]]
    assert len(set(keys)) == len(keys), "a key stands twice in the manifest"
    assert set(journal.variations) <= set(keys), "something submitted is not in the manifest"
    departed = [image["key"] for image in manifest["images"] if not image["in_campaign"]]
    assert keys[len(keys) - len(departed) :] == departed, "what left the campaign is not last"
    assert set(departed) <= set(journal.variations), "what was never submitted cannot leave"


def _check_counts(manifest: Mapping[str, Any]) -> None:
    counts = dict(manifest["counts"])
    states = [image["state"] for image in manifest["images"] if image["in_campaign"]]
    assert counts.pop("planned") == len(states) == sum(counts.values()), "the counts of the manifest do not add up"
    assert counts == {state: states.count(state) for state in counts}, "counts of the manifest and its images differ"


def _check_image(image: Mapping[str, Any], journal: Journal) -> None:
    """An entry is what its key stands for, and says what the journal says."""
    asked = {"v": 1, "version": image["version"], "body": image["request"]}
    asked |= {} if image["accept"] is None else {"accept": image["accept"]}
    spelt = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    recipe = hashlib.sha256(spelt.encode()).hexdigest()
    assert recipe == image["recipe"], "the recipe is not that of the request"
    assert hashlib.sha256(f"{recipe}:{image['seed']}".encode()).hexdigest() == image["key"], "the key is another"
    assert (image["reason"] is None) == (image["state"] == "stored"), "a state without a reason"
    row = journal.variations.get(image["key"])
    if row is None:
        assert image["state"] == "pending" and image["job_id"] is None and image["file"] is None, "made up"
        return
    state = "in_doubt" if row["state"] == "submitting" else row["state"]
    assert image["state"] == state, f"the manifest says {image['state']}, the journal {row['state']}"
    assert (image["job_id"], tuple(image["job_seeds"])) == _job(row, journal), "the job differs"
    source = None if row["source"] is None else json.loads(row["source"])
    assert image["source"] == (source and {name: source[name] for name in image["source"]}), "the source differs"
    for name in ("file", "sha256", "bytes", "media_type"):
        assert image[name] == row[name], f"{name} differs between manifest and journal"


def _job(row: Mapping[str, Any], journal: Journal) -> tuple[str | None, tuple[int, ...]]:
    """The job that made an image, as the journal says; of an adopted one it is told by its source."""
    if row["source"] is None:
        attempt = journal.attempts[row["attempt"]]
        return attempt.job_id, attempt.seeds
    source = json.loads(row["source"])
    return source["job_id"], tuple(source["job_seeds"])


def _check_exit(code: int, counts: Mapping[str, int], journal: Journal) -> None:
    """The exit status says what became of the images."""
    if code in STOPPED_EARLY:
        return
    doubts = sum(row["state"] in ("in_doubt", "submitting") for row in journal.variations.values())
    assert (code == 4) == (doubts > 0), f"exit {code} with {doubts} in doubt"
    if code == 0:
        assert counts["planned"] == counts["stored"] + counts["abandoned"], f"exit 0, but {dict(counts)}"
    if code == 3:
        assert counts["failed"] and not counts["accepted"] and not counts["pending"], f"exit 3, but {dict(counts)}"
    _check_reasons(code, counts)


def _check_reasons(code: int, counts: Mapping[str, int]) -> None:
    """There is something of the kind that an exit status speaks of."""
    reasons = {3: ("failed",), 8: ("accepted", "pending"), 9: ("pending",)}
    if code in reasons:
        assert any(counts[state] for state in reasons[code]), f"exit {code}, but {dict(counts)}"


def _check_last_lines(texts: Collection[str]) -> None:
    """The line for machines adds up, and begins with ok exactly where the exit status is 0."""
    for word, line in (match.groups() for text in texts for match in MACHINE_LINE.finditer(text)):
        counts = Counter({name: int(number) for name, number in (pair.split("=") for pair in line.split())})
        assert counts["planned"] == sum(counts[state] for state in (*NAMED, "pending")), line
        assert (word == "ok") == (counts["exit"] == 0), line
        _check_reasons(counts["exit"], counts)


def _check_files(output: Path, journal: Journal, *, coming: Collection[str]) -> None:
    """Every picture is whole, and is in the journal with its digest; everything stored is there.

    `coming` are digests of what a run that was cut may have been taking over from beside, which is recorded last.
    """
    stored = {row["file"]: row for row in journal.variations.values() if row["state"] == "stored"}
    aside = {event.detail["file"]: event.detail for event in journal.of_kind("set_aside")}
    expected = {**stored, **aside}
    places = chain((output / "images").rglob("*"), (output / "removed").rglob("*"))
    for path in (path for path in places if not path.is_dir()):
        name = path.relative_to(output).as_posix()
        assert not path.is_symlink(), f"{name} is a link"
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        _check_whole(name, content, digest)
        if name in expected:
            kept = expected.pop(name)
            assert digest == kept["sha256"] and len(content) == kept["bytes"], f"{name} is not what was stored"
        else:
            assert digest in coming or _awaits_its_record(name, journal), f"{name} is in no record"
    assert not expected, f"{sorted(expected)} are recorded and gone"


def _awaits_its_record(name: str, journal: Journal) -> bool:
    """An image has its name before the journal says so; a run that ended between has left its job accepted."""
    keys = (key for key, row in journal.variations.items() if row["state"] == "accepted")
    jobs = (attempt.id for attempt in journal.attempts.values() if attempt.outcome == "accepted")
    return any(key[:8] in name for key in keys) or any(f"unexpected/{attempt}" in name for attempt in jobs)


_whole: set[str] = set()


def _check_whole(name: str, content: bytes, digest: str) -> None:
    """A picture decodes to its end; the same bytes are decoded once. What is no picture is called so."""
    if digest in _whole or (name.startswith("images/unexpected/") and name.endswith(".bin")):
        return
    with Image.open(BytesIO(_shown(content))) as picture:
        picture.load()
    _whole.add(digest)


def _shown(content: bytes) -> bytes:
    """A PNG without what a viewer may leave out, which the library has limits for; other pictures as they are."""
    if not content.startswith(b"\x89PNG"):
        return content
    shown, at = content[:8], 8
    while at < len(content):
        stop = at + 12 + int.from_bytes(content[at : at + 4], "big")
        shown += content[at:stop] if content[at + 4 : at + 5].isupper() else b""
        at = stop
    return shown


def _check_nothing_left(output: Path) -> None:
    staging = output / ".staging"
    assert not staging.exists() or not list(staging.iterdir()), "something is left in the staging folder"
    others = {path.name for path in output.iterdir() if path.is_file()} - OURS
    others = {name for name in others if not re.fullmatch(r"contact-sheet-\d+\.jpg", name)}
    others = {name for name in others if not re.fullmatch(r"manifest\.kept-\d+\.json", name)}  # see `run --start-over`
    assert not others, f"{others} lie in the output folder"
    assert {path.name for path in output.iterdir() if path.is_dir()} <= FOLDERS, "a folder too many"
