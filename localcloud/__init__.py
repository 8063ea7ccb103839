"""Alibaba Cloud on one machine, speaking the real wire protocols. Stands in for the cloud; measures nothing of it."""
