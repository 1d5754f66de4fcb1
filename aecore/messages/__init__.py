"""What processes say to each other: events of a training, jobs and requests for a worker, and the channel."""
