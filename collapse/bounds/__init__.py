"""The papers' inequalities, one paper per module, and ours: as stated, unclipped."""

from collapse.bounds import bertrand, ours, suresh

__all__ = ["bertrand", "ours", "suresh"]
