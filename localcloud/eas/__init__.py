"""Stands in for PAI-EAS: the queue sub-service of one asynchronous service, an input queue and an output queue (sink).

It speaks the wire protocol of the official queue clients (`eas_prediction`'s `QueueClient`, the Go and Java SDKs): HTTP
with protobuf or JSON bodies, watches over WebSocket or a length-delimited HTTP stream. Unlike the real service, whose
queues live in memory, it keeps its records over a restart; `POST /-/restart-queues` shows what the real one would do.

Of the control plane it has what describing, creating and changing services needs, and it starts nothing. It does not
stand in for the gateway in front of EAS (rate limits, 429, idle limits) or for synchronous inference.

- `queue`: what a queue does, without I/O
- `codec`: the bodies on the wire
- `settings`: the service's knobs
- `store`: the records on disk
- `app`: HTTP and WebSocket
- `control`: the control plane
- `framework`: the part of EAS that runs beside the container and feeds it from the input queue
"""
