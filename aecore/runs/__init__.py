"""Runs: started, steered, followed, read back and asked; and the data that they learn."""
