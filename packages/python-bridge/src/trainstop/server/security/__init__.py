"""Who may speak to the server: token, host names, origins. Checked on every route, streams too."""
