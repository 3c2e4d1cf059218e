"""The track: the landmarks of the face in a whole recording, and the file that holds them."""
