"""The first campaign file: seven answers become twelve lines that run.

Whatever is answered is written so that YAML reads the same words again, and is loaded before it is
written anywhere: what `init` leaves behind has no problem.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from campaign_runner.authoring.splice import text_as_yaml
from campaign_runner.campaign_file.check.styles import KNOWN_STYLES, STYLES
from campaign_runner.campaign_file.loader import load
from campaign_runner.campaign_file.schema.ids import derived
from campaign_runner.campaign_file.sheets.naming import READABLE
from campaign_runner.campaign_file.sheets.suggestion import suggestion
from campaign_runner.campaign_file.syntax.parser import quoted
from campaign_runner.disk import files
from campaign_runner.errors import CampaignFileError
from campaign_runner.families import FAMILIES, Family
from campaign_runner.text import did_you_mean, followed

SCHEMA = "campaign.schema.json"
_SEEDS = (66080, 82683, 90101, 90102)  # four travel in one request; further ones count up from the last
USUAL_MODEL = "image4_standard"
"""Adobe's own model of a campaign that names no custom model."""
MOST_EACH = 100
"""Pictures of each kind that a first campaign has at most."""
_PROMPT = "{product.name} on an oak table, autumn leaves, soft morning light"


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person says about a first campaign. `custom_model` is empty for Adobe's own model.

    `products` may be the name of a sheet in `folder`, where the file will be. `family` and `concept` are those of the
    model, empty where the program does not know; `each` is how many pictures of each kind there are.
    """

    name: str = "my-campaign"
    products: tuple[str, ...] = ("almond candle", "almond soap")
    prompt: str = _PROMPT
    custom_model: str = ""
    presets: tuple[str, ...] = ("painting", "golden_hour")
    sizes: tuple[str, ...] = ("square", "wide")
    each: int = len(_SEEDS)
    family: str = ""
    concept: str = ""
    folder: Path = Path()

    @property
    def images(self) -> int:
        """How many it makes."""
        return self._number * max(len(self.presets), 1) * len(self.sizes) * self.each

    def of_model(self, name: str, family: str = "", concept: str = "") -> Answers:
        """The same with another custom model; the usual prompt has its concept, where it needs one."""
        usual = (_PROMPT, _with_concept(_PROMPT))
        prompt = self.prompt if self.prompt not in usual else usual[bool(concept)]
        return replace(self, custom_model=name, family=family, concept=concept, prompt=prompt)

    def text(self, *, with_budget: bool = True) -> str:
        """The campaign file. Its budget has room for one request more than it makes: a retake."""
        rows = [
            f"# yaml-language-server: $schema={SCHEMA}",
            f"campaign: {text_as_yaml(self.name)}",
            *self._model(),
            *self._products(),
            "prompts:",
            f"  hero: {quoted(self.prompt)}",
            *([f"presets: [{', '.join(map(text_as_yaml, self.presets))}]"] if self.presets else []),
            f"sizes: [{', '.join(map(text_as_yaml, self.sizes))}]",
            f"seeds: [{', '.join(map(str, _seeds(self.each)))}]",
        ]
        if with_budget:
            rows.append(f"budget: {self.images + self._family.pack}")
        return "\n".join(rows) + "\n"

    def flaw(self) -> str | None:
        """What is wrong with these answers, for a person; None if they make a campaign that runs."""
        if len(self.products) > 1 and "{product." not in self.prompt:
            return "every product would get the same picture: write {product.name} where its name goes"
        if self.concept and "{concept}" not in self.prompt:
            return f"'{self.custom_model}' is a subject model: write {{concept}} where its subject goes"
        if unknown := [preset for preset in self.presets if preset not in KNOWN_STYLES]:
            return f"Adobe lists no style '{unknown[0]}'{did_you_mean(unknown[0], STYLES)}"
        ids = [derived(product) for product in self.products]
        if not self.sheet and ("" in ids or len(set(ids)) < len(ids)):
            return "give each product a different name that contains letters a-z or digits"
        try:
            load(self._draft, self.text().encode())
        except CampaignFileError as error:
            problem = error.problems[0]
            return followed(problem.message, problem.advice, ".")
        return None

    @property
    def sheet(self) -> str:
        """The sheet that the products are in; empty if they were named."""
        (first, *more) = self.products or ("",)
        return first if not more and first.lower().endswith(READABLE) else ""

    def _products(self) -> list[str]:
        if self.sheet:
            return [f"products: {suggestion(self.folder / self.sheet)}"]
        return ["products:", *(f"  {derived(product)}: {text_as_yaml(product)}" for product in self.products)]

    @property
    def _draft(self) -> Path:
        """A file that is never written: where the campaign is read as if it were there."""
        return self.folder / "draft.yaml"

    @property
    def _number(self) -> int:
        """How many products there are. Raises CampaignFileError where the sheet does not tell."""
        if not self.sheet:
            return len(self.products)
        return len(load(self._draft, self.text(with_budget=False).encode()).products)

    @property
    def _family(self) -> Family:
        return FAMILIES[self.family or ("image3_custom" if self.custom_model else USUAL_MODEL)]

    def _model(self) -> list[str]:
        if not self.custom_model:
            return [f"model: {self._family.id}"]
        which = "" if self.family else "   # or image4_custom: `campaign-runner models` tells which"
        return [f"model: {self._family.id}{which}", f"custom_model: {quoted(self.custom_model)}"]


def _seeds(number: int) -> list[int]:
    more = range(_SEEDS[-1] + 1, _SEEDS[-1] + 1 + max(number - len(_SEEDS), 0))
    return [*_SEEDS[:number], *more]


def _with_concept(prompt: str) -> str:
    return f"{{concept}}, {prompt}"


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
