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

# a module, and a model that uses it twice
CLONE = """\
title = "A clone: cells that divide on their antigen"
limitations = "Not modelled: death"

[species.cells]
label = "cells of the clone"
unit = "cells/uL"
initial = "cells_start"
scale = 1

[parameters]
cells_start = { label = "cells at first", value = 2, unit = "cells/uL", source = "assumed", status = "assumed: toy" }
fastest = { label = "fastest division", value = 3, unit = "1/d", source = "assumed", status = "assumed: toy" }
K = { label = "antigen for half of it", value = 4, unit = "ng/mL", source = "assumed", status = "assumed: toy" }
used = { label = "factor per cell", value = 0.5, unit = "pM*uL/cells", source = "assumed", status = "assumed: toy" }

[reactions]
division = { label = "cells divide", equation = "cells -> 2 cells", rate = "division_rate * cells", source = "assumed" }
feeding = { label = "cells use it", equation = "factor ->", rate = "used * division_rate * cells", source = "assumed" }
antigen_fades = { label = "antigen decays", equation = "antigen ->", rate = "fastest * antigen", source = "assumed" }

[observables]
fed = { label = "share that the factor permits", unit = "1", value = "saturation(factor, factor_half)" }
division_rate = { label = "rate of division", unit = "1/d", value = "fastest * fed * saturation(antigen, K)" }
all_cells = { label = "cells of all clones", unit = "cells/uL", value = "cells", sum = true }

[interventions]
cells = { label = "the clone", dose = { vein = "cells" } }
start = { label = "its start", knockout = { cells_start = 0 } }
"""
TWO_CLONES = """\
title = "Two clones"
time_unit = "d"
modules = [
  "clone",
  { use = "clone", as = "tumour", rename = { antigen = "shed", cells_start = "cells_start_tumour" } },
]

[species]
antigen = { label = "antigen", unit = "ng/mL", initial = 8, scale = 1 }
shed = { label = "antigen of the tumour", unit = "ng/mL", initial = 0, scale = 1 }
factor = { label = "growth factor", unit = "pM", initial = 100, scale = 1 }

[parameters]
factor_half = { label = "factor for half", value = 10, unit = "pM", source = "assumed", status = "assumed: toy" }
"""

# Observables that have no value somewhere: 0/0 at the start, and a pole at 2 h
RATIO_MODEL = """
title = "Two stores, and what becomes of their ratio"
time_unit = "h"
[species]
A = { label = "a", unit = "mg", initial = 0, scale = 1 }
B = { label = "b", unit = "mg", initial = 0, scale = 1 }
[parameters]
k = { label = "k", value = 1, unit = "mg/h", source = "assumed", status = "assumed: an example" }
T = { label = "T", value = 2, unit = "h", source = "assumed", status = "assumed: an example" }
[reactions]
one = { equation = "-> A", rate = "k", source = "assumed" }
two = { equation = "-> B", rate = "2*k", source = "assumed" }
[observables]
ratio = { label = "ratio", unit = "1", value = "A/B" }
pole = { label = "pole", unit = "mg/h", value = "k*T/max(T - time, time - time)" }
sound = { label = "sound", unit = "mg", value = "A + B" }
"""

FAILING_MODEL = """
title = "A store whose rate is a root that ends where x reaches its limit"
time_unit = "d"
[species]
x = { label = "x", unit = "mg", initial = 0, scale = 1 }
y = { label = "y", unit = "mg", initial = 0, scale = 1 }
[parameters]
k = { label = "k", value = 1, unit = "mg/d", source = "assumed", status = "assumed: an example" }
r = { label = "r", value = 0.5, unit = "1/d", source = "assumed", status = "assumed: an example" }
limit = { label = "limit of x", value = 1e6, unit = "mg", source = "assumed", status = "assumed: an example" }
[reactions]
grow = { equation = "-> x", rate = "k", source = "assumed" }
fill = { equation = "-> y", rate = "k * sqrt(1 - x / limit)", source = "assumed" }
loss = { equation = "y ->", rate = "r * y", source = "assumed" }
"""

FAILING = """
schema = 1
title = "Of three arms only the first reaches its end"
model = "model.toml"
[time]
end = "10 d"
every = "1 d"
[[dose]]
name = "push"
target = "y"
amount = "1 mg"
at = "1 d"
every = "3 d"
count = 3
[arms.half]
parameters.limit = "5 mg"
[arms.start]
parameters.limit = "0 mg"
[show]
plots = [["y"]]
"""
