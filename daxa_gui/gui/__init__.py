"""The window. The only room that knows Qt; it imports `session` and `core`, nothing else of ours, and computes nothing."""
