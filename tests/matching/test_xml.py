"""Equality of XML by canonical form, and XML Schema."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from support.matching import a_matcher, a_request, flaws_of, read_from

from mockserver.errors import InvalidInputError, MissingExtraError
from mockserver.matching.matcher import compile_match
from mockserver.schema.match import MatchSpec

XML = ("content-type", "application/xml")


def sent(body):
    return a_request("POST /", XML, body=body if isinstance(body, bytes) else body.encode())


def said(match, body, files=None):
    matcher = a_matcher(files, **match)
    request = sent(body)
    texts = [one.text for one in matcher.differences(request)]
    assert matcher.holds(request) is (not texts)
    return texts


# Equality

ORDER = '<o:order xmlns:o="urn:shop" id="7" day="1"><o:item>Pen &amp; ink</o:item><o:note/><o:item>x</o:item></o:order>'
EQUAL = [
    ORDER,
    ORDER.replace("o:", "p:").replace(":o=", ":p="),
    ORDER.replace("o:", "").replace("xmlns:o", "xmlns"),
    ORDER.replace('id="7" day="1"', "day='1'\n  id='7'"),
    ORDER.replace("<o:note/>", "<o:note></o:note>"),
    ORDER.replace("Pen &amp; ink", "<![CDATA[Pen & ink]]>"),
    ORDER.replace("Pen &amp; ink", "P&#101;n &#x26; ink"),
    ORDER.replace("><", ">\n  <").replace("<o:note>\n  </o:note>", "<o:note/>"),
    f'<?xml version="1.0" encoding="utf-8"?><!-- made --><?go on?>{ORDER}'.replace("><", "><!-- here --><"),
]


@pytest.mark.parametrize("written", EQUAL)
@pytest.mark.parametrize("body", EQUAL)
def test_documents_with_one_canonical_form_are_equal(written, body):
    assert said({"xml_exact": written}, body) == []


DIFFERENT = [
    ("urn:shop", "urn:other", ["xml /order: expected order of the namespace 'urn:shop', got order of the namespace 'urn:other'"]),
    ('id="7"', 'id="8"', ["xml /order/@id: expected '7', got '8'"]),
    ('day="1"', 'dy="1"', ["xml /order/@day: expected '1', got none", "xml /order/@dy: expected no attribute, got '1'"]),
    ("Pen &amp; ink", "Pen", ["xml /order/item[1]: expected 'Pen & ink', got 'Pen'"]),
    (">x<", "> x<", ["xml /order/item[2]: expected 'x', got ' x'"]),
    ("<o:note/>", "", ["xml /order: expected 3 elements, got 2; it lacks note"]),
    ("<o:note/>", "<o:note/><o:more/>", ["xml /order: expected 3 elements, got 4; it has also more"]),
    ("<o:note/>", "<o:more/>", ["xml /order/note: expected note, got more"]),
    ("<o:note/>", "text<o:note/>", ["xml /order: expected '', got 'text'"]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "texts"), DIFFERENT, ids=[one[1] for one in DIFFERENT])
def test_a_difference_says_where(old, new, texts):
    assert said({"xml_exact": ORDER}, ORDER.replace(old, new)) == texts


NAMES = st.sampled_from(["a", "b", "{urn:x}a", "{urn:y}b"])
TEXTS = st.sampled_from(["", "x", " x ", "&<>'\""])
ELEMENTS = st.recursive(
    st.tuples(NAMES, st.dictionaries(NAMES, TEXTS, max_size=2), TEXTS, st.just([])),
    lambda inner: st.tuples(
        NAMES, st.dictionaries(NAMES, TEXTS, max_size=2), st.just(""), st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=5,
)


def element(parts):
    tag, attributes, text, children = parts
    made = etree.Element(tag, attributes)
    made.text = text or None
    made.extend(map(element, children))
    return made


def canonical(document):
    return etree.canonicalize(document, rewrite_prefixes=True)


@given(ELEMENTS, ELEMENTS)
def test_equality_is_that_of_the_canonical_form(first, other):
    one, two = (etree.tostring(element(parts)).decode() for parts in (first, other))

    assert said({"xml_exact": one}, one) == []
    assert (said({"xml_exact": one}, two) == []) is (canonical(one) == canonical(two))


def test_a_document_may_be_a_file_in_any_encoding():
    read = {"order.xml": '<?xml version="1.0" encoding="utf-8"?>\n<a>Zoë</a>\n'}

    assert said({"xml_exact": "order.xml"}, "<a>Zoë</a>".encode("utf-16"), read) == []
    latin = '<?xml version="1.0" encoding="iso-8859-1"?><a>Zoë</a>'
    assert said({"xml_exact": latin}, latin.encode("latin1")) == []


def test_a_deep_document_is_compared():
    deep = "<a>" * 200 + "x" + "</a>" * 200

    assert said({"xml_exact": deep}, deep) == []
    assert said({"xml_exact": deep}, deep.replace("x", "y"))[0].endswith("expected 'x', got 'y'")


# Schemas

SCHEMA = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="order">
    <xs:complexType>
      <xs:sequence><xs:element name="amount" type="xs:positiveInteger" maxOccurs="2"/></xs:sequence>
      <xs:attribute name="id" use="required" type="xs:ID"/>
    </xs:complexType>
  </xs:element>
</xs:schema>
"""


