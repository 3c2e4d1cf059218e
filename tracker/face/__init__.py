"""From frames to the landmarks of one person's face, and how well the images show it."""
