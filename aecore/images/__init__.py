"""A visitor's picture becomes a digit that looks like those of MNIST."""
