"""Parts of the page Your input."""
