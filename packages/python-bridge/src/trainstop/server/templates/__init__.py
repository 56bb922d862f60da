"""What the operator allows to be started: argv lists with checked parameters, never a shell."""
