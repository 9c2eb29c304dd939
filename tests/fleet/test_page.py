"""The page on operating a fleet: what it tells people to type is typed, with the roles that it makes."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
import yaml
from jsonschema import Draft202012Validator
from psycopg import sql

from campaign_runner.cli import commands
from campaign_runner.errors import StoreError
from campaign_runner.fleet.database import Database, DatabaseSettings
from campaign_runner.fleet.lease import LEASE, REPLACED, campaign_of
from campaign_runner.fleet.quota import FleetQuota
from campaign_runner.fleet.setup import allow, prepare
from campaign_runner.fleet.work.dispatcher import Dispatcher
from campaign_runner.ports import Permit
from campaign_runner.run.ending import ASKED, BUSY, LATER
from tests.command_line import understood
from tests.fleet.manifests import KINDS, UNITS
from tests.fleet.opened_journal import taken
from tests.fleet.postgres import Fleet

PACKAGE = Path(__file__).parents[2] / "campaign_runner"
PAGE = (PACKAGE / "fleet" / "README.md").read_text(encoding="utf-8")
ROLES = ("campaigns_owner", "campaigns_worker", "campaigns_monitor")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_every_command_in_it_can_be_given() -> None:
    found = [line.split("#")[0] for block in blocks("sh") for line in block.splitlines()]
    typed = [shlex.split(line)[1:] for line in found if line.startswith("campaign-runner ")]
    typed += [shlex.split(line)[1:] for line in re.findall(r"`(campaign-runner [^`]*)`", PAGE)]
    assert len(typed) > 4
    for words in typed:
        context = click.Context(commands)
        command = commands.get_command(context, words[0])
        if isinstance(command, click.Group):
            command = command.get_command(context, words.pop(1))
        assert command is not None and command.make_context(words[0], words[1:])


def test_the_policy_is_json() -> None:
    (policy,) = blocks("json")
    assert {each["Effect"] for each in json.loads(policy)["Statement"]} == {"Allow"}


def options_of(unit: str) -> list[tuple[str, str, str]]:
    """Section, name and value of each line of a unit of systemd."""
    found, section = list[tuple[str, str, str]](), ""
    for line in filter(None, unit.splitlines()):
        if line.startswith("["):
            section = line.strip("[]")
        else:
            name, _, value = line.partition("=")
            found.append((section, name, value))
    return found


def check_run(words: list[str], variables: Sequence[str]) -> None:
    """What a host is told to do is the fleet's work, with variables that the program knows."""
    assert Path(words[0]).name == "campaign-runner"
    context = understood(words[1:])
    assert context.info_name == "worker" or (context.params["on"] == "fleet" and context.params["here"])
    known = (PACKAGE / "cli" / "environment.py").read_text(encoding="utf-8")
    assert [name for name in variables if f'"{name.removesuffix("_FILE")}"' not in known] == []


def test_its_units_have_only_what_systemd_knows_and_run_the_fleet() -> None:
    worker, service, timer = map(options_of, blocks("ini"))
    for section, name, value in (*worker, *service, *timer):
        assert name in UNITS[section] and value, (section, name)
    told = {name: value for _, name, value in worker}
    assert told["Restart"] == "always" and told["ExecStart"].endswith("campaign-runner worker")
    same = ("LoadCredential", "Environment", "StateDirectory")
    assert [each for each in worker if each[1] in same] == [each for each in service if each[1] in same]
    told = {name: value for _, name, value in service}
    variables = [value.partition("=") for _, name, value in service if name == "Environment"]
    check_run(shlex.split(told["ExecStart"]), [name for name, _, _ in variables])
    credentials = {value.partition(":")[0] for _, name, value in service if name == "LoadCredential"}
    assert {value.removeprefix("%d/") for name, _, value in variables if name.endswith("_FILE")} == credentials
    assert told["SuccessExitStatus"].split() == [str(code) for code in (LATER, ASKED, BUSY)]


def test_its_manifests_have_only_what_kubernetes_knows_and_run_the_fleet() -> None:
    workers, (claim, job) = map(list, map(yaml.safe_load_all, blocks("yaml")))
    for each in (*workers, claim, job):
        Draft202012Validator(KINDS[each["kind"]]).validate(each)
    (worker,) = workers
    assert worker["spec"]["selector"]["matchLabels"] == worker["spec"]["template"]["metadata"]["labels"]
    kept = {each["metadata"]["name"] for each in worker["spec"]["volumeClaimTemplates"]}
    check_pod(worker["spec"]["template"]["spec"], kept)
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    check_pod(pod, set())
    assert pod["restartPolicy"] == "Never"
    assert pod["volumes"][-1]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]


