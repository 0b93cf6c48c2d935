"""The Lambda function that keeps an ALB's addresses registered with an NLB; ``index.py`` is all of it."""
