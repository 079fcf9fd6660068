"""Numbers, sentences and tables for terminals, figures and reports. No drawing, no HTML pages, no files."""
