"""What the stand-in executables run. They start with `python -IS`: only the standard library at the top."""
