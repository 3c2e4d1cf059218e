"""Find the recorded person's face in each frame: landmarks, eye pictures, picture quality."""
