"""A file or stream to frames with times: decoding, containers, times, stills."""
