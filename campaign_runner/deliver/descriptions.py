"""What a delivered file tells someone who cannot see it: the campaign's words for it, in the market's language."""

from __future__ import annotations

from campaign_runner.campaign_file.schema.channels import PROMPT_AS_ALT
from campaign_runner.campaign_file.schema.compose import Composer, MissingText
from campaign_runner.campaign_file.schema.schema import Campaign
from campaign_runner.campaign_file.schema.templates import EVERYWHERE, clean
from campaign_runner.deliver.arrangement import ChosenImage
from campaign_runner.deliver.cuts.xmp import Description
from campaign_runner.firefly.protocol.request_body import prompt_of


class Descriptions:
    """The descriptions of a campaign's files."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._composer = Composer(campaign)
        self._credit = clean(campaign.deliver.credit or "")

    def of(self, chosen: ChosenImage) -> Description:
        """What the file of an image says in one of its cells."""
        return Description(clean(self._alt(chosen)), self._credit)

    def _alt(self, chosen: ChosenImage) -> str:
        cell = chosen.cell
        if cell.product not in self._campaign.products:
            return cell.product
        try:
            for (axis, *_), text in self._composer.alt_of(cell):
                if axis == "deliver" and text.get(EVERYWHERE) == PROMPT_AS_ALT:
                    return prompt_of(chosen.entry.recipe.body)
                if (found := self._composer.wording(text, cell.market)) is not None:
                    return self._composer.fill(found[1], cell)
        except MissingText:
            pass  # the image is no longer in the campaign, which lacks its market or its words by now
        words = self._composer.product_words(cell.product, cell.market)
        return words.get("product.name", cell.product)
