"""Scatter plots in the browser: Python on this side, ES modules in `assets/` on the other."""
