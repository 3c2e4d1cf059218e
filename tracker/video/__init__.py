"""From a video file or stream to frames with times, and from an image file to pixels."""
