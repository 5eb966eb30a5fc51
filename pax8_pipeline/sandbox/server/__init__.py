"""The sandbox as an HTTP server, with /control for tests."""
