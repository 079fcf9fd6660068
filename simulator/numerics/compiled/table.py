"""What a machine is given and gives back: the order of a table of whole numbers and addresses."""

from __future__ import annotations

RUNNING, DONE, BROKEN, BELOW_ZERO, STUCK, FULL = range(6)
IDLE = -1  # a lane without a member

TABLE = (
    "workspace",
    "todo",  # (count,) members, whole numbers
    "count",
    "rounds",  # steps of the group before it comes back, its members unfinished
    "tries",  # most steps of one member, refused ones included
    "segments",
    "states",  # (members, species)
    "clocks",  # (members, 3) t, h, h_first
    "counts",  # (members, COLUMNS) whole numbers
    "ends",  # (members, segments)
    "jumped",  # (jumps,) places of species that are dosed, whole numbers
    "jumps",  # how many
    "jump",  # (members, segments, jumps)
    "infusion",  # (members, segments, infused)
    "sets",  # (segments,) which set of parameters holds, whole numbers
    "parameters",  # (sets, members, parameters)
    "members",
    "times",  # (n_times,)
    "n_times",
    "grid",  # (members, n_times, curves)
    "capacity",
    "dense_curves",  # (members, capacity, 1 + curves): the time, then the curves
)
CLOCKS = ("t", "h", "h_first")
COLUMNS = ("segment", "first", "rejected", "time", "point", "tries", "steps", "state")
NUMBERS = ("count", "rounds", "tries", "segments", "jumps", "members", "n_times", "capacity")  # the rest are addresses
