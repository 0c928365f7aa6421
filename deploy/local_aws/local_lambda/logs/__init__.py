"""The output of functions: kept for each environment, shipped to CloudWatch Logs."""
