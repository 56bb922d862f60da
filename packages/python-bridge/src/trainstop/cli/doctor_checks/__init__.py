"""What `trainstop doctor` looks at: one small function a check, each with its sentence."""
