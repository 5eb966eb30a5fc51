"""The heart: planning, limiting, applying and proving billing changes. Knows no Dagster and no HTTP."""
