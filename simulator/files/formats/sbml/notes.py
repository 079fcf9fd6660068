"""The parts of SBML that people read: labels, sources, how certain a number is, and links to publications."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any

from ....model.declarations import Source
from ....model.model import Model
from .formulas import libsbml

_LINKS = (  # patterns in a citation or link, and the identifiers.org address of the publication
    (re.compile(r"doi\.org/(10\.\S+)"), "https://identifiers.org/doi:{}"),
    (re.compile(r"\bPMID:? ?(\d+)|pubmed\.ncbi\.nlm\.nih\.gov/(\d+)"), "https://identifiers.org/pubmed:{}"),
    (re.compile(r"\b(PMC\d+)"), "https://identifiers.org/pmc:{}"),
    (re.compile(r"\b(BIOMD\d{10})\b"), "https://identifiers.org/biomodels.db:{}"),
    (re.compile(r"arxiv\.org/abs/(\S+)"), "https://identifiers.org/arxiv:{}"),
)


def cited_sources(model: Model, text: str) -> list[Source]:
    """The sources that the source of a parameter or reaction names: ``Busse2010, table 1; Paul1987``."""
    keys = [part.split(",")[0].strip() for part in text.split(";")]
    return [model.sources[key] for key in dict.fromkeys(keys) if key in model.sources]


def addresses(source: Source) -> list[str]:
    """The identifiers.org addresses of a publication that its citation or link contains."""
    found = []
    for pattern, address in _LINKS:
        for match in pattern.finditer(f"{source.citation} {source.link}"):
            found.append(address.format(next(group for group in match.groups() if group)))
    return list(dict.fromkeys(found))


def name_and_note(element: Any, label: str, lines: Iterable[str] = ()) -> None:
    """Sets the name of an element, and as its notes the lines that are not empty."""
    if label:
        element.setName(label)
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in lines if line)
    if paragraphs:
        element.setNotes(f'<body xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</body>')


def cite(element: Any, model: Model, text: str) -> list[str]:
    """Links an element to the publications that `text` names, and returns their citations."""
    sources = cited_sources(model, text)
    found = dict.fromkeys(address for source in sources for address in addresses(source))
    if found:
        element.setMetaId(f"about_{element.getId()}")
        term = libsbml.CVTerm(libsbml.BIOLOGICAL_QUALIFIER)
        term.setBiologicalQualifierType(libsbml.BQB_IS_DESCRIBED_BY)
        for address in found:
            term.addResource(address)
        element.addCVTerm(term)
    return [f"{source.id}: {source.citation} {source.link}".strip() for source in sources]
