"""Car assets: bringing designers' cut-outs in, and judging the packs that are there."""
