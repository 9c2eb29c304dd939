"""Whether the service still makes what it made: the custom models looked up, the first images compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from campaign_runner.errors import AccountRefused
from campaign_runner.firefly.protocol.interfaces import asked_by
from campaign_runner.journal.ledger import Entry
from campaign_runner.model import CustomModel
from campaign_runner.rerun.comparison import Pair


def model_ids(images: Sequence[Entry]) -> list[str]:
    """The ids of the custom models that `images` were made with."""
    found = (asked_by(image.recipe).custom_model for image in images)
    return list(dict.fromkeys(each for each in found if each is not None))


def still_there(ids: Sequence[str], listed: Sequence[CustomModel]) -> list[CustomModel]:
    """The models of these ids. Raises AccountRefused where one is not shared with this account."""
    known = {model.id: model for model in listed}
    for each in ids:
        if each not in known:
            raise AccountRefused(
                f"the custom model {each} is not shared with this account: the images cannot be made again. Share it "
                "with the project's technical account; `campaign-runner models` lists yours",
                code="no_such_model",
            )
    return [known[each] for each in ids]


def model_drift(images: Sequence[Entry], models: Sequence[CustomModel]) -> Iterator[str]:
    """A sentence for each version of a custom model that made some of `images` and is no longer the one in use."""
    known = {model.id: model for model in models}
    made = {(image.recipe, image.model_version, image.model_etag): None for image in images}
    for id, version, etag in dict.fromkeys((asked_by(recipe).custom_model, *rest) for recipe, *rest in made):
        model = known.get(str(id))
        if model is None or version is None or (version, etag) == (model.version, model.etag):
            continue
        yield (
            f"the custom model '{model.name}' was version {version} ({etag}) when the images were made, "
            f"now it is version {model.version} ({model.etag})"
        )


def canary_drift(pairs: Sequence[Pair]) -> Iterator[str]:
    """A sentence about the first request's images, the test images, if some differ from the recorded ones."""
    made = [pair for pair in pairs if pair.made is not None and pair.verdict != "not_made"]
    others = [pair for pair in made if not pair.is_same]
    if not others:
        return
    apart = sorted(pair.distance for pair in others if pair.distance is not None)
    how = list(dict.fromkeys(pair.why for pair in others if pair.why is not None))
    if apart:
        how.append(f"{apart[0]} %" if apart[0] == apart[-1] else f"{apart[0]} to {apart[-1]} %")
    which = "All" if len(others) == len(made) else f"{len(others)} of"
    differ = "differs" if len(others) == 1 < len(made) else "differ"
    if len(made) == 1:
        yield f"The test image differs from the recorded one ({', '.join(how)})"
    else:
        yield f"{which} {len(made)} test images {differ} from the recorded ones ({', '.join(how)})"
