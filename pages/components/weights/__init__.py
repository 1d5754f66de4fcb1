"""Parts of the page Weights."""
