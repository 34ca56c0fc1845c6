"""The built-in engine: event selection, light curves, flare cleaning and images as pure numpy functions; no files, no threads."""
