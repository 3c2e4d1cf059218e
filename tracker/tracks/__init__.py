"""Make, save and join tracks: a track is the landmarks of the face in a whole recording."""
