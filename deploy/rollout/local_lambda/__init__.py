"""AWS Lambda's API on loopback: real runtime processes, Lambda's limits and errors."""
