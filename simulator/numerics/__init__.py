"""How it is computed: arrays in, arrays out; knows no biology and reads no file."""
