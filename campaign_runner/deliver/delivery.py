"""The steps of a delivery: arrange, name, compare, refuse; then settle, withdraw, make, list.

Everything that may be refused is refused before the first byte is written to the target.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from campaign_runner.campaign_file.schema.channels import channels_of
from campaign_runner.deliver.arrangement import Slot, Wanted, arrange
from campaign_runner.deliver.cuts.encoding import CutRequest
from campaign_runner.deliver.descriptions import Descriptions
from campaign_runner.deliver.file_names import FileNames
from campaign_runner.deliver.handover.account import DeliveryAccount, leaving, place_of
from campaign_runner.deliver.handover.companions import archive_of, remove_stale_archives, write_archives, write_list
from campaign_runner.deliver.handover.publishing import Publisher
from campaign_runner.deliver.handover.target import TargetFolder
from campaign_runner.deliver.production import Production
from campaign_runner.deliver.request import DeliveryRequest, DeliveryResult, Progress
from campaign_runner.deliver.work import Survey, ToMake, Work, cut_digest
from campaign_runner.disk import files
from campaign_runner.errors import CampaignFileError, IntegrityError, UsageError
from campaign_runner.output_folder.delivery_record import OLD, UPLOAD_LIST, target_folder
from campaign_runner.tasks import in_thread


async def deliver(request: DeliveryRequest, progress: Progress = lambda made, of: None) -> DeliveryResult:
    """Deliver, or say what would be delivered. The caller holds the output folder's lock.

    Raises CampaignFileError, UsageError, IntegrityError, StoreError.
    """
    refuse_undeliverable(request)
    return await _Delivery(request, progress).run()


def refuse_undeliverable(request: DeliveryRequest) -> None:
    """Raises CampaignFileError, UsageError where a campaign has problems with its delivery, or no channel."""
    campaign = request.campaign
    if campaign.undeliverable:
        raise CampaignFileError(campaign.undeliverable)
    if not campaign.channels:
        raise UsageError(
            f"{campaign.path} names no channels; add such a line: channels: [instagram-feed, linkedin-ad] "
            "(`campaign-runner channels` lists them all)"
        )
    home, target = request.folder.path, request.target
    if target is not None and (target == home or home in target.parents):
        raise UsageError(f"{target} is in the campaign's own output folder; choose another with --to")


class _Delivery:
    def __init__(self, request: DeliveryRequest, progress: Progress) -> None:
        self.request = request
        self._progress = progress
        home = request.folder.path
        target = None if request.target is None else str(request.target)
        name = request.campaign.campaign
        account = DeliveryAccount(request.record, home=home, campaign=name, target=target, now=request.now)
        self._publisher = Publisher(
            account,
            TargetFolder(target_folder(home, target)),
            TargetFolder(request.old or home / OLD),
            home,
            request.folder.staging,
        )
        is_first = request.record is None or not request.record.files
        old = OLD if request.old is None else str(request.old)
        self._result = DeliveryResult(self._publisher.target.path, is_first=is_first, old=old, late=request.late)

    async def run(self) -> DeliveryResult:
        request, result = self.request, self._result
        arranged = arrange(request.campaign, request.chosen, request.rows, any_size=request.any_size)
        result.waiting, result.left_out = arranged.waiting, list(arranged.left_out)
        result.disputed = sorted({each.chosen.entry.key[:8] for each in arranged.wanted if each.chosen.is_disputed})
        planned = await in_thread(lambda: list(self._planned(arranged.wanted)))
        work = await in_thread(self._compared, planned)
        result.unchanged = len(work.kept)
        slots = {each.wanted.slot for each in planned}
        account = self._publisher.account
        result.planned = [
            account.likely_names(each.wanted.slot, each.stem, each.wanted.channel.formats[0])[-1]
            for each in work.to_make
        ]
        if request.is_dry or not (planned or account.here()):  # nothing at all leaves no empty list
            result.gone = list(leaving(account, slots, request.scope))
            return result
        await in_thread(self._prepare, slots)
        not_made = await Production(self._publisher, request, result).make_all(work.to_make, self._progress)
        await in_thread(self._finish, slots - not_made)
        return result

    def _planned(self, wanted: Sequence[Wanted]) -> Iterator[ToMake]:
        campaign = self.request.campaign
        names, descriptions = FileNames(campaign), Descriptions(campaign)
        for each, stem in zip(wanted, names.stems(wanted), strict=True):
            chosen = each.chosen
            request = CutRequest(
                each.channel, chosen.focus_for(each.channel), descriptions.of(chosen), campaign.deliver.min_quality
            )
            yield ToMake(each, stem, request, cut_digest(chosen.entry.sha256 or "", each, request))

    def _compared(self, planned: Sequence[ToMake]) -> Work:
        """What is to be done; refused where something that is not ours is in its way."""
        account, target = self._publisher.account, self._publisher.target
        if target.path.exists() and not target.path.is_dir():
            raise IntegrityError(f"{target.path} is not a folder; nothing was written")
        survey = Survey(account, target)
        work = survey.work(planned)
        zips: list[str] = [each.file for each in account.companions() if each.file != UPLOAD_LIST]
        if self.request.has_zips:
            names = [*(each.stem.text for each in planned), *(file.file for file in account.current())]
            zips += sorted({archive_of(self.request.campaign, name) for name in names})
        survey.refuse_foreign(work, [UPLOAD_LIST, *dict.fromkeys(zips)])
        return work

    def _prepare(self, slots: set[Slot]) -> None:
        """Finish what was begun before; take out what must not go out."""
        publisher, account = self._publisher, self._publisher.account
        files.make_folder(publisher.staging)
        publisher.target.prepare()
        publisher.old.prepare()
        publisher.settle()
        account.use(list(channels_of(self.request.campaign.channels)))
        places = {(place, channel) for place, channel, _ in slots}
        unwanted = [
            file for file in leaving(account, slots, self.request.scope) if (place_of(file), file.channel) not in places
        ]
        self._result.gone += publisher.withdraw(unwanted)

    def _finish(self, slots: set[Slot]) -> None:
        """Take out what was replaced by files of other seeds, or by nothing; write the lists."""
        request, publisher, result = self.request, self._publisher, self._result
        result.replaced += publisher.withdraw(leaving(publisher.account, slots, request.scope), "replaced")
        publisher.tidy()
        write_list(publisher, request.campaign)
        if request.has_zips:
            result.archives = write_archives(publisher, request.campaign)
        result.stale_archives = remove_stale_archives(publisher, request.campaign)
        publisher.account.write(publisher.staging)
