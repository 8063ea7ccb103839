"""`tripcanvas backfill`: trips of the past, from files, through the same functions as live ones."""
