"""The command line; `python -m aecore`."""
