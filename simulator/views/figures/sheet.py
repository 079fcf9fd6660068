"""The figure of the house: matplotlib's, which a notebook shows without pyplot having been asked."""

from __future__ import annotations

import io

from matplotlib.figure import Figure

DPI = 100  # in a notebook ...
SHARP = 2  # ... drawn with so many dots for one, for the screens of today


class Sheet(Figure):
    """Whoever displays it (IPython asks for this name) gets a PNG and the size to show it in."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=SHARP * DPI)
        wide, high = self.get_size_inches() * DPI
        return file.getvalue(), {"width": round(wide), "height": round(high)}
