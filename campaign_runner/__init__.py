"""Generate campaign images with Adobe Firefly in bulk; never pay twice, never lose an image you paid for.

The library's public names. Each is imported when it is first used, so that importing the package
costs nothing. Start with `load`, `Plan` and `Runner`; a run is built from the others.
"""

from __future__ import annotations

from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING

from campaign_runner.version import __version__ as __version__

if TYPE_CHECKING:
    from campaign_runner.campaign_file.loader import load as load
    from campaign_runner.campaign_file.schema.schema import Campaign as Campaign
    from campaign_runner.errors import CampaignError as CampaignError
    from campaign_runner.errors import CampaignFileError as CampaignFileError
    from campaign_runner.firefly.client import FireflyClient as FireflyClient
    from campaign_runner.firefly.credentials import Credentials as Credentials
    from campaign_runner.firefly.credentials import Secret as Secret
    from campaign_runner.firefly.settings import Settings as Settings
    from campaign_runner.journal.journal import SqliteJournal as SqliteJournal
    from campaign_runner.journal.ledger import Ledger as Ledger
    from campaign_runner.output_folder.folder import Folder as Folder
    from campaign_runner.plan.due import PlanStatus as PlanStatus
    from campaign_runner.plan.plan import Plan as Plan
    from campaign_runner.quota.shared_quota import SharedQuota as SharedQuota
    from campaign_runner.run.limits import Ports as Ports
    from campaign_runner.run.runner import Runner as Runner
    from campaign_runner.store import FolderStore as FolderStore

_HOMES = {
    "errors": ("CampaignError", "CampaignFileError"),
    "firefly.credentials": ("Credentials", "Secret"),
    "firefly.client": ("FireflyClient",),
    "firefly.settings": ("Settings",),
    "output_folder.folder": ("Folder",),
    "journal.journal": ("SqliteJournal",),
    "journal.ledger": ("Ledger",),
    "plan.plan": ("Plan",),
    "plan.due": ("PlanStatus",),
    "quota.shared_quota": ("SharedQuota",),
    "run.limits": ("Ports",),
    "run.runner": ("Runner",),
    "campaign_file.loader": ("load",),
    "campaign_file.schema.schema": ("Campaign",),
    "store": ("FolderStore",),
}
__all__ = sorted(chain.from_iterable(_HOMES.values()))


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
