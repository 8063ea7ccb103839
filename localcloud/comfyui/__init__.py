"""ComfyUI on EAS, on one machine: takes graphs from the input queue, paints, puts files into OSS, answers the sink.

It takes the place of two things of the real service: EAS's framework beside the container, and the container of the
ComfyUI image's API edition. Graphs run in a small built-in runner (`runner`) that loads the real custom nodes and
knows a handful of core nodes, without torch; or, with ``COMFYUI_URL``, in a real ComfyUI server.
"""
