"""How a model is computed: arrays in, arrays out. It knows no biology, reads no file, and asks no question."""
