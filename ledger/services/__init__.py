"""Every business write of the bottom app: developers, API keys, companies, settings and periods."""
