"""`pax8-pipeline init`: from credentials to a data folder that a first run can use."""
