"""Pictures: decoded, inspected, labelled, and encoded for the feed."""
