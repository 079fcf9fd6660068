"""A model as values: units, formulas, declarations and rate laws. No files, no arrays, no solver."""
