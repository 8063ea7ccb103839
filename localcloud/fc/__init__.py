"""Function Compute on one machine: deploys `s.yaml`, and runs every function instance as its own process.

Faithful: the invocation APIs of FC 3.0 and 2.0 with their signatures, the event bytes, handler resolution of the
declared runtime, search path, environment and context, import at the first request, one request at a time, the freeze
between requests, timeouts, lifecycle hooks, error bodies, logs, reserved concurrency, retries, event age, task ids,
destinations (SMQ and functions), timers and topic subscriptions.

Not here:

* limits of memory, CPU and disk; `memorySize` and `cpu` are checked and passed on only;
* the runtime's own interpreter and bundled modules: code runs on the emulator's Python, with its installed packages;
* temporary credentials: functions get the cloud's own key pair, and no security token;
* layers by ARN (what is put into ``<state>/fc/opt/python`` is searched like one), versions and aliases other than
  LATEST, HTTP and OSS triggers, EventBridge, the control plane;
* time itself: pauses before retries are shorter by ``TRIPCANVAS_LOCAL_TIME_SCALE``.
"""