def test_a_schema_holds_for_valid_documents():
    assert said({"xml_schema": SCHEMA}, '<order id="a"><amount>5</amount></order>') == []
    texts = said({"xml_schema": SCHEMA}, "<order><amount>0</amount><amount>x</amount></order>")
    assert texts[0] == "xml /order: Element 'order': The attribute 'id' is required but missing."
    assert {text.partition(": ")[0] for text in texts[1:]} == {"xml /order/amount[1]", "xml /order/amount[2]"}


INCLUDED = {
    "order.xsd": '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:include schemaLocation="parts/types.xsd"/><xs:element name="order" type="Order"/></xs:schema>',
    "parts/types.xsd": '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:include schemaLocation="../money.xsd"/><xs:complexType name="Order"><xs:sequence><xs:element name="amount" type="Money"/></xs:sequence></xs:complexType></xs:schema>',
    "money.xsd": '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:simpleType name="Money"><xs:restriction base="xs:int"><xs:minInclusive value="5"/></xs:restriction></xs:simpleType></xs:schema>',
}  # fmt: skip


def test_a_schema_may_refer_to_files_in_the_folder_of_the_scenario():
    match = {"xml_schema": "order.xsd"}

    assert said(match, "<order><amount>5</amount></order>", INCLUDED) == []
    assert len(said(match, "<order><amount>4</amount></order>", INCLUDED)) >= 1


KEYS = SCHEMA.replace(
    "</xs:complexType>\n  </xs:element>",
    '</xs:complexType>\n    <xs:unique name="u"><xs:selector xpath="amount"/><xs:field xpath="."/></xs:unique>\n  </xs:element>',
).replace('maxOccurs="2"', 'maxOccurs="unbounded"')


def test_with_keys_a_document_has_fewer_elements():
    amounts = "".join(f"<amount>{n + 1}</amount>" for n in range(1000))

    assert (
        said({"xml_schema": KEYS}, f'<order id="a">{amounts[: amounts.index("<amount>1000")]}</order>') == []
    )
    (text,) = said({"xml_schema": KEYS}, f'<order id="a">{amounts}</order>')
    assert text == "body: expected XML, but it has more than 1000 elements for a schema with keys"


LAX = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="n"><xs:complexType><xs:sequence><xs:any processContents="lax"/></xs:sequence></xs:complexType></xs:element></xs:schema>'
NUMBER = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:x"><xs:element name="m" type="xs:int"/></xs:schema>'


def test_a_body_can_name_no_schema_that_is_loaded(tmp_path):
    (tmp_path / "number.xsd").write_text(NUMBER)
    body = f'<n xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x {tmp_path / "number.xsd"}"><m xmlns="urn:x">no number</m></n>'

    assert said({"xml_schema": LAX}, body) == []


