"""The NLB and PrivateLink: flows translated in the kernel."""
