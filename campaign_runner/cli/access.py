"""How a command reaches the service: Adobe's, or a sandbox in its own process."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from campaign_runner.cli.environment import Environment, sandbox_settings
from campaign_runner.cli.played import catalog
from campaign_runner.model import CustomModel
from campaign_runner.output_folder.folder import SANDBOX
from campaign_runner.output_folder.registry import RunRegistry
from campaign_runner.plan.cost import RateLimit
from campaign_runner.session.request import ServiceAccess

SANDBOX_RATE = RateLimit(per_minute=600, per_day=1_000_000)
SANDBOX_JOB_SECONDS = 0.4


def adobe(environment: Environment) -> ServiceAccess:
    """The service that the environment names."""
    state = environment.state_folder
    return ServiceAccess(environment.origin, environment.settings, state, RunRegistry(state))


@asynccontextmanager
async def accessed(
    environment: Environment, rate: RateLimit, *, is_sandbox: bool, models: Sequence[CustomModel] = ()
) -> AsyncIterator[ServiceAccess]:
    """Adobe, or a sandbox that lives as long as this block and leaves nothing in the state folder.

    `models` are the custom models that the sandbox plays besides its own.
    """
    if not is_sandbox:
        yield adobe(environment)
        return
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(_sandbox(rate, models))
        state = Path(stack.enter_context(TemporaryDirectory(prefix="campaign_runner-")))
        yield ServiceAccess(SANDBOX, lambda: sandbox_settings(origin), state)


def _sandbox(rate: RateLimit, models: Sequence[CustomModel]) -> AbstractAsyncContextManager[str]:
    """A sandbox in this process; imported here, since a run that buys needs none of it."""
    from campaign_runner.sandbox.serve import serving
    from campaign_runner.sandbox.server import Sandbox
    from campaign_runner.sandbox.settings import Settings

    settings = Settings(
        strict=True,  # a rehearsal that takes what Adobe refuses is worse than none
        per_minute=rate.per_minute,
        per_day=rate.per_day,
        seed=secrets.randbelow(2**31),  # job ids of its own: the journal knows those of earlier sandboxes
        job_seconds=SANDBOX_JOB_SECONDS,
        job_spread=0.5,
    )
    return serving(Sandbox(settings, catalog=catalog(models)))
