"""The numerical solution of a model: arrays in, arrays out. No biology, no files, no scenarios."""
