"""Templates to running stacks, through boto3 alone: the pipeline, and looking at what it made."""
