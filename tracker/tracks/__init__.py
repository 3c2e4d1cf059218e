"""The track: the landmarks of a whole recording, and their file."""
