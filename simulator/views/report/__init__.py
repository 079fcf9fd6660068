"""HTML pages: the report of one run and the gallery of many. Each is one file that needs no other and no network.

uPlot (assets/uPlot.*) draws the interactive charts; it is included in the page with its licence.
"""
