"""Models that answer over the OpenAI protocol, or offline: how they are named, asked, limited, paid and recorded."""
