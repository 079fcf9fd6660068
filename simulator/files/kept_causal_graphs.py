"""Causal graphs that were proved before: that takes longer than all else in `describe`."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

from ..model.causal.graph import CausalGraph, causal_graph
from ..model.model import Model
from ..runtime import kept

_PROVER = Path(__file__).parents[1] / "model"  # the code that the graph depends on


def kept_causal_graph(model: Model) -> CausalGraph:
    """The causal graph of `model`, as it was kept if it was proved before."""
    content = pickle.dumps(model, protocol=pickle.HIGHEST_PROTOCOL)
    key = hashlib.sha256(content + kept.fingerprint(_PROVER).encode()).hexdigest()
    data = kept.read(key)
    if data is not None:
        found: CausalGraph = pickle.loads(data)  # of a file that this user alone can write
        return found
    found = causal_graph(model)
    kept.write(key, pickle.dumps(found, protocol=pickle.HIGHEST_PROTOCOL))
    return found
