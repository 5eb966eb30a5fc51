"""Reading Halo and the few writes the pipeline is allowed."""
