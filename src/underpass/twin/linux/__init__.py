"""What is asked of Linux: namespaces, devices, nftables, connection tracking, and the sandbox."""
