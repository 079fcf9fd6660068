"""Everything that is read from or written to disk. No sentences about results, no figures, no simulation."""
