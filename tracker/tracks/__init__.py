"""The landmarks of a whole recording, and their file."""
