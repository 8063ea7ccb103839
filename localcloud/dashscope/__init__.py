"""The DashScope service of the embedded cloud."""
