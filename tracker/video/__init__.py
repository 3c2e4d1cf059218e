"""Read the frames of a video file or stream with their times, and the pixels of an image file."""
