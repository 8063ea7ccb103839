"""How right the car is in the picture, against renders of the same scene: ``python -m benchmarks.composition``.

Truth is made, not judged: a car whose colours and coverage are known is photographed before a studio backdrop by a
simulated camera, cut out with its true coverage, and set into a background. The same car set into the same background
from its true colours, in linear light and in double precision, is what the result is held against (CIEDE2000).

Read in this order: `assets`, `backdrops`, `backgrounds` (what is put together), `methods` (how), `measures` (what is
looked at), then one module a table: `colours`, `lights`, `shadows`, `horizons`, `delivered`, `inspection`, `speed`;
`report` holds the bars. `sheets` paints pictures to look at.
"""
