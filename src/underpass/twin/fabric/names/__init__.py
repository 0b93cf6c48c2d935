"""What names mean in the region: records by source, private hosted zones, and each VPC's resolver."""
