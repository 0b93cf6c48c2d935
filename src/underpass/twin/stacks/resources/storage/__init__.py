"""What holds data: databases, files, buckets, images."""
