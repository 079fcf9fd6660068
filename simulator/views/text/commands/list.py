"""What `list` prints: the bundled scenarios, models and populations with their titles and questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def catalogue_text(catalogue: Mapping[str, Sequence[Mapping[str, str]]]) -> str:
    """Names, titles and questions, under the kind of file and the topic: see `files.toml.catalogue.catalogue`."""
    return "\n".join(_catalogue_lines(catalogue))


def _catalogue_lines(catalogue: Mapping[str, Sequence[Mapping[str, str]]]) -> Iterator[str]:
    for kind, rows in catalogue.items():
        yield f"{kind}:"
        width, topic = max(len(row["name"]) for row in rows), ""
        for row in rows:
            if row.get("topic", "") != topic:
                topic = row.get("topic", "")
                yield f"\n  {topic or 'Other'}"
            yield f"  {row['name']:{width}}  {row.get('title', '')}"
            if "question" in row:
                yield f"  {'':{width}}  {row['question']}"
