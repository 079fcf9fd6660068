"""Errors, names, versions, progress, interrupts and worker processes, for every folder; imports no other folder."""
