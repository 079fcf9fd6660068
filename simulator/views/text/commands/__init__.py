"""What each command prints, one file per command. What several of them or reports share is one folder up."""
