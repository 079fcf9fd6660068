"""Errors, names, versions, progress, interrupts and worker processes, for every room; imports nothing else of ours."""
