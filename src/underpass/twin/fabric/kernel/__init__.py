"""The fabric's hands: namespaces, devices, routes and nftables, by system call and netlink alone."""
