"""Figures of sweeps, one kind per file. Figures of single runs are one folder up."""
