"""Words of the command line that make a sweep: they are laid over ``[sweep]`` as a file's own keys would be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...runtime.errors import InputFault
from .design import FILLING
from .layers import Layers, Path_, Setting
from .source import Table

_NAMED = re.compile(r"\s*([A-Za-z][A-Za-z0-9_ ]*?)\s*=(.*)\Z", re.DOTALL)


@dataclass(frozen=True)
class SweepWords:
    """What ``--vary``, ``--sample``, ``--measure``, ``--seed``, ``--keep``, ``--arm`` and ``--members`` say.

    vary: ``NAME=FROM:TO:COUNT[:log]``, ``NAME=FROM:TO[:log]``, ``NAME=V1,V2`` or ``NAME``.
    sample: ``grid``, ``lhs:1000`` and so on.
    measures: ``id=formula`` or ``formula``.
    """

    vary: tuple[str, ...] = ()
    sample: str | None = None
    measures: tuple[str, ...] = ()
    seed: int | None = None
    keep: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    members: str | None = None


def put_words(layers: Layers, words: SweepWords) -> list[InputFault]:
    """Lays `words` over `layers`. Axes, measures, arms and curves take the place of those of the file; what the
    file says of another sample than the one that is asked for goes. Returns the words that mean nothing."""
    return list(_Putter(layers).put(words))


class _Putter:
    def __init__(self, layers: Layers) -> None:
        self.layers = layers

    def put(self, words: SweepWords) -> Iterator[InputFault]:
        if words.members is not None and words.sample not in (None, "list"):
            text = f"--members {words.members} --sample {words.sample}"
            yield Setting(text).fault((), "a file of members leaves nothing to draw: give --members or --sample")
            return
        if words.members is not None:
            self._forget("sample", "count", "seed", "vary")
            self._set(("sweep", "members"), words.members, f"--members {words.members}")
        if words.vary:
            yield from self._vary(words.vary)
        if words.sample is not None:
            yield from self._sample(words.sample)
        if words.measures:
            self._measures(words.measures)
        for key, flag, names in (("keep", "--keep", words.keep), ("arms", "--arm", words.arms)):
            if names:
                self._set(("sweep", key), list(names), " ".join(f"{flag} {name}" for name in names))
        if words.seed is not None:
            yield from self._seed(words.seed)

    def _vary(self, words: Sequence[str]) -> Iterator[InputFault]:
        """With axes of its own a sweep is a grid, unless its sample fills the space between."""
        if self.layers.data.get("sweep", {}).get("sample", "list") in ("list", "zip"):
            self._forget("sample")
        if not isinstance(self.layers.origin(("sweep", "members"))[0], Setting):
            self._forget("members")  # of the file: --members itself goes with --vary, which then names columns
        axes: list[Table] = []
        settings = []
        for word in words:
            setting = Setting(f"--vary {word}")
            axis = _axis(word)
            if isinstance(axis, str):
                yield setting.fault((), axis)
            else:
                axes.append(axis)
                settings.append(setting)
        self._set(("sweep", "vary"), axes, " ".join(f"--vary {word}" for word in words))
        for number, setting in enumerate(settings):
            self.layers.blame(("sweep", "vary", number), setting)

    def _sample(self, word: str) -> Iterator[InputFault]:
        setting = f"--sample {word}"
        sample, sign, count = word.partition(":")
        self._forget("count", *(() if sample in FILLING else ("seed",)), *(() if sample == "list" else ("members",)))
        if sample in (*FILLING, "one_at_a_time"):
            for place, axis in enumerate(self.layers.data.get("sweep", {}).get("vary", [])):
                if not isinstance(self.layers.origin(("sweep", "vary", place))[0], Setting):
                    axis.pop("count", None)  # of the file's grid
        self._set(("sweep", "sample"), sample.strip(), setting)
        if sign:
            number = _whole(count)
            if number is None:
                yield Setting(setting).fault((), f"expected SAMPLE:COUNT such as lhs:1000, found {count!r}")
            else:
                self._set(("sweep", "count"), number, setting)

    def _measures(self, words: Sequence[str]) -> None:
        self._set(("sweep", "measures"), {}, "--measure")
        for word in words:
            named = _NAMED.match(word)
            id, formula = (named[1], named[2]) if named else (word, word)
            self._set(("sweep", "measures", id.strip()), formula.strip(), f"--measure {word}")

    def _seed(self, seed: int) -> Iterator[InputFault]:
        data, text = self.layers.data, f"--seed {seed}"
        drawn = data.get("sweep", {}).get("sample") in FILLING
        if drawn:
            self._set(("sweep", "seed"), seed, text)
        if "population" in data:
            self._set(("population", "seed"), seed, text)
        if not drawn and "population" not in data:
            yield Setting(text).fault((), f"nothing is drawn: a seed is for {', '.join(FILLING)} and [population]")

    def _set(self, path: Path_, value: object, text: str) -> None:
        if path[:1] not in self.layers.origins:
            self.layers.blame(path[:1], Setting(text))
        self.layers.set(path, value, Setting(text))

    def _forget(self, *keys: str) -> None:
        for key in keys:
            self.layers.drop(("sweep", key))


def _axis(word: str) -> Table | str:
    """The table that ``--vary`` stands for, or what is wrong with it."""
    name, sign, text = word.partition("=")
    axis: Table = {"parameter": name.strip()}
    if not axis["parameter"] or (sign and not text.strip()):
        return "expected NAME=FROM:TO:COUNT, NAME=FROM:TO:COUNT:log, NAME=V1,V2,V3 or NAME"
    if not sign:
        return axis
    parts = [part.strip() for part in text.split(":")]
    if len(parts) == 1:
        return {**axis, "values": [each.strip() for each in text.split(",")]}
    if parts[-1] in ("log", "linear"):
        axis["scale"] = parts.pop()
    if len(parts) == 3:
        count = _whole(parts.pop())
        if count is None:
            return f"expected a whole number of points behind FROM:TO, found {text.split(':')[2]!r}"
        axis["count"] = count
    if len(parts) != 2:
        return "expected NAME=FROM:TO, NAME=FROM:TO:COUNT or NAME=FROM:TO:COUNT:log"
    return {**axis, "from": parts[0], "to": parts[1]}


def _whole(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None
