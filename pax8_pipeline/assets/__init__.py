"""The Dagster assets, thin: each calls one thing of loading, warehouse or billing and shows what came out."""
