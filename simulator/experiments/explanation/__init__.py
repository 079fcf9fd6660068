"""Why a curve does what it does: balance, phases, contrast, feedback. Words for it are in views/text/."""
