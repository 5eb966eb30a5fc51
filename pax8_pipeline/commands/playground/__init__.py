"""Commands around the built-in sandbox and the UI: demo, dev, sandbox."""
