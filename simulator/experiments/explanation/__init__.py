"""Why a curve does what it does: its balance, phases, turning points, feedback loops, and another arm for comparison.

Nothing here writes sentences or draws: words are in views/text/, figures in views/figures/.
"""
