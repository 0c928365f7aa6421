"""What functions write: kept for each environment, and shipped to CloudWatch Logs."""
