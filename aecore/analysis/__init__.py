"""Measures of images, codes and neighbourhoods; NumPy and scikit-learn only."""
