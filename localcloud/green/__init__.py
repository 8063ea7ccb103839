"""Content Moderation on one machine."""
