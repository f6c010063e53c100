"""What curated data are worth to a learner: a small fixed learner, and pools whose faults are known."""
