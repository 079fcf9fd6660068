"""What people read in SBML: labels, sources and how sure a number is, and links to the papers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any

from ...model.declarations import Source
from ...model.model import Model
from .sbml_math import libsbml

_LINKS = (  # what a citation or link may say, and the address by which programs know the paper
    (re.compile(r"doi\.org/(10\.\S+)"), "https://identifiers.org/doi:{}"),
    (re.compile(r"\bPMID:? ?(\d+)|pubmed\.ncbi\.nlm\.nih\.gov/(\d+)"), "https://identifiers.org/pubmed:{}"),
    (re.compile(r"\b(PMC\d+)"), "https://identifiers.org/pmc:{}"),
    (re.compile(r"\b(BIOMD\d{10})\b"), "https://identifiers.org/biomodels.db:{}"),
    (re.compile(r"arxiv\.org/abs/(\S+)"), "https://identifiers.org/arxiv:{}"),
)


def cited(model: Model, text: str) -> list[Source]:
    """The sources that the source of a parameter or reaction names: ``Busse2010, table 1; Paul1987``."""
    keys = [part.split(",")[0].strip() for part in text.split(";")]
    return [model.sources[key] for key in dict.fromkeys(keys) if key in model.sources]


def addresses(source: Source) -> list[str]:
    """The identifiers.org addresses of a publication, none where neither its citation nor its link has one."""
    found = []
    for pattern, address in _LINKS:
        for match in pattern.finditer(f"{source.citation} {source.link}"):
            found.append(address.format(next(group for group in match.groups() if group)))
    return list(dict.fromkeys(found))


def describe(element: Any, label: str, lines: Iterable[str] = ()) -> None:
    """`label` as the name of an element, and the lines, those that are not empty, as its notes."""
    if label:
        element.setName(label)
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in lines if line)
    if paragraphs:
        element.setNotes(f'<body xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</body>')


def cite(element: Any, model: Model, text: str) -> list[str]:
    """Links an element to the papers that `text` names; returns their citations."""
    sources = cited(model, text)
    found = dict.fromkeys(address for source in sources for address in addresses(source))
    if found:
        element.setMetaId(f"about_{element.getId()}")
        term = libsbml.CVTerm(libsbml.BIOLOGICAL_QUALIFIER)
        term.setBiologicalQualifierType(libsbml.BQB_IS_DESCRIBED_BY)
        for address in found:
            term.addResource(address)
        element.addCVTerm(term)
    return [f"{source.id}: {source.citation} {source.link}".strip() for source in sources]
