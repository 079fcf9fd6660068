"""The model and scenario language: TOML text to checked values, with all faults at once, and back to text."""
