"""Function definitions that keep the formulas of an export short for simulators that write each name out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ....model.expression import Apply, Expression, names
from ....model.laws import in_order
from ....model.model import Model
from .formulas import Ids, libsbml

LONG = 30  # parts of a formula: an observable with more is named once


class Functions:
    """Writes into `out`, a Model of libSBML, a function for each formula that names a long observable twice.

    libRoadRunner and others compute an observable anew wherever it is named, so that formulas of formulas grow as
    powers of two; what is passed to a function they compute once.
    """

    def __init__(self, model: Model, out: Any, ids: Ids) -> None:
        self._out, self._ids = out, ids
        self._lengths: dict[str, int] = {}  # of formulas with what they name written out
        for each in in_order(model):
            counts = Counter(names(model.observables[each].value))
            lengths = [
                self._lengths.get(name, 1) * (1 if self._long(name) else number) for name, number in counts.items()
            ]
            self._lengths[each] = sum(lengths) + _parts(model.observables[each].value)

    def _long(self, name: str) -> bool:
        return self._lengths.get(name, 1) > LONG

    def once(self, name: str, math: Any) -> Any:
        """`math`, the formula of `name`, or a call that has the same value and names nothing long twice."""
        counts = Counter(names_in(math))
        if _has_time(math) or not any(number > 1 and self._long(each) for each, number in counts.items()):
            return math
        function = self._out.createFunctionDefinition()
        function.setId(self._ids.free(name, "formula"))
        body, call = libsbml.ASTNode(libsbml.AST_LAMBDA), libsbml.ASTNode(libsbml.AST_FUNCTION)
        call.setName(function.getId())
        for each in counts:
            argument = libsbml.ASTNode(libsbml.AST_NAME)
            argument.setName(each)
            call.addChild(argument)
            bound = argument.deepCopy()
            bound.setBvar()
            body.addChild(bound)
        body.addChild(math)
        function.setMath(body)
        return call


def names_in(math: Any) -> Iterator[str]:
    """Every name in a formula of libSBML, with repeats."""
    if math.isName():
        yield math.getName()
    for number in range(math.getNumChildren()):
        yield from names_in(math.getChild(number))


def _parts(tree: Expression) -> int:
    """The operators, names and numbers of a formula."""
    return 1 + sum(map(_parts, tree.args)) if isinstance(tree, Apply) else 1


def _has_time(math: Any) -> bool:
    """Whether the formula has the time, which no function may have."""
    return math.getType() == libsbml.AST_NAME_TIME or any(
        _has_time(math.getChild(number)) for number in range(math.getNumChildren())
    )
