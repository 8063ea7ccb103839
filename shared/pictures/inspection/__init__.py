"""The gate: what is measured on a rendered picture before it may go on.

`whole` looks at any picture, `car` at one that was composed here and has an expected composite, `variants` at the files
that are made of it; `limits` holds every bound. `overlay` draws what failed.
"""
