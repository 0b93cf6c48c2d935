"""The Lambda function that keeps an ALB's addresses registered with an NLB; ``index.py`` is all of it.

``shipped.txt`` is the same as a template carries it; `make tables` writes it.
"""
