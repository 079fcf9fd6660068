"""Many members of a scenario: designs, sampling, populations, workers. Storing them is in files/results/."""
