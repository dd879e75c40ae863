"""A webhook may go where a scenario file says, and nowhere that a request chooses."""

import pytest

from mockserver.outbound.scenario_hosts import literal_host

VARS = {
    "callback": "http://app:8000/hooks",
    "host": "app",
    "port": 8000,
    "base": "http://app",
    "list": ["a", "b"],
}


@pytest.mark.parametrize(
    ("source", "host"),
    [
        ("http://app:8000/hooks", "app"),
        ("https://APP./", "app"),
        ("http://2130706433/", "127.0.0.1"),
        ("http://[::ffff:127.0.0.1]/", "127.0.0.1"),
        ("http://[::1]:8/", "::1"),
        ("{{ vars.callback }}", "app"),
        ("{{ vars.callback }}\n", "app"),
        ("{{ vars.callback }}/orders/{{ let.id }}", "app"),
        ("http://{{ vars.host }}:{{ vars.port }}/x?y={{ request.query.y }}", "app"),
        ("http://{{ vars.host | upper }}.example/", "app.example"),
        ("http://app/{{ request.path }}/{{ uuid() }}", "app"),
        ("http://app/{% if request.json.x %}a{% else %}b{% endif %}", "app"),
        ("http://app?to={{ request.path }}", "app"),
        ("{% if vars.port == 8000 %}http://app/{% else %}http://other/{% endif %}{{ let.id }}", "app"),
        ("http://app/{# {{ #}{{ let.id }}", "app"),
    ],
)
def test_the_host_that_the_file_decides(source, host):
    assert literal_host(source, VARS) == host


@pytest.mark.parametrize(
    "source",
    [
        "{{ request.json.callback }}",
        "http://{{ request.headers.host }}/",
        "http://app{{ request.path }}",  # '.evil.example/', '@evil/' or ':1@evil/' could follow
        "http://app:80{{ let.id }}/",
        "{{ vars.base }}{{ let.id }}",
        "{{ vars.base }}.{{ request.json.domain }}/x",
        "http://{{ uuid() }}/",
        "http://{{ vars.list | random }}/",
        "http://{{ random_int(1, 2) }}/",
        "http://{{ vars.list | join | upper }}{{ random_string(3) }}/",
        "http://{{ now.year }}/",
        "http://{{ request.json.host | default('app') }}/",
        "{% if request.json.x %}http://app/{% else %}http://evil/{% endif %}",
        "{% set h = request.json.h %}http://{{ h }}/",
        "http://{{ vars.missing }}/",
        "http://me:pw@app/",
        "http://[::1]@/",
        "ftp://app/",
        "/hooks",
        "{{ vars.callback",
        "{{ 'http://app/' if request.json.x else 'http://evil/' }}",
        "",
    ],
)
def test_no_host_where_anything_else_decides(source):
    assert literal_host(source, VARS) is None
