"""The training server: `store ← jobs ← supervision ← routes ← app`; each room imports only those before it."""
