"""A run as one page that explains itself, and the gallery of many: HTML that needs no other file and no network.

uPlot (assets/uPlot.*) draws the curves that a reader can touch; it is inlined with its licence.
"""
