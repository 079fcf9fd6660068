"""Sentences and tables for terminals and pages. No drawing, no HTML pages, no files."""
