"""OpenAPI documents for tests."""

import json

import yaml

SHOP = """
openapi: 3.0.3
info: {title: The Shop, version: "2"}
servers: [{url: "https://api.shop.example/v2"}]
security: [{token: []}]
paths:
  /orders:
    get:
      operationId: listOrders
      tags: [orders]
      parameters:
        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100}}
        - {name: tag, in: query, schema: {type: array, items: {type: string, maxLength: 5}}}
      responses:
        "200":
          description: Orders.
          content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Order"}}}}
        default: {$ref: "#/components/responses/Error"}
    post:
      operationId: makeOrder
      parameters: [{name: Idempotency-Key, in: header, required: true, schema: {type: string, minLength: 4}}]
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: "#/components/schemas/NewOrder"}}
          application/x-www-form-urlencoded: {schema: {$ref: "#/components/schemas/NewOrder"}}
      responses:
        "400": {$ref: "#/components/responses/Error"}
        "201":
          description: Made.
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Order"}
              example: {id: 7, amount: 20, currency: eur, note: null, status: open}
  /orders/{order-id}:
    parameters: [{name: order-id, in: path, required: true, schema: {type: integer, minimum: 1}}]
    get:
      operationId: readOrder
      responses:
        "200": {description: One., content: {application/json: {schema: {$ref: "#/components/schemas/Order"}}}}
    delete: {operationId: dropOrder, responses: {"204": {description: Gone.}}}
  /orders/latest:
    get:
      responses: {"200": {description: Last., content: {text/plain: {schema: {type: string, pattern: "^o-[0-9]{4}$"}}}}}
components:
  securitySchemes: {token: {type: http, scheme: bearer}}
  responses:
    Error:
      description: Wrong.
      content: {application/json: {schema: {type: object, required: [message], properties: {message: {type: string}}}}}
  schemas:
    NewOrder:
      type: object
      required: [amount, currency]
      additionalProperties: false
      properties:
        id: {type: integer, readOnly: true}
        amount: {type: integer, minimum: 0, exclusiveMinimum: true}
        currency: {type: string, enum: [eur, usd]}
        note: {type: string, nullable: true, maxLength: 20}
"""


def shop():
    """An API in which most things come up once, as data."""
    document = yaml.safe_load(SHOP)
    schemas = document["components"]["schemas"]
    new = schemas["NewOrder"]["properties"]
    schemas["Order"] = {
        "type": "object",
        "required": ["id", "amount", "currency", "status"],
        "properties": {
            **new,
            "status": {"type": "string", "enum": ["open", "paid"]},
            "parent": {"$ref": "#/components/schemas/Order"},
            "made": {"type": "string", "format": "date-time"},
            "secret": {"type": "string", "writeOnly": True},
        },
    }
    return document


def written(folder, document, name="spec.yaml"):
    """The file of a document, JSON or YAML by its name."""
    path = folder / name
    text = json.dumps(document) if name.endswith(".json") else yaml.safe_dump(document, sort_keys=False)
    path.write_text(document if isinstance(document, str) else text)
    return path


def spec(paths, version="3.1.0", **more):
    return {"openapi": version, "info": {"title": "Test", "version": "1"}, "paths": paths, **more}


def answering(schema, version="3.1.0", kind="application/json", **components):
    """A document of one operation that answers with that schema."""
    response = {"description": "Well.", "content": {kind: {"schema": schema}}}
    return spec(
        {"/x": {"get": {"responses": {"200": response}}}}, version, components={"schemas": components}
    )
