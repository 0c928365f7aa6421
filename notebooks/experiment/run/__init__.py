"""A plan carried out: fan-outs wave by wave, grids, and the machine's load."""
