"""What the stand-in executables run. They start with `python -IS`, so this imports nothing beyond the standard library at the top."""
