"""Many variants of a scenario: designs, sampling, virtual patients, workers. They are stored by files/results/."""
