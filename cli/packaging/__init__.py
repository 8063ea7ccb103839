"""`tripcanvas package`: what is deployed, built from lock files, the same bytes each time.

A package holds the modules that its entries can reach, the files those read, and the distributions they import with
all that these need; nothing else of the project and nothing of the machine that builds it.
"""
