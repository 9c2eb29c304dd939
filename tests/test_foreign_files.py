"""A file that this process did not write is opened in one place: `disk/regular_files.py`, and what is built on it.

There a pipe is not waited for, a device is not read, and nothing is larger than what belongs there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.test_architecture import MODULES

THE_ROOM = "disk"
"""What opens files for everyone: `open_regular`, `content_of`, `FolderHandle.read`, `SqliteReader`, `new_file`…"""
ELSEWHERE = {
    # a module that opens something itself: what that is
    "authoring.new": "a new file, which nothing else may have the name of",
    "channels.table": "a file of the package",
    "cli.console": "the null device, for a process that was started without streams",
    "cli.observers": "the log that a person names, to write to; without waiting for its reader",
    "deliver.handover.companions": "what was staged here, under a name that no one knows",
    "deliver.handover.target": "what was staged here, under a name that no one knows",
    "fleet.setup": "a file of the package",
    "fleet.transfer": "the copy of a record that it makes itself, to write to",
    "output_folder.manifest_writer": "drafts of its own",
    "pictures.inspection": "pictures in files that are open",
    "quota.senders": "what the kernel tells of a process",
    "quota.shared_quota": "a new file under a name that no one knows",
    "report.sheet.sheet_file": "pictures in files that are open",
    "rerun.comparison_page": "a file of the package",
    "review.page.appender": "the file that it began itself, to write to",
    "review.page.doorway": "a new file, which nothing else may have the name of",
    "review.page.scripts": "a file of the package",
    "schemas": "a file of the package",
    "uptime": "what the kernel tells of itself",
}


def is_opening(call: ast.Call) -> bool:
    """Whether a call opens a file by its path."""
    match call:
        case ast.Call(func=ast.Name(id="open")):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="os" | "Image" | "io" | "aiofiles"), attr="open")):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="sqlite3"), attr="connect")):
            return True
        case ast.Call(func=ast.Attribute(attr="read_text" | "read_bytes")):
            return True
        case ast.Call(func=ast.Attribute(attr="open"), args=[] | [ast.Constant(), *_]):
            return True  # a path; stores and archives are given names that are no constants
    return False


def opening() -> Iterator[str]:
    for module, tree in MODULES.items():
        if not module.startswith(("sandbox", THE_ROOM)):
            yield from (module for node in ast.walk(tree) if isinstance(node, ast.Call) and is_opening(node))


def test_what_is_read_by_its_path_is_read_in_one_place() -> None:
    assert set(opening()) == ELSEWHERE.keys(), "use disk/regular_files.py: it waits for no pipe and reads no device"


def test_what_is_looked_for_is_found() -> None:
    words = ["open(path)", "path.open('rb')", "path.open()", "os.open(path, flags)", "Image.open(path)"]
    words += ["path.read_text()", "sqlite3.connect(path)", "path.read_bytes()"]
    found = [is_opening(node) for word in words for node in ast.walk(ast.parse(word)) if isinstance(node, ast.Call)]
    assert found == [True] * len(words)
    assert not is_opening(ast.parse("store.open(name, look)", mode="eval").body)  # type: ignore[arg-type]
