"""The papers' inequalities, one paper per module, and ours: as stated, unclipped.

Two-sided bounds are named pairs ``(lower, upper)``.
"""

from collapse.bounds import bertrand, ours, seddik, suresh

__all__ = ["bertrand", "ours", "seddik", "suresh"]
