"""How measures are called where there is little room."""

MOST_LETTERS = 40  # of a name; what is longer is a sentence


def short(label: str, name: str, most: int = MOST_LETTERS) -> str:
    """`label`, or `name` where it is a sentence or empty; cut to `most` letters."""
    found = label if 0 < len(label) <= MOST_LETTERS else name
    return found if len(found) <= most else f"{found[: most - 1].rstrip()}…"
