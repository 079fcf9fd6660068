"""Figures of runs, explanations and models, made with matplotlib. Sentences about them are in views/text."""
