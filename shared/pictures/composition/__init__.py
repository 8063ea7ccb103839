"""The car in the picture: arithmetic alone, shared by the ComfyUI nodes and by the functions' inspection.

Read in this order: `manifest` and `packs` (what a car asset is), `light` (what a pixel is), `place`, `ground`,
`harmonise` (one step each), `composite` (all steps in one call). Needs numpy and OpenCV; imports nothing from outside.
"""
