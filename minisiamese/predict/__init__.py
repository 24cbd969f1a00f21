"""Pictures of characters, compared by a trained network; imported by no other room."""

from minisiamese.predict.matcher import Matcher

__all__ = ["Matcher"]
