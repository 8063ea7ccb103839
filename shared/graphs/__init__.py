"""ComfyUI graphs: what nodes take, and whether a graph fits them."""
