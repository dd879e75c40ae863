"""An issue, by PyGithub with its default retries, ten of them."""

import logging
import os
import sys

from github import Auth, Github

logging.getLogger("github").setLevel(logging.ERROR)
hub = Github(
    base_url=os.environ["EXTERNAL_API_URL"] + "/github",
    auth=Auth.Token("ghp_gallery"),
    timeout=1,
    lazy=True,
    seconds_between_requests=None,
    seconds_between_writes=None,
)

try:
    issue = hub.get_repo("shop/orders").create_issue(title="Order 7 is late")
    if issue.number < 1:
        raise ValueError(f"no number: {issue}")
except Exception as error:
    sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