def check_pod(pod: dict[str, Any], kept: set[str]) -> None:
    """Its command and variables are known, and it mounts what it has; `kept` are its volumes that outlive it."""
    (container,) = pod["containers"]
    check_run(container["command"], [each["name"] for each in container["env"]])
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert mounts.keys() == {each["name"] for each in pod["volumes"]} | kept
    told = {each["name"]: each["value"] for each in container["env"]}
    assert told["CAMPAIGN_RUNNER_STATE_DIR"] == mounts["state"], "what is kept there outlives the pod"
    assert all(value.startswith(mounts["secrets"]) for name, value in told.items() if name.endswith("_FILE"))


@pytest.mark.parametrize("slip", [("mountPath", "mountpath"), ("Forbid", "forbid"), ("backoffLimit", "backofLimit")])
def test_a_slip_in_a_manifest_is_found(slip: tuple[str, str]) -> None:
    _, block = blocks("yaml")
    *_, job = yaml.safe_load_all(block.replace(*slip))
    assert not Draft202012Validator(KINDS["CronJob"]).is_valid(job)


@pytest.mark.proof
def test_its_roles_can_do_what_they_must_and_nothing_else(fleet: Fleet) -> None:
    name = f"campaigns_{uuid.uuid4().hex[:8]}"
    server = fleet.server

    def asked(role: str, query: str) -> int:
        with psycopg.connect(f"host={server.folder} user={role} dbname={name}", autocommit=True) as connection:
            return connection.execute(query.encode()).rowcount

    def settings(role: str) -> DatabaseSettings:
        return DatabaseSettings.of(f"host={server.folder} user={role} dbname={name}")

    make, grant, watch = blocks("sql")
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for statement in make.replace("DATABASE campaigns", f"DATABASE {name}").split(";\n"):
            connection.execute(statement.encode())
    try:
        identity = asyncio.run(prepare(settings("campaigns_owner")))
        asked("campaigns_owner", grant)
        asyncio.run(allow(settings("campaigns_owner"), "account", 4, 9000))
        assert asyncio.run(bought(settings("campaigns_worker"))) == identity.id
        assert asyncio.run(taken_up(settings("campaigns_worker"))) == [1], "a worker is given what was submitted"
        for statement in watch.split(";\n")[:-1]:
            assert asked("campaigns_monitor", statement) <= 1
        for role, query in (
            ("campaigns_worker", "SELECT campaign_runner.after_restore()"),
            ("campaigns_worker", "DELETE FROM campaign_runner.entries"),
            ("campaigns_worker", "DELETE FROM campaign_queue.procrastinate_jobs"),
            ("campaigns_worker", "UPDATE campaign_runner.runs SET exit = 0"),
            ("campaigns_monitor", "SELECT * FROM campaign_queue.procrastinate_jobs"),
            ("campaigns_worker", "UPDATE campaign_runner.accounts SET per_minute = 99"),
            ("campaigns_monitor", "SELECT campaign_runner.welcome()"),
            ("campaigns_monitor", "DELETE FROM campaign_runner.permits"),
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                asked(role, query)
        with pytest.raises(StoreError, match="permission denied"):
            asyncio.run(allow(settings("campaigns_worker"), "account", 99, 9000))
        assert asyncio.run(prepare(settings("campaigns_owner"))) == identity, "init can be run again"
    finally:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            for role in ROLES:
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


async def bought(settings: DatabaseSettings) -> str:
    """What a host does for one request, but for the request: it takes a campaign, and gets leave to send."""
    async with Database(settings) as database:
        campaign = await campaign_of(database, "account", "default/spring")
        assert await taken(database, campaign) == 1
        assert isinstance(await FleetQuota(database, "account").acquire(), Permit)
        return database.identity.id


async def taken_up(settings: DatabaseSettings) -> list[int]:
    """The numbers of the runs that a worker is given, of one that is handed over."""
    given: list[int] = []
    is_given = asyncio.Event()

    async def look(number: int) -> None:
        given.append(number)
        is_given.set()

    async with Database(settings) as database:
        campaign = await campaign_of(database, "account", "default/spring")
        await database.call("submit", campaign.id, await taken(database, campaign), "text", {}, REPLACED)
        dispatcher = Dispatcher(settings, ["account"], look, at_once=1, lease=LEASE, told=pytest.fail)
        serving = asyncio.create_task(dispatcher.serve())
        await is_given.wait()
        serving.cancel()
        await asyncio.wait({serving})
        await database.call("sweep", LEASE)
    return given
