"""What can be wrong with a deployment before it is made: each check finds one kind of mistake in the files."""
