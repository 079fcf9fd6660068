"""COPASI on our SBML: a second simulator of another house, with other solvers and events of its own."""

from __future__ import annotations

import locale
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from immunesim.numerics.trajectory import Array

RTOL, ATOL, STEPS = 1e-9, 1e-12, 1_000_000


def needed() -> Any:
    """The module, or the test that asks for it is skipped: ``pip install python-copasi``."""
    before = locale.setlocale(locale.LC_ALL)
    found = pytest.importorskip("COPASI", reason="needs python-copasi")
    locale.setlocale(locale.LC_ALL, before)  # its import sets that of C, in which no other test could read UTF-8
    return found


def simulated(text: str, end: float, steps: int, values: Mapping[str, float] | None = None) -> dict[str, Array]:
    """Every species and parameter of the document at `steps` + 1 times from 0 to `end`, by name.

    values: parameters that are set before.
    """
    copasi = needed()
    data = copasi.CRootContainer.addDatamodel()
    try:
        assert data.importSBMLFromString(text), copasi.CCopasiMessage.getAllMessageText()
        _set(copasi, data.getModel(), values or {})
        task = data.getTask("Time-Course")
        assert task.setMethodType(copasi.CTaskEnum.Method_deterministic)
        problem, method = task.getProblem(), task.getMethod()
        problem.setStepNumber(steps)
        problem.setDuration(end)
        problem.setTimeSeriesRequested(True)
        problem.setOutputEvent(False)
        method.getParameter("Relative Tolerance").setDblValue(RTOL)
        method.getParameter("Absolute Tolerance").setDblValue(ATOL)
        method.getParameter("Max Internal Steps").setIntValue(STEPS)
        done = task.initialize(copasi.CCopasiTask.OUTPUT_UI) and task.process(True)
        assert done, copasi.CCopasiMessage.getAllMessageText()
        task.restore()
        series = task.getTimeSeries()
        return {
            series.getSBMLId(column, data) or series.getTitle(column): np.array(
                [series.getConcentrationData(row, column) for row in range(series.getRecordedSteps())]
            )
            for column in range(series.getNumVariables())
        }
    finally:
        copasi.CRootContainer.removeDatamodel(data)


def _set(copasi: Any, model: Any, values: Mapping[str, float]) -> None:
    changed = copasi.ObjectStdVector()
    for each in model.getModelValues():
        if each.getSBMLId() in values:
            each.setInitialValue(values[each.getSBMLId()])
            changed.append(each.getInitialValueReference())
    if values:
        assert len(changed) == len(values)
        model.updateInitialValues(changed)
