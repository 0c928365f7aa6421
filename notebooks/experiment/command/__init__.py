"""`python -m experiment`: arguments read, notebooks run, `make aws-check`."""
