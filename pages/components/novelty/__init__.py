"""Parts of the page Novelty."""
