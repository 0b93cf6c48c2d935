"""The fabric: VPCs, interfaces, security groups, gateways and DNS, as Linux namespaces and nftables."""
