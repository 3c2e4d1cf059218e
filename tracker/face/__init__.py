"""A frame to the landmarks of one person's face, and how well the picture shows the eyes."""
