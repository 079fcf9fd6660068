"""Reads the model and scenario language, TOML text to checked values and back, and CSV files of members. No results."""
