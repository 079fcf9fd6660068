"""What a page needs to simulate a scenario by itself: its sliders, and everything that its engine is told."""
