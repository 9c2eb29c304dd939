"""How far the small pictures of the review page are, after the report: a bar at a terminal, one line elsewhere."""

from __future__ import annotations

from typing import IO, Any

from tqdm import tqdm

from campaign_runner.text import plural

_WORTH_SAYING = 20
"""So many images take long enough for someone to ask what is going on."""


class PictureProgress:
    """One bar, or one line a campaign, on `stream`. It appears with the first picture."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._bar: tqdm[Any] | None = None
        self._done: dict[str, tuple[int, int]] = {}

    def __call__(self, campaign: str, done: int, of: int) -> None:
        """`done` of so many images have their small pictures."""
        is_first = campaign not in self._done
        self._done[campaign] = done, of
        if self._stream.isatty():
            self._show()
        elif is_first and of > _WORTH_SAYING:
            self._stream.write(f"{campaign}: making small pictures of {plural(of, 'image')} for review.html\n")
            self._stream.flush()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def _show(self) -> None:
        if self._bar is None:
            form = "{desc} {percentage:3.0f}% |{bar}| {n_fmt} of {total_fmt} images; Ctrl-C skips the rest"
            words = "small pictures for review.html"
            self._bar = tqdm(desc=words, total=0, bar_format=form, file=self._stream, leave=False, dynamic_ncols=True)
        self._bar.n, self._bar.total = (sum(figures) for figures in zip(*self._done.values(), strict=True))
        self._bar.refresh()
