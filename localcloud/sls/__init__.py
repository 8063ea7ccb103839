"""Simple Log Service, as far as provisioning sees it. See `localcloud.sls.app`."""
