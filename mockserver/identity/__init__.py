"""The OAuth 2.0 token endpoint, and the OpenID Connect provider: what each of their endpoints answers."""
