"""What is read from and written to disk. No sentences about results, no pictures."""
