"""The doors: text in; tables and pictures out."""
