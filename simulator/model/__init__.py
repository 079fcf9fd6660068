"""What can be said: the words of the science, checked when they are made."""
