"""The larger sections of policy.yaml, one module each. The file as a whole is in `settings.policy`."""
