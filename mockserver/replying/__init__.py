"""What a route answers: sequences, templates, delays, faults."""
