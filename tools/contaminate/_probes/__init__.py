"""Probes of a model: was it trained on these items? Questions and scores in `generated` and `scored`, tests in `weighed`."""
