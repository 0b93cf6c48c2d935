"""Amazon EC2's networks: VPCs, interfaces, security groups, gateways, as namespaces and nftables."""
