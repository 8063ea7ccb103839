"""Simple Message Queue (formerly MNS), as far as the `mns` SDK sees it. See `localcloud.mns.app`."""
