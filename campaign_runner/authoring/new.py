"""The first campaign file: five answers become twelve lines that run.

Whatever is answered is written so that YAML reads the same words again, and is loaded before it is
written anywhere: what `init` leaves behind has no problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from campaign_runner.authoring.splice import text_as_yaml
from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.ids import derived
from campaign_runner.campaign_file.syntax.parser import quoted
from campaign_runner.disk import files
from campaign_runner.errors import CampaignFileError
from campaign_runner.families import FAMILIES, Family

SCHEMA = "campaign.schema.json"
_PRESETS = ("painting", "golden_hour")
_SEEDS = (66080, 82683, 90101, 90102)  # four travel in one request


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person says about a first campaign. `custom_model` is empty for Adobe's own model."""

    name: str = "my-campaign"
    products: tuple[str, ...] = ("almond candle", "almond soap")
    prompt: str = "{product.name} on an oak table, autumn leaves, soft morning light"
    custom_model: str = ""
    sizes: tuple[str, ...] = ("square", "wide")

    @property
    def images(self) -> int:
        """How many it makes."""
        return len(self.products) * len(_PRESETS) * len(self.sizes) * len(_SEEDS)

    def text(self) -> str:
        """The campaign file. Its budget has room for one request more than it makes: a retake."""
        rows = [
            f"# yaml-language-server: $schema={SCHEMA}",
            f"campaign: {text_as_yaml(self.name)}",
            *self._model(),
            "products:",
            *(f"  {derived(product)}: {text_as_yaml(product)}" for product in self.products),
            "prompts:",
            f"  hero: {quoted(self.prompt)}",
            f"presets: [{', '.join(_PRESETS)}]",
            f"sizes: [{', '.join(map(text_as_yaml, self.sizes))}]",
            f"seeds: [{', '.join(map(str, _SEEDS))}]",
            f"budget: {self.images + self._family.pack}",
        ]
        return "\n".join(rows) + "\n"

    def flaw(self) -> str | None:
        """What is wrong with these answers, for a person; None if they make a campaign that runs."""
        if len(self.products) > 1 and "{product." not in self.prompt:
            return "every product would get the same picture: write {product.name} where its name goes"
        ids = [derived(product) for product in self.products]
        if "" in ids or len(set(ids)) < len(ids):
            return "give each product a different name that contains letters a-z or digits"
        with TemporaryDirectory(prefix="campaign_runner-") as folder:
            draft = Path(folder) / "draft.yaml"
            draft.write_text(self.text(), encoding="utf-8")
            try:
                load(draft)
            except CampaignFileError as error:
                problem = error.problems[0]
                return ". ".join(part for part in (problem.message, problem.advice) if part)
        return None

    @property
    def _family(self) -> Family:
        return FAMILIES["image3_custom" if self.custom_model else "image4_standard"]

    def _model(self) -> list[str]:
        if not self.custom_model:
            return [f"model: {self._family.id}"]
        which = "# or image4_custom: `campaign-runner models` tells which"
        return [f"model: {self._family.id}   {which}", f"custom_model: {quoted(self.custom_model)}"]


def write_new(path: Path, content: bytes) -> bool:
    """Write a file that is not there yet; False, and nothing is touched, if it is. Raises StoreError."""
    files.make_folder(path.parent)
    with files.translating(path):
        try:
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError:
            return False
    return True
