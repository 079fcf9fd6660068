"""Many members of a scenario: designs, sampling, virtual patients, workers. Storing them is in files/results/."""
