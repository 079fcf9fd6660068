"""Draws the README's picture: python tests/readme_picture.py, after the numbers have moved."""

from __future__ import annotations

from pathlib import Path

from simulator import read_scenario, run
from simulator.io import plots

SCENARIOS = Path(__file__).resolve().parents[1] / "scenarios"
NAMES, ARMS = ("IL2_plasma", "blood_pressure", "tumour"), ("main", "half_dose", "untreated")


def main() -> None:
    scenario = read_scenario(SCENARIOS / "il2_therapy.toml")
    results = run(scenario, certify=False, arms=ARMS).arms.values()
    curves = [plots.Curve(plots.arm_label(result.arm), result.trajectory) for result in results]
    figure = plots.draw_group(scenario, NAMES, curves, [result.arm for result in results])
    figure.savefig(SCENARIOS / "il2_therapy.png", dpi=110, metadata={"Title": scenario.title})


if __name__ == "__main__":
    main()
