"""ComfyUI on PAI-EAS: the services' JSON from one settings file, its checks, and the difference to what runs.

- `secrecy`: what must not be shown
- `settings`: ``workflows/eas/settings.toml``, read and checked
- `service`: settings to service JSON
- `inspection`: what is wrong with a service JSON, ours or another
- `plan`: the difference between what is wanted and what runs
- `control_plane`: what runs, by the official SDK; reads only
- `requirements`: what the workflows need: GPU memory, model files
- `costs`: what waiting and idling cost
- `commands`: `tripcanvas eas …`
"""
