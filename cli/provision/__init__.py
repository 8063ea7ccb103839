"""`tripcanvas provision`: what the functions stand on, in an account or in the embedded cloud."""
