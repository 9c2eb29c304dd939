"""`fleet init`, as it is typed: what it prepares, what it refuses, and what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from campaign_runner.quota.shared_quota import account_of
from tests.cli.conftest import ask  # noqa: F401 - a fixture
from tests.cli.typed import Ask
from tests.fleet import s3
from tests.fleet.postgres import Fleet

pytestmark = pytest.mark.proof
SECRET = {"CUSTOM_MODELS_CLIENT_SECRET": "hush"}


@pytest.fixture
def variables(fleet: Fleet, tmp_path: Path) -> dict[str, str]:
    """An empty database, and a folder for the images."""
    url = fleet.server.url(fleet.server.new_database())
    return {"CAMPAIGN_RUNNER_DATABASE_URL": url, "CAMPAIGN_RUNNER_STORE": str(tmp_path / "images")}


def rows(variables: dict[str, str], query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(variables["CAMPAIGN_RUNNER_DATABASE_URL"]) as connection:
        return connection.execute(query.encode()).fetchall()


def test_database_and_store_are_prepared_and_bound_and_again_changes_nothing(
    ask: Ask,  # noqa: F811
    variables: dict[str, str],
) -> None:
    first = ask("fleet", "init", **variables)
    assert first.status == 0 and first.out.splitlines()[1] == f"store      ready: {variables['CAMPAIGN_RUNNER_STORE']}"
    again = ask("fleet", "init", "--json")
    told = json.loads(again.out)
    assert f"database   ready (id {told['database']})" in first.out
    assert (again.status, told["restored"]) == (0, 0)
    assert Path(told["store"], ".campaign-runner", "fleet-id").read_text() == told["database"]


def test_a_bucket_will_do(ask: Ask, variables: dict[str, str]) -> None:  # noqa: F811
    url = f"{s3.new_bucket()}/campaigns"
    said = ask("fleet", "init", **variables | s3.environment(s3.endpoint()) | {"CAMPAIGN_RUNNER_STORE": url})
    assert (said.status, said.err) == (0, "") and f"store      ready: {url}" in said.out


def test_the_allowance_of_an_account_is_written_for_all_machines(
    ask: Ask,  # noqa: F811
    variables: dict[str, str],
) -> None:
    ask("fleet", "init", "--per-minute", "3", CUSTOM_MODELS_CLIENT_ID="me", **SECRET, **variables)
    said = ask("fleet", "init", "--per-day", "500")
    assert "allowance  3 requests a minute, 500 in 24 hours" in said.out
    acme = {"CUSTOM_MODELS_CLIENT_ID__ACME": "acme", "CUSTOM_MODELS_CLIENT_SECRET__ACME_FILE": "secret"}
    Path("secret").write_text("hush")
    said = ask("fleet", "init", "--account", "acme", "--per-minute", "9", "--json", **acme)
    assert json.loads(said.out)["per_minute"] == 9
    firefly = "https://firefly-api.adobe.io"
    found = rows(variables, "SELECT digest, per_minute, per_day FROM campaign_runner.accounts")
    assert sorted(found) == sorted([(account_of(firefly, "me"), 3, 500), (account_of(firefly, "acme"), 9, 9000)])


def test_an_account_without_credentials_is_refused_before_anything_is_made(
    ask: Ask,  # noqa: F811
    variables: dict[str, str],
) -> None:
    said = ask("fleet", "init", "--account", "acme", CUSTOM_MODELS_CLIENT_ID="me", **SECRET, **variables)
    assert said.status == 7 and "CUSTOM_MODELS_CLIENT_ID__ACME is not set" in said.err
    assert "CUSTOM_MODELS_CLIENT_SECRET__ACME_FILE" in said.err
    assert rows(variables, "SELECT 1 FROM pg_namespace WHERE nspname = 'campaign_runner'") == []


def test_a_store_of_another_database_is_refused(
    ask: Ask,  # noqa: F811
    variables: dict[str, str],
    fleet: Fleet,
) -> None:
    ask("fleet", "init", **variables)
    other = fleet.server.url(fleet.server.new_database())
    said = ask("fleet", "init", CAMPAIGN_RUNNER_DATABASE_URL=other)
    assert said.status == 2 and "holds the images of another database" in said.err


def test_a_restored_database_goes_on_only_where_a_person_says_so(
    ask: Ask,  # noqa: F811
    variables: dict[str, str],
) -> None:
    ask("fleet", "init", **variables)
    with psycopg.connect(variables["CAMPAIGN_RUNNER_DATABASE_URL"]) as connection:
        connection.execute(
            "UPDATE campaign_runner.meta SET value = jsonb_set(value::jsonb, '{timeline}', '\"00000009\"')"
            " WHERE name = 'identity'"
        )
    said = ask("fleet", "init")
    assert said.status == 5 and "fleet init --after-restore" in said.err
    said = ask("fleet", "init", "--after-restore", "--json")
    assert (said.status, json.loads(said.out)["restored"]) == (0, 1)
    assert ask("fleet", "init").status == 0


@pytest.mark.parametrize("missing", ["CAMPAIGN_RUNNER_DATABASE_URL", "CAMPAIGN_RUNNER_STORE"])
def test_what_is_not_set_is_named(missing: str, ask: Ask, variables: dict[str, str]) -> None:  # noqa: F811
    said = ask("fleet", "init", **variables | {missing: ""})
    assert said.status == 2 and f"{missing} is not set" in said.err


def test_a_password_is_in_no_message(ask: Ask, variables: dict[str, str], tmp_path: Path) -> None:  # noqa: F811
    for host in ("127.0.0.1:9", str(tmp_path / "nowhere").replace("/", "%2F")):
        url = f"postgresql://me:{s3.SECRET}@{host}/fleet"
        said = ask("fleet", "init", **variables | {"CAMPAIGN_RUNNER_DATABASE_URL": url})
        assert said.status in (6, 8) and s3.SECRET not in said.out + said.err
        assert "database cannot be" in said.err


def test_without_the_extra_one_sentence_says_what_was_typed_and_what_to_install(
    variables: dict[str, str], tmp_path: Path
) -> None:
    """As on a machine that has none of the libraries."""
    needing = {
        "fleet init": "`campaign-runner fleet init`",
        "fleet stop spring": "`campaign-runner fleet stop`",
        "worker": "`campaign-runner worker`",
        "status spring --on fleet": "--on fleet",
    }
    program = (
        "import sys; sys.modules |= dict.fromkeys(('psycopg', 'obstore', 'procrastinate')); "
        "from campaign_runner.cli import run_command; "
        f"assert [run_command(words.split()) for words in {[*needing, '--help']}] == {[2] * len(needing) + [0]}"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stderr.splitlines() if "pip install 'campaign-runner[fleet]'" in line]
    assert [line.partition(" needs the libraries of the fleet")[0] for line in told] == list(needing.values())
