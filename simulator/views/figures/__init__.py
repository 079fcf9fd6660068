"""Pictures of runs and sweeps; the only rooms that import matplotlib."""
