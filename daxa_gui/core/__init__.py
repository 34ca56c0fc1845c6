"""The nouns of the program: plain values, no input or output, no threads, only the standard library and numpy."""
