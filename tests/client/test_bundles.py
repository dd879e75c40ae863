"""Which files go along with a scenario file that is sent to a server."""

import base64

import pytest

from mockserver.client.bundles import read_scenario


@pytest.fixture
def folder(tmp_path):
    for name in ("body.json", "schemas/charge.json", "unnamed.txt", "seed.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_every_file_that_a_text_names_goes_along_and_no_other(folder):
    (folder / "pay.yaml").write_text(
        "routes:\n"
        "- {request: POST /x, match: {schema: schemas/charge.json}, reply: {file: &f body.json}}\n"
        "- {request: POST /y, reply: {file: *f}}\n"
        "resources: [{path: /i, seed: ./seed.csv}]\n"
    )
    found = read_scenario(folder / "pay.yaml")
    assert found.name == "pay"
    assert set(found.document["files"]) == {"body.json", "schemas/charge.json", "./seed.csv"}
    assert base64.b64decode(found.document["files"]["body.json"]) == b"body.json"


@pytest.mark.parametrize(
    "name", ["../secret.txt", "/etc/hostname", "pay.yaml", ".", "", "{{ x }}", "a\nb", "x" * 5000]
)
def test_nothing_outside_its_folder_goes_along(folder, name):
    (folder.parent / "secret.txt").write_text("secret")
    (folder / "pay.yaml").write_text(f"routes: [{{request: GET /x, reply: {{file: {name!r}}}}}]")
    assert read_scenario(folder / "pay.yaml").document["files"] == {}


def test_a_link_out_of_the_folder_is_not_followed(folder):
    (folder.parent / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    (folder / "pay.yaml").write_text("routes: [{request: GET /x, reply: {file: link.txt}}]")
    assert read_scenario(folder / "pay.yaml").document["files"] == {}


@pytest.mark.parametrize(
    ("file", "text", "name"),
    [
        ("pay.yaml", "scenario: payments\nroutes: []", "payments"),
        ("pay.yml", "routes: []", "pay"),
        ("pay.scenario.json", '{"routes": []}', "pay"),
        ("pay.json", '{"scenario": "payments", "routes": []}', "payments"),
        ("pay.yaml", "x-a: {scenario: inner}\nroutes: []", "pay"),
        ("pay.yaml", "scenario: [no, name]", "pay"),
        ("pay.yaml", "- scenario: a", "pay"),
        ("pay.yaml", "", "pay"),
        ("pay.yaml", "{{{ broken", "pay"),
    ],
)
def test_its_name_is_written_or_its_stem(tmp_path, file, text, name):
    (tmp_path / file).write_text(text)
    found = read_scenario(tmp_path / file)
    assert found.name == name
    assert found.document["yaml"] == text


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.yaml"):
        read_scenario(tmp_path / "nothing.yaml")


def test_what_a_document_refers_to_goes_with_it(tmp_path):
    (tmp_path / "api" / "parts").mkdir(parents=True)
    (tmp_path / "shop.yaml").write_text("openapi: api/spec.yaml\nroutes: []\n")
    (tmp_path / "api" / "spec.yaml").write_text(
        "a: {$ref: './parts/a%20b.json#/A'}\nb:\n  $ref: \"#/c\"\nd: {$ref: https://x.example/e.json}\n"
    )
    (tmp_path / "api" / "parts" / "a b.json").write_text(
        '{"A": {"$ref": "../f.yml"}, "B": {"$ref": "../../../../etc/passwd"}}'
    )
    (tmp_path / "api" / "f.yml").write_text("type: string")

    sent = read_scenario(tmp_path / "shop.yaml")

    assert set(sent.document["files"]) == {"api/spec.yaml", "api/parts/a b.json", "api/f.yml"}


def test_what_an_xml_schema_includes_goes_with_it(tmp_path):
    (tmp_path / "types").mkdir()
    (tmp_path / "shop.yaml").write_text("""
routes:
  - {request: POST /a, match: {xml_schema: types/order.xsd}, reply: 204}
  - request: POST /b
    match:
      xml_schema: |
        <xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:include schemaLocation="inline.xsd"/></xs:schema>
    reply: 204
""")
    (tmp_path / "types" / "order.xsd").write_text(
        "\ufeff<xs:schema><xs:import schemaLocation='./part.xsd'/><xs:include schemaLocation='https://x.test/y.xsd'/>"
        "<xs:include schemaLocation='../../secret.xsd'/></xs:schema>"
    )
    for name in ("types/part.xsd", "inline.xsd", "unused.xsd"):
        (tmp_path / name).write_text("<xs:schema/>")

    sent = read_scenario(tmp_path / "shop.yaml")

    assert set(sent.document["files"]) == {"types/order.xsd", "types/part.xsd", "inline.xsd"}
