"""Swagger 2.0: a document is read as the same API written in OpenAPI 3.0."""

import pytest
import yaml
from support.openapi import written

from mockserver.errors import InvalidInputError
from mockserver.formats.openapi.reader import read

SWAGGER = """
swagger: "2.0"
info: {title: Shop, version: "2"}
host: api.shop.example
basePath: /v2
schemes: [https, http]
consumes: [application/json]
produces: [application/json]
securityDefinitions: {login: {type: basic}}
security: [{login: []}]
parameters:
  Limit: {name: limit, in: query, type: integer, minimum: 1}
  NewOrder: {name: order, in: body, required: true, schema: {$ref: "#/definitions/NewOrder"}}
  Note: {name: note, in: formData, type: string, maxLength: 5}
responses:
  Wrong: {description: Wrong., schema: {$ref: "#/definitions/Error"}}
definitions:
  Error: {type: object, required: [message], properties: {message: {type: string, enum: [no]}}}
  NewOrder:
    type: object
    required: [amount]
    properties: {amount: {type: integer, minimum: 1}, note: {type: string, x-nullable: true, maxLength: 5}}
  Order:
    type: object
    required: [id, kind]
    discriminator: kind
    properties: {id: {type: integer, minimum: 7, maximum: 7}, kind: {type: string, enum: [gift]}}
paths:
  /orders:
    get:
      operationId: list
      parameters:
        - $ref: "#/parameters/Limit"
        - {name: tag, in: query, type: array, items: {type: string, maxLength: 3}, collectionFormat: multi}
        - {name: id, in: query, type: array, items: {type: integer}, collectionFormat: pipes}
        - {name: x-one, in: header, type: array, items: {type: integer}}
      responses: {200: {description: All., schema: {type: array, items: {$ref: "#/definitions/Order"}}}}
    post:
      operationId: make
      parameters: [{$ref: "#/parameters/NewOrder"}]
      responses:
        201:
          description: Made.
          headers: {X-Rate: {type: integer, minimum: 3, maximum: 3, description: Left.}}
          schema: {$ref: "#/definitions/Order"}
          examples: {application/json: {id: 7, kind: gift}}
        400: {$ref: "#/responses/Wrong"}
  /orders/{id}:
    parameters:
      - {name: id, in: path, required: true, type: integer}
      - {name: change, in: body, schema: {$ref: "#/definitions/NewOrder"}}
    patch:
      consumes: [application/merge-patch+json]
      produces: [text/plain]
      responses: {200: {description: Changed., schema: {type: string, enum: [ok]}}}
    delete: {parameters: [{name: why, in: body, schema: {type: string}}], responses: {204: {description: Gone.}}}
  /photos:
    post:
      parameters:
        - {name: photo, in: formData, type: file, required: true}
        - {$ref: "#/parameters/Note"}
      responses: {200: {description: Sent., schema: {type: file}}}
  /login:
    post:
      parameters: [{name: user, in: formData, type: string, required: true, minLength: 2}]
      responses: {default: {$ref: "#/responses/Wrong"}}
"""
OPENAPI = """
openapi: 3.0.3
info: {title: Shop, version: "2"}
servers: [{url: https://api.shop.example/v2}]
security: [{login: []}]
components:
  securitySchemes: {login: {type: http, scheme: basic}}
  responses:
    Wrong: {description: Wrong., content: {application/json: {schema: {$ref: "#/components/schemas/Error"}}}}
  schemas:
    Error: {type: object, required: [message], properties: {message: {type: string, enum: [no]}}}
    NewOrder:
      type: object
      required: [amount]
      properties: {amount: {type: integer, minimum: 1}, note: {type: string, nullable: true, maxLength: 5}}
    Order:
      type: object
      required: [id, kind]
      properties: {id: {type: integer, minimum: 7, maximum: 7}, kind: {type: string, enum: [gift]}}
paths:
  /orders:
    get:
      operationId: list
      parameters:
        - {name: limit, in: query, schema: {type: integer, minimum: 1}}
        - {name: tag, in: query, schema: {type: array, items: {type: string, maxLength: 3}}}
        - {name: id, in: query, style: pipeDelimited, explode: false, schema: {type: array, items: {type: integer}}}
        - {name: x-one, in: header, schema: {type: array, items: {type: integer}}}
      responses:
        200:
          description: All.
          content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Order"}}}}
    post:
      operationId: make
      requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/NewOrder"}}}}
      responses:
        201:
          description: Made.
          headers: {X-Rate: {schema: {type: integer, minimum: 3, maximum: 3}}}
          content: {application/json: {schema: {$ref: "#/components/schemas/Order"}, example: {id: 7, kind: gift}}}
        400: {$ref: "#/components/responses/Wrong"}
  /orders/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    patch:
      requestBody: {content: {application/merge-patch+json: {schema: {$ref: "#/components/schemas/NewOrder"}}}}
      responses: {200: {description: Changed., content: {text/plain: {schema: {type: string, enum: [ok]}}}}}
    delete:
      requestBody: {content: {application/json: {schema: {type: string}}}}
      responses: {204: {description: Gone.}}
  /photos:
    post:
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema:
              type: object
              required: [photo]
              properties: {photo: {type: string, format: binary}, note: {type: string, maxLength: 5}}
      responses: {200: {description: Sent., content: {application/json: {schema: {type: string, format: binary}}}}}
  /login:
    post:
      requestBody:
        required: true
        content:
          application/x-www-form-urlencoded:
            schema: {type: object, required: [user], properties: {user: {type: string, minLength: 2}}}
      responses: {default: {$ref: "#/components/responses/Wrong"}}
"""
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_it_becomes_the_scenario_of_the_same_api_in_openapi_3(tmp_path):
    swagger, openapi = (read(written(tmp_path, text)) for text in (SWAGGER, OPENAPI))

    assert swagger.scenarios == openapi.scenarios
    assert swagger.notes == openapi.notes
    assert [one.what for one in swagger.lost] == [one.what for one in openapi.lost]
    assert swagger.scenarios["shop"]["routes"][1] == {
        "name": "make",
        "request": "POST /orders",
        "reply": {"status": 201, "json": {"id": 7, "kind": "gift"}},
    }


