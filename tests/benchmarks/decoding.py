"""What the check of a picture costs, beside the decoding it cannot do without."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from io import BytesIO

from PIL import Image

from campaign_runner.pictures.inspection import examine
from tests.benchmarks.rows import Rounds, Row

SIDE, TIMES = 2048, 10


def _picture(**options: object) -> bytes:
    file = BytesIO()
    noise = Image.effect_noise((SIDE // 4, SIDE // 4), 60).resize((SIDE, SIDE)).convert("RGB")
    noise.save(file, **options)  # type: ignore[arg-type]
    return file.getvalue()


def _decoded(content: bytes) -> None:
    """As Pillow decodes it where only an eighth is wanted; and the digest, which is recorded whatever is looked at."""
    hashlib.sha256(content).hexdigest()
    with Image.open(BytesIO(content)) as picture:
        picture.draft(picture.mode, (SIDE // 8, SIDE // 8))
        picture.load()


def _seconds(work: Callable[[bytes], object], content: bytes) -> float:
    began = time.process_time()
    for _ in range(TIMES):
        work(content)
    return time.process_time() - began


def pictures(rounds: int) -> Iterator[Row]:
    """Processor time of the whole check ÷ that of Pillow's own decode at the same scale, the digest in both."""
    kinds: dict[str, dict[str, object]] = {
        "JPEG": {"format": "JPEG", "quality": 90},
        "progressive JPEG": {"format": "JPEG", "quality": 90, "progressive": True},
        "PNG": {"format": "PNG", "compress_level": 1},
        "WebP": {"format": "WEBP", "quality": 80},
    }
    taken, sizes = Rounds(rounds), {}
    for name, options in kinds.items():
        content = _picture(**options)
        sizes[name] = len(content)
        for _ in taken:
            taken.note(name, _seconds(examine, content) / _seconds(_decoded, content))
    for name, size in sizes.items():
        what = f"picture check ÷ Pillow's own decode and the digest: {name} of {size / 1e6:.1f} MB"
        yield Row("pictures", what, taken.taken[name], 1.05)
