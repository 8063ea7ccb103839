"""The community feed: receives signed posts and shows them, in place of the car maker's own site."""
