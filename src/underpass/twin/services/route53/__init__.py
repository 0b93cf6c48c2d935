"""Amazon Route 53: private hosted zones, and each VPC's resolver."""
