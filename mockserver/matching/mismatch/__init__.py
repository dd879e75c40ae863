"""Why a request was not matched: the nearest routes, differences and hints."""
