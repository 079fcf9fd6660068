"""The model language as values: units, formulas, declarations and laws. No files, no arrays, no solver."""
