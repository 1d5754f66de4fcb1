"""Replaying a run from its snapshots."""
