"""One file, many who write it: shared transactions, and a connection that is kept and yet notices everything."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from campaign_runner.disk.shared_file import SharedFile
from campaign_runner.errors import StoreError

Notes = SharedFile[sqlite3.Connection]


class Book:
    """A file of words; `begun` counts its transactions."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "words.sqlite"
        self.begun = 0
        self.file: Notes = SharedFile(self.path, self._make, self._begin)

    def _make(self) -> None:
        if not self.path.exists():
            self.path.touch()

    def _begin(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        self.begun += 1
        connection.execute("CREATE TABLE IF NOT EXISTS words (word TEXT NOT NULL)")
        return connection

    async def write(self, word: str | None) -> int:
        """Note a word; the answer is how many there are."""

        def work(connection: sqlite3.Connection) -> int:
            connection.execute("INSERT INTO words VALUES (?)", (word,))
            return int(connection.execute("SELECT count(*) FROM words").fetchone()[0])

        return await self.file.transact(work)

    def words(self) -> list[str]:
        with closing(sqlite3.connect(self.path)) as connection:
            return [word for (word,) in connection.execute("SELECT word FROM words ORDER BY rowid")]

    def is_open(self) -> bool:
        return self.path in {link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path)


@pytest.mark.parametrize("is_kept", [False, True])
async def test_who_waits_at_once_shares_a_transaction_in_the_order_asked(book: Book, is_kept: bool) -> None:
    async def all_at_once() -> list[int]:
        return await asyncio.gather(*(book.write(str(number)) for number in range(20)))

    if is_kept:
        async with book.file:
            answers = await all_at_once()
    else:
        answers = await all_at_once()
    assert answers == list(range(1, 21))
    assert book.begun == 1
    assert book.words() == list(map(str, range(20)))


async def test_what_is_asked_while_a_transaction_is_under_way_shares_the_next(book: Book) -> None:
    async with book.file:
        first = asyncio.create_task(book.write("first"))
        for _ in range(2):  # it asks, and is on its way
            await asyncio.sleep(0)
        answers = await asyncio.gather(*(book.write(str(number)) for number in range(20)))
        assert (await first, answers) == (1, list(range(2, 22)))
    assert book.begun == 2


async def test_what_has_no_haste_shares_the_next_transaction_or_is_done_when_its_time_is_over(book: Book) -> None:
    async def note(word: str, within: float) -> None:
        await book.file.transact(lambda db: db.execute("INSERT INTO words VALUES (?)", (word,)) and None, within=within)

    async with book.file:
        loop = asyncio.get_running_loop()
        patient = [asyncio.create_task(note(word, 3600.0)) for word in ("one", "two")]
        await asyncio.sleep(0)
        began = loop.time()
        await asyncio.gather(note("three", 0.01), *patient)
        assert loop.time() - began >= 0.01
        assert (book.begun, book.words()) == (1, ["one", "two", "three"])
        patient = [asyncio.create_task(note("four", 3600.0))]
        await asyncio.sleep(0)
        assert await book.write("five") == 5
        await asyncio.gather(*patient)
        assert book.begun == 2
        patient = [asyncio.create_task(note("six", 3600.0))]
        await asyncio.sleep(0)
    await asyncio.gather(*patient)
    assert (book.begun, book.words()[-1]) == (3, "six")


async def test_it_is_open_only_while_it_is_kept(book: Book) -> None:
    await book.write("before")
    assert not book.is_open()
    async with book.file:
        await book.write("meanwhile")
        assert book.is_open()
    assert not book.is_open()
    await book.write("afterwards")
    assert not book.is_open()


async def test_what_a_cancelled_caller_began_is_done_before_it_is_left(book: Book) -> None:
    async with book.file:
        writing = asyncio.create_task(book.write("word"))
        await asyncio.sleep(0)
        writing.cancel()
    assert book.words() == ["word"]
    assert not book.is_open()
    await asyncio.wait([writing])


async def test_a_file_that_was_removed_or_replaced_while_it_was_kept_is_noticed(book: Book, tmp_path: Path) -> None:
    async with book.file:
        await book.write("lost")
        book.path.unlink()
        assert await book.write("new") == 1
        other = Book(tmp_path / "other")
        other.path.parent.mkdir()
        await other.write("of another file")
        other.path.replace(book.path)
        assert await book.write("here, too") == 2
    assert book.words() == ["of another file", "here, too"]


def make_read_only(what: str, folder: Path, file: Path) -> None:
    """For everybody but its owner."""
    folder.chmod(0o777 if what == "file" else 0o755)
    file.chmod(0o644 if what == "file" else 0o666)


@pytest.mark.parametrize("what", ["file", "folder"])
async def test_one_that_turns_read_only_while_it_is_kept_is_told(
    what: str, as_nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    with TemporaryDirectory() as place:  # which anybody may enter: the folders of tests may not be
        home = Path(place)
        book = Book(home)
        async with book.file:
            await book.write("word")
            make_read_only(what, home, book.path)
            with pytest.raises(StoreError), as_nobody():
                await book.write("another")
        assert book.words() == ["word"]


async def test_what_goes_wrong_is_told_to_all_who_share_it_and_nothing_of_it_is_done(book: Book) -> None:
    async with book.file:
        first = await book.write("first")
        asked = [book.write("good"), book.write(None), book.write("good, too")]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert first == 1
        assert all(isinstance(answer, StoreError) for answer in answers)
        assert await book.write("afterwards") == 2
    assert book.words() == ["first", "afterwards"]


async def test_a_bug_in_one_is_raised_and_the_file_is_usable_again(book: Book) -> None:
    def bug(connection: sqlite3.Connection) -> None:
        raise LookupError

    async with book.file:
        with pytest.raises(LookupError):
            await book.file.transact(bug)
        assert await book.write("word") == 1
