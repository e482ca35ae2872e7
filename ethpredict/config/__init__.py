"""From YAML text to checked settings: environment, templates, schema, axes."""
