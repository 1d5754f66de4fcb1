"""What several pages share: session, runs, query parameters, export, charts and pictures."""
