"""What pages ask about runs that have learnt something; reached through the service, free of TensorFlow."""
