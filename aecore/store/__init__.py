"""Runs on disk: a database of what happened, and a folder of files."""
