"""Parts of the page Train: the form, and a run as it goes on."""
