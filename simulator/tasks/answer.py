"""What the results of all tasks have in common: they print themselves, and a notebook shows them."""

from __future__ import annotations

from collections.abc import Sequence


class Answer:
    """A result whose `str()` is the text that its command prints."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        from html import escape  # for notebooks, and `check` starts fast

        return f"<pre>{escape(str(self))}</pre>"


def warnings_html(warnings: Sequence[str]) -> str:
    """A red paragraph for each warning."""
    from html import escape  # as above

    return "".join(f'<p style="color:#b00020"><strong>{escape(line)}</strong></p>' for line in warnings)
