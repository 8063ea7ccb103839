"""Object Storage Service, as far as `oss2` and plain HTTP clients see it. See `localcloud.oss.app`."""
