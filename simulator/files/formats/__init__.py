"""Foreign formats, one file or a few each. Our own TOML language is in toml/."""
