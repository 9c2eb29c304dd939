"""What is beside delivered files: upload.csv, and the zip files that are asked for, one for each first folder.

Both hold nothing that the record does not say, and equal deliveries make equal ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex
from shutil import copyfileobj
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.deliver.handover.account import DeliveryAccount
from campaign_runner.deliver.handover.publishing import Publisher
from campaign_runner.deliver.handover.target import TargetFolder
from campaign_runner.deliver.handover.upload_list import upload_list
from campaign_runner.disk import files
from campaign_runner.errors import IntegrityError
from campaign_runner.model import canonical_json
from campaign_runner.output_folder.delivery_record import UPLOAD_LIST, DeliveredFile
from campaign_runner.text import joined


def archives_of(campaign: Campaign, delivered: Sequence[DeliveredFile]) -> dict[str, list[DeliveredFile]]:
    """The files of each zip file, by its name: one for each first folder, otherwise one of all."""
    found: dict[str, list[DeliveredFile]] = {}
    for file in sorted(delivered, key=lambda each: each.file):
        found.setdefault(archive_of(campaign, file.file), []).append(file)
    return found


def archive_of(campaign: Campaign, name: str) -> str:
    """The zip file that a delivered file of that name belongs in."""
    first, has_folder, _ = name.partition("/")
    return f"{campaign.campaign}_{first}.zip" if campaign.deliver.folders and has_folder else f"{campaign.campaign}.zip"


def write_list(publisher: Publisher, campaign: Campaign) -> None:
    """Bring upload.csv to what is current. Raises StoreError, IntegrityError."""
    content = upload_list(campaign, publisher.account.current())
    digest = hashlib.sha256(content).hexdigest()
    if publisher.target.digest(UPLOAD_LIST) == digest:
        publisher.account.enter_companion(UPLOAD_LIST, (digest,), digest)
        return
    staged = publisher.staging / f"list-{token_hex(8)}"
    files.write_durably(staged, content)
    _replace(publisher, UPLOAD_LIST, staged, digest, contents=digest)


def write_archives(publisher: Publisher, campaign: Campaign) -> list[str]:
    """Make the zip files that are not what is current; the answer names all. Raises StoreError, IntegrityError."""
    wanted = archives_of(campaign, publisher.account.current())
    for name, delivered in wanted.items():
        contents = _contents(campaign, delivered)
        if _is_made(publisher.account, name, contents) and publisher.target.seen(name) is not None:
            continue
        _refuse_incomplete(publisher.target, name, delivered)
        staged = publisher.staging / f"zip-{token_hex(8)}"
        digest = _zipped(staged, publisher.target, delivered, upload_list(campaign, delivered))
        _replace(publisher, name, staged, digest, contents=contents)
    return list(wanted)


def remove_stale_archives(publisher: Publisher, campaign: Campaign) -> list[str]:
    """Take away zip files that hold something else than what is current: no one should send those.

    Raises StoreError, IntegrityError.
    """
    wanted = archives_of(campaign, publisher.account.current())
    stale = []
    for each in publisher.account.companions():
        is_current = each.file in wanted and each.contents == _contents(campaign, wanted[each.file])
        if each.file == UPLOAD_LIST or is_current:
            continue
        for digest in each.sha256:
            publisher.target.remove(each.file, digest)
        publisher.account.drop_companion(each.file)
        stale.append(each.file)
    publisher.account.write(publisher.staging)
    return stale


def _refuse_incomplete(target: TargetFolder, name: str, delivered: Sequence[DeliveredFile]) -> None:
    """A file that is gone is made again, but not where `--only` leaves it out."""
    gone = [file.file for file in delivered if target.seen(file.file) is None]
    if gone:
        raise IntegrityError(
            f"{name} was not made: {joined(gone, most=4)} {'is' if len(gone) == 1 else 'are'} gone from {target.path}; "
            "run the same again without --only, which makes what is gone again"
        )


def _is_made(account: DeliveryAccount, name: str, contents: str) -> bool:
    known = account.companion(name)
    return known is not None and known.contents == contents and len(known.sha256) == 1


def _contents(campaign: Campaign, delivered: Sequence[DeliveredFile]) -> str:
    """The digest of all that a zip file of these holds."""
    names = [[file.file, file.sha256] for file in delivered]
    told = canonical_json([names, hashlib.sha256(upload_list(campaign, delivered)).hexdigest()])
    return hashlib.sha256(told.encode()).hexdigest()


def _replace(publisher: Publisher, name: str, staged: Path, digest: str, *, contents: str) -> None:
    """Put a list or archive in the place of the one before; until it is there, the record knows both."""
    known = publisher.account.companion(name)
    before = known.sha256 if known is not None else ()
    publisher.account.enter_companion(name, tuple(dict.fromkeys((digest, *before))), contents)
    publisher.account.write(publisher.staging)
    publisher.target.replace(staged, name)
    publisher.account.enter_companion(name, (digest,), contents)


def _zipped(staged: Path, target: TargetFolder, delivered: Sequence[DeliveredFile], listed: bytes) -> str:
    """Write a zip file; the answer is its SHA-256. Pictures get no lighter, so they are only put together."""
    with files.replacing(staged) as raw, ZipFile(raw, "w", ZIP_STORED) as archive:
        for file in delivered:
            with archive.open(_entry(file.file), "w") as inside, target.reading(file.file) as content:
                copyfileobj(content, inside)
        archive.writestr(_entry(UPLOAD_LIST), listed)
    with staged.open("rb") as made:
        return hashlib.file_digest(made, "sha256").hexdigest()


def _entry(name: str) -> ZipInfo:
    """A file of an archive, which says nothing of when it was made."""
    entry = ZipInfo(name)
    entry.external_attr = 0o644 << 16
    return entry
