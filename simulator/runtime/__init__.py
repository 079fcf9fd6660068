"""Progress, interrupts and processes: what every room may use and nothing of biology or numerics."""
