"""Run folders, the block store of a sweep, and their tables on disk; figures and reports are in views/."""
