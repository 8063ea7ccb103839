"""One module per service of the cloud. They act and decide nothing; their errors are those of `shared.errors`."""
