"""The questions that can be asked of a model: pure functions of a `Scenario`, such as run, judge, compare, influence.

Nothing here reads or writes a file, prints or draws: see files/, views/ and tasks/.
"""
