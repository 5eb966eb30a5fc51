"""`pax8-pipeline mapping`: suggest, accept, check and review what belongs together."""
