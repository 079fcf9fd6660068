"""The toy model and a scenario on it: one drug that is given, spreads in a volume and decays."""

from __future__ import annotations

from pathlib import Path

TOY_MODEL = Path(__file__).parent / "files" / "toy_model.toml"

# what the toy model says, again, for the exact answers in the tests
K_CLEAR = 0.5  # 1/h
VOLUME = 4.0  # L
WEIGHT = 80.0  # kg
SURFACE = 2.0  # m2
PG_PER_PMOL = 20_000.0  # 20 kDa
PG_PER_IU = 50.0

SCENARIO = """\
schema = 1
title = "A toy question"
question = "How much of the drug is left?"
model = "toy_model.toml"

[time]
end = "48 h"
every = "1 h"

[parameters]
k_clear = "0.25 1/h"

[[dose]]
name = "push"
target = "drug"
amount = "400 pmol"
at = "2 h"
every = "12 h"
count = 3

[[dose]]
name = "drip"
target = "drug"
amount = "2 IU/kg"
at = "6 h"
over = "3 h"

[[change]]
while = ["20 h", "30 h"]
parameters = { k_clear = "0.5 1/h" }

[arms.untreated]
without = ["push", "drip"]

[arms.half]
dose.push.amount = "200 pmol"
initial.drug = "1 pM"

[show]
plots = [["drug"], ["cells"]]

[[expect]]
that = "the drug peaks after a dose"
measure = "max(drug)"
between = [50, 500]
unit = "pM"
source = "Toy2020, p. 1"
"""

CHAOS_MODEL = Path(__file__).parent / "files" / "chaos_model.toml"

# Lorenz's equations: rounding grows by e in an hour, so that no digit is left after 60 h; with rho < 1 they settle
CHAOS = """\
title = "Chaos"
model = "chaos_model.toml"

[time]
end = "60 h"
every = "1 h"

[arms.calm]
parameters.rho = 0.5

[show]
plots = [["x"]]

[[expect]]
that = "the first state is above zero once"
measure = "max(x)"
above = 0
unit = "1"
source = "Toy2020"

[[expect]]
that = "the calm arm settles"
measure = "max(x, '50 h', '60 h', arm='calm')"
below = 0.1
unit = "1"
source = "Toy2020"
"""

# It falls to 2e-36 once it is cleared, and grows back
PATHOGEN = """\
title = "A pathogen and the cells that clear it"
time_unit = "d"
[species]
P = { label = "pathogen", unit = "PFU/mL", initial = 1, scale = 1 }
E = { label = "effector cells", unit = "cells/uL", initial = 0.01, scale = 1 }
[parameters]
r = { label = "r", value = 1, unit = "1/d", source = "assumed", status = "assumed: an example" }
k = { label = "k", value = 0.01, unit = "uL/cells/d", source = "assumed", status = "assumed: an example" }
a = { label = "a", value = 0.0003, unit = "mL/PFU/d", source = "assumed", status = "assumed: an example" }
d = { label = "d", value = 0.1, unit = "1/d", source = "assumed", status = "assumed: an example" }
[reactions]
grow = { equation = "-> P", rate = "r*P", source = "assumed" }
kill = { equation = "P ->", rate = "k*P*E", source = "assumed" }
activate = { equation = "-> E", rate = "a*P*E", source = "assumed" }
die = { equation = "E ->", rate = "d*E", source = "assumed" }
"""
