"""What a running region is made of besides its services: its clock, its feed of changes, its own calls."""
