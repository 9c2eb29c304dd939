"""What a workbook costs: `python -m tests.campaign_file.sheets.measure [PRODUCTS] [LANGUAGES]`.

Makes one campaign twice, with its products in YAML and in a workbook that has forty columns more, and prints the
processor time and the peak of memory of `plan` for each, in processes of their own.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.campaign_file.sheets.workbooks import saved

LOCALES = ("en-US", "de-DE", "fr-FR", "ja-JP", "es-ES", "it-IT", "nl-NL", "pl-PL")
WORDS = ("name", "material", "scent")
UNUSED = 40


def campaign(folder: Path, products: str, name: str, languages: int) -> Path:
    """A campaign of one prompt for each language; `products` is what stands under that key."""
    spoken = LOCALES[:languages]
    markets = ", ".join(f"{locale[:2]}: {{locale: {locale}}}" for locale in spoken)
    prompts = ", ".join(
        f'{locale[:2]}: "{{product.name}} of {{product.material}}, {{product.scent}}"' for locale in spoken
    )
    path = folder / f"{name}.yaml"
    path.write_text(
        f"campaign: {name}\nmodel: image4_standard\nmarkets: {{{markets}}}\nproducts: {products}\n"
        f"prompts: {{hero: {{{prompts}}}}}\nsizes: [square]\nseeds: [1, 2]\n",
        encoding="utf-8",
    )
    return path


def written(folder: Path, products: int, languages: int) -> tuple[Path, Path]:
    """The campaign with its products in YAML, and in a workbook."""
    spoken = [locale[:2] for locale in LOCALES[:languages]]
    ids = [f"ab-{number}" for number in range(products)]
    lines = [
        f"  {id}: {{"
        + ", ".join(f"{word}: {{" + ", ".join(f"{key}: {word} {key} {at}" for key in spoken) + "}" for word in WORDS)
        + "}\n"
        for at, id in enumerate(ids)
    ]
    fields = [(word, key) for word in WORDS for key in spoken]
    headings = ["id", *(f"{word} {key}" for word, key in fields), *(f"Column {number}" for number in range(UNUSED))]
    rows = (
        [id, *(f"{word} {key} {at}" for word, key in fields), *(f"{at} {number}" for number in range(UNUSED))]
        for at, id in enumerate(ids)
    )
    saved(folder / "master.xlsx", [headings, *rows])
    in_yaml = campaign(folder, "\n" + "".join(lines), "in-yaml", languages)
    return in_yaml, campaign(folder, "master.xlsx", "in-workbook", languages)


def planned(path: Path) -> tuple[float, int, int]:
    """Processor seconds, the peak of memory in MB and the images of `plan`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    program = [sys.executable, "-m", "tests.campaign_file.sheets.measure", "--plan", str(path)]
    done = subprocess.run(program, capture_output=True, check=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = json.loads(done.stdout)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, told["kilobytes"] // 1024, told["images"]


def plan_here(path: str) -> None:
    """`plan --json` in this process, and what it took of memory."""
    from contextlib import redirect_stdout
    from io import StringIO

    from campaign_runner.cli import run_command

    said = StringIO()
    with redirect_stdout(said):
        status = run_command(["plan", "--json", path])
    assert status == 0, said.getvalue()
    images = json.loads(said.getvalue())["variations"]
    print(json.dumps({"images": images, "kilobytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))  # noqa: T201


def main(products: int = 2000, languages: int = 6) -> None:
    """Print both, and how they compare."""
    with TemporaryDirectory() as home:
        os.environ["CAMPAIGN_RUNNER_STATE_DIR"] = str(Path(home) / "state")
        in_yaml, in_workbook = written(Path(home), products, languages)
        figures = [planned(path) for path in (in_yaml, in_workbook)]
    for what, (seconds, megabytes, images) in zip(("YAML", "workbook"), figures, strict=True):
        print(f"{what:9} {images:,} images: {seconds:.2f} s of processor, {megabytes} MB at most")  # noqa: T201
    print(f"the workbook takes {figures[1][0] / figures[0][0]:.2f} times the processor time")  # noqa: T201


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--plan", path]:
            plan_here(path)
        case numbers:
            main(*map(int, numbers))
