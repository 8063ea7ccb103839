"""ComfyUI on PAI-EAS: the services' JSON from one settings file, its checks, and the difference to what runs.

- `settings`: ``workflows/eas/settings.toml``, read and checked
- `service`: settings to service JSON
- `inspection`: what is wrong with a service JSON, ours or another
- `plan`: the difference between what is wanted and what runs
- `control_plane`: what runs, by the official SDK; reads only
- `costs`: what waiting and idling cost
- `commands`: `tripcanvas eas …`
"""
