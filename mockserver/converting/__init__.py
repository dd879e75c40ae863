"""`mockserver import` and `mockserver export`: other tools' files to scenarios, and scenarios to theirs."""
