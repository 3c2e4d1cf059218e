"""Find the landmarks of one person's face in each frame, and judge the quality of the images."""
