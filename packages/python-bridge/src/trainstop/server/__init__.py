"""The training server: `store ← jobs ← supervision ← routes ← app`; each imports only those before it."""
