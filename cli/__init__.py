"""The `tripcanvas` command."""
