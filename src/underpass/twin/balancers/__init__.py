"""Load balancers that carry packets: NLB and PrivateLink as kernel flows, ALB as Envoy, and their health."""
