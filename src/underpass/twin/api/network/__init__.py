"""What EC2 records of networks and instances, where moto has it otherwise."""