PATTERN = SCHEMA.replace('name="amount" type="xs:positiveInteger"', 'name="amount" type="Amount"').replace(
    "</xs:schema>",
    '<xs:simpleType name="Amount"><xs:restriction base="xs:string"><xs:pattern value="(a{0,50}){0,50}b"/></xs:restriction></xs:simpleType></xs:schema>',
)


def test_a_pattern_that_takes_too_many_steps_is_told():
    (text,) = said({"xml_schema": PATTERN}, f'<order id="x"><amount>{"a" * 30}!</amount></order>')

    assert text.startswith("body: expected XML, but the schema can't be applied to it: ")


# Bodies and documents that are none


@pytest.mark.parametrize("match", [{"xml_exact": ORDER}, {"xml_schema": SCHEMA}], ids=["exact", "schema"])
@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "body: expected XML, but the body is empty; send an XML body"),
        (b"<a>", "body: expected XML, but it is not valid XML: "),
        (b"<!DOCTYPE a><a/>", "body: expected XML, but it has a document type, and those are refused"),
        (b"<a>" + b"<b/>" * 50_000 + b"</a>", "body: expected XML, but it has more than 1048576 bytes or 50000 elements"),
    ],
    ids=["empty", "broken", "doctype", "large"],
)  # fmt: skip
def test_a_body_that_is_none_is_told(match, body, text):
    assert said(match, body)[0].startswith(text)


@pytest.mark.parametrize(
    ("match", "text"),
    [
        ({"xml_exact": "<a>"}, "xml_exact: the document can't be read: it is not valid XML"),
        ({"xml_exact": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'}, "xml_exact: the document can't be read: it has a document type"),
        ({"xml_exact": " "}, "xml_exact: expected a document, got ' '"),
        ({"xml_exact": "gone.xml"}, "xml_exact: there is no file 'gone.xml'"),
        ({"xml_schema": "gone.xsd"}, "xml_schema: there is no file 'gone.xsd'"),
        ({"xml_schema": "<a/>"}, "xml_schema: this is not a valid XML Schema"),
        ({"xml_schema": "<a>"}, "xml_schema: this is not a valid XML Schema"),
        ({"xml_schema": SCHEMA.replace("positiveInteger", "number")}, "xml_schema: this is not a valid XML Schema"),
        ({"xml_schema": INCLUDED["order.xsd"].replace("parts/types.xsd", "gone.xsd")}, "xml_schema: there is no file 'gone.xsd'"),
        ({"xml_schema": INCLUDED["order.xsd"].replace("parts/types.xsd", "http://127.0.0.1:9/a.xsd")}, "xml_schema: 'http://127.0.0.1:9/a.xsd' is not a local file"),
        ({"xml_schema": INCLUDED["order.xsd"].replace("parts/types.xsd", "file:///etc/passwd")}, "xml_schema: 'file:///etc/passwd' is not a local file"),
    ],
)  # fmt: skip
def test_a_document_that_is_none_is_refused_when_it_is_loaded(match, text):
    assert [flaw[: len(text)] for flaw in flaws_of(**match)] == [text]


@pytest.mark.parametrize("match", [{"xml_exact": "<a/>"}, {"xml_schema": SCHEMA}])
def test_without_the_library_the_extra_is_named(monkeypatch, match):
    monkeypatch.setitem(sys.modules, "lxml.etree", None)

    with pytest.raises(MissingExtraError, match=r"mockserver\[xml\]"):
        a_matcher(**match)


def test_a_check_has_no_files():
    def no_files(name, path):
        raise InvalidInputError([])

    compile_match(MatchSpec.model_validate({"xml_exact": "<a/>", "xml_schema": SCHEMA}), no_files)
    with pytest.raises(InvalidInputError):
        compile_match(MatchSpec.model_validate({"xml_exact": "a.xml"}), read_from({}))
