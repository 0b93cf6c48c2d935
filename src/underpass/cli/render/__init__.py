"""What commands print: data for machines, tables and progress for people."""
