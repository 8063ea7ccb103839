"""The functions' work as long-running processes, for containers (ACS, ACK) and ECS.

``python -m processes relay|trips|results|sweep``: the same steps from `shared`, fed by queues instead of triggers. One
keeper, and under it workers that take one message at a time each: the SDK of SMQ is not safe to share among threads,
and a worker that hangs can be ended without the others.
"""
