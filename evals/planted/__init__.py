"""Datasets whose truth is known, made from a seed, and how to score what a run found in them."""

from __future__ import annotations

from .chat import PlantedChat, generate
from .scoring import KINDS, Expected, KindScore, Outcome, score
from .truth import DECOYS, Cluster, Truth

__all__ = [
    "DECOYS",
    "KINDS",
    "Cluster",
    "Expected",
    "KindScore",
    "Outcome",
    "PlantedChat",
    "Truth",
    "generate",
    "score",
]
