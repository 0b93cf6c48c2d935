"""The VPC: made or there already, its ways out, the endpoints of AWS's services, and its flow logs."""
