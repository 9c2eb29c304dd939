"""The server of the tests is gone with the process that started it, even where that is killed."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.fleet import postgres

pytestmark = pytest.mark.proof
PROGRAM = """
from tests.fleet import postgres
with postgres.running() as server:
    print(server.folder, flush=True)
    input()
"""


def test_a_server_and_its_folder_are_gone_once_their_process_was_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        folder = Path(process.stdout.readline().strip())
        with closing(psycopg.connect(f"host={folder} user={postgres.USER} dbname=postgres")) as connection:
            process.kill()
            process.stderr.read()  # to its end: the one who stops the server has ended, too
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
    assert not folder.exists()