PHOTO = '--b\r\nContent-Disposition: form-data; name="{}"; filename="a.png"\r\n\r\nPNG\r\n--b--\r\n'
REQUESTS = [
    ("GET", "/orders?limit=0", None, {}),
    ("GET", "/orders?limit=1&tag=a&tag=long&id=1|2&id=x", None, {}),
    ("GET", "/orders?id=1|x", None, {"X-One": "1,2"}),
    ("GET", "/orders", None, {"X-One": "1,x"}),
    ("POST", "/orders", '{"amount": 0}', JSON),
    ("POST", "/orders", '{"amount": 1, "note": null}', JSON),
    ("POST", "/orders", None, {}),
    ("POST", "/orders", "amount=1", FORM),
    ("PATCH", "/orders/x", '{"amount": "1"}', {"Content-Type": "application/merge-patch+json"}),
    ("DELETE", "/orders/1", "5", JSON),
    ("POST", "/photos", PHOTO.format("photo"), {"Content-Type": "multipart/form-data; boundary=b"}),
    ("POST", "/photos", PHOTO.format("note"), {"Content-Type": "multipart/form-data; boundary=b"}),
    ("POST", "/login", "user=a", FORM),
    ("POST", "/login", "user=ann", FORM),
]


def test_a_scenario_is_validated_as_against_the_same_api_in_openapi_3(serving):
    routes = [
        {"request": f"{method} {path}", "reply": 204, "validate": "report"}
        for method, path in (
            ("GET", "/orders"), ("POST", "/orders"), ("PATCH", "/orders/{id}"), ("DELETE", "/orders/{id}"),
            ("POST", "/photos"), ("POST", "/login"),
        )
    ]  # fmt: skip
    server = serving(
        {
            "a.yaml": yaml.safe_dump({"base": "/a", "openapi": "a-spec.yaml", "routes": routes}),
            "b.yaml": yaml.safe_dump({"base": "/b", "openapi": "b-spec.yaml", "routes": routes}),
            "a-spec.yaml": SWAGGER.replace("basePath: /v2", "basePath: /a"),
            "b-spec.yaml": OPENAPI.replace("example/v2", "example/b"),
        }
    )

    for base in ("/a", "/b"):
        for method, path, body, headers in REQUESTS:
            server.ask(method, base + path, body, headers=headers)

    told = [one for one in server.admin.get("/violations?limit=1000")["items"] if one["part"] == "request"]
    by_scenario = {
        name: [one["text"] for one in told if one["route"].startswith(f"{name}/")] for name in ("a", "b")
    }
    assert by_scenario["a"] == by_scenario["b"]
    assert len(by_scenario["a"]) > 8


def test_files_beside_it_are_converted_too(tmp_path):
    (tmp_path / "paths.yaml").write_text(
        "orders:\n"
        "  post:\n"
        "    parameters: [{$ref: 'common.yaml#/parameters/Body'}]\n"
        "    responses: {200: {$ref: 'responses.yaml#/Fine'}}\n"
    )
    (tmp_path / "common.yaml").write_text(
        "parameters: {Body: {name: b, in: body, required: true, schema: {$ref: 'order.yaml'}}}\n"
    )
    (tmp_path / "responses.yaml").write_text("Fine: {description: x, schema: {$ref: order.yaml}}\n")
    (tmp_path / "order.yaml").write_text("{type: object, required: [id], properties: {id: {enum: [7]}}}\n")
    document = {"swagger": "2.0", "info": {"title": "a"}, "paths": {"/o": {"$ref": "paths.yaml#/orders"}}}

    [made] = read(written(tmp_path, document)).scenarios.values()

    assert made["routes"] == [{"request": "POST /o", "reply": {"json": {"id": 7}}}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{swagger: "1.2", info: {}}', "spec.yaml: /swagger: version '1.2' is not supported"),
        ("{swagger: 2.0, info: {}, definitions: []}", "spec.yaml: /definitions: expected a mapping, got []"),
        ("{swagger: 2.0, paths: {/x: {get: 5}}}", "spec.yaml: /paths/~1x/get: expected a mapping, got 5"),
        ("{swagger: 2.0, paths: {/x: {get: {parameters: [{$ref: '#/parameters/A'}], responses: {}}}}}", "spec.yaml: /paths/~1x/get/parameters/0: the reference"),
        ("{swagger: 2.0, paths: {/x: {get: {responses: {200: {schema: {$ref: 'gone.yaml'}}}}}}}", "spec.yaml: /paths/~1x/get/responses/200/content/application~1json/schema: gone.yaml: can't be read"),
    ],
)  # fmt: skip
def test_what_is_none_is_told_with_its_place(tmp_path, text, said):
    with pytest.raises(InvalidInputError) as caught:
        read(written(tmp_path, text))

    assert str(caught.value.flaws[0]).startswith(said)
