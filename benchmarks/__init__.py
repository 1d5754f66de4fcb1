"""Speed beside the peers, measured in one run on one machine. Figures are ratios; seconds only illustrate them."""
