"""The simulator from Python: a function for each task, and results that show themselves. Nothing is computed here."""
