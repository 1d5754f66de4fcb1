"""What pages share: the service, the form, the live view, charts and pictures."""
