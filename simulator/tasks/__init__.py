"""A file for each question a user can ask: reads, computes and writes by calling the rooms below; prints nothing."""
