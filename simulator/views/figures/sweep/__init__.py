"""Figures of sweeps, a kind a file. Figures of single runs are one folder up."""
