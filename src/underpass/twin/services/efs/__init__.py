"""Amazon EFS: a folder for each file system, mounted where a mount target is reached."""
