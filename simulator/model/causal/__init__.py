"""Who raises and lowers whom, proved from rate laws. Gains along a run are in experiments/explanation/."""
