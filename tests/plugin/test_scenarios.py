"""The marker `scenario`: exactly the scenarios that a test names answer in its world."""

import pytest
from support.suites import run_in_process

pytest_plugins = "pytester"


@pytest.fixture
def folder(pytester):
    """A folder of scenarios for all tests, and one beside them."""
    folder = pytester.mkdir("mocks")
    for name in ("pay", "ship"):
        (folder / f"{name}.yaml").write_text(f"routes: [{{request: GET /{name}, reply: {{text: {name}}}}}]")
    (folder / "off.yaml").write_text("active: false\nroutes: [{request: GET /off, reply: {file: body.txt}}]")
    (folder / "body.txt").write_text("from a file")
    (pytester.path / "beside.yaml").write_text("routes: [{request: GET /beside, reply: {file: near.txt}}]")
    (pytester.path / "near.txt").write_text("near")
    return folder


TESTS = """
def answers(mock_server):
    paths = ("pay", "ship", "off", "beside")
    return {path for path in paths if call(f"{mock_server.url}/{path}")[0] == 200}

pytestmark = pytest.mark.mock_server(strict=False)

def test_without_a_marker_all_that_are_active_answer(mock_server):
    assert answers(mock_server) == {"pay", "ship"}

@pytest.mark.scenario("pay")
def test_a_loaded_one(mock_server):
    assert answers(mock_server) == {"pay"}

@pytest.mark.scenario("pay", "off")
def test_several_also_such_as_are_not_active(mock_server):
    assert answers(mock_server) == {"pay", "off"}

@pytest.mark.scenario("beside.yaml")
def test_a_file_beside_the_test(mock_server):
    assert answers(mock_server) == {"beside"}
    assert call(mock_server.url + "/beside")[1] == "near"

@pytest.mark.scenario("off.yaml", "beside.yaml", "ship")
def test_files_and_loaded_ones(mock_server):
    assert answers(mock_server) == {"off", "beside", "ship"}
    assert call(mock_server.url + "/off")[1] == "from a file"

@pytest.mark.scenario("pay")
class TestAll:
    @pytest.mark.scenario("ship")
    def test_markers_add_up(self, mock_server):
        assert answers(mock_server) == {"pay", "ship"}

@pytest.mark.scenario("pay")
def test_routes_of_the_test_answer_too(mock_server):
    mock_server.get("/ship").reply(200)
    assert answers(mock_server) == {"pay", "ship"}
"""


def test_exactly_the_named_scenarios_answer(suite, folder):
    suite(TESTS, "-o", "mock_server_scenarios=mocks").assert_outcomes(passed=7)


def test_a_file_that_the_server_has_read_itself_is_not_read_again(suite, folder):
    suite(
        """
@pytest.mark.scenario("pay.yaml")
def test_it(mock_server):
    assert {one["name"]: one["origin"] for one in mock_server.scenarios}["pay"] == "file"
""",
        "-o",
        "mock_server_scenarios=mocks",
    ).assert_outcomes(passed=1)


def test_it_is_the_same_on_a_server_that_runs_already(suite, folder, serving):
    server = serving(folder)
    suite(TESTS, "-o", "mock_server_scenarios=mocks", "--mock-server-url", server.url).assert_outcomes(
        passed=7
    )


def test_files_are_found_from_the_ini_file_wherever_pytest_runs(suite, folder, pytester, monkeypatch):
    suite(TESTS)
    below = pytester.mkdir("below")
    monkeypatch.chdir(below)
    run_in_process(pytester, "..", "-o", "mock_server_scenarios=mocks").assert_outcomes(passed=7)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing.yaml", "there is no scenario file 'nothing.yaml' in * nor *mocks."),
        ("pya", "*there is no scenario 'pya'. Did you mean 'pay'*"),
    ],
)
def test_a_scenario_that_is_not_there_is_named(suite, folder, name, said):
    result = suite(
        f"""
@pytest.mark.scenario("{name}")
def test_it(mock_server):
    pass
""",
        "-o",
        "mock_server_scenarios=mocks",
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([said])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_without_a_folder_the_ini_option_is_pointed_at(suite):
    result = suite("""
@pytest.mark.scenario("nothing.yaml")
def test_it(mock_server):
    pass
""")
    result.stdout.fnmatch_lines(["*Name a folder for all tests with the ini option mock_server_scenarios.*"])


def test_a_scenario_with_a_flaw_is_named_with_its_place(suite, folder, pytester):
    (pytester.path / "beside.yaml").write_text("routes:\n  - request: GET /x\n    repply: 200\n")
    result = suite("""
@pytest.mark.scenario("beside.yaml")
def test_it(mock_server):
    pass
""")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*beside:3:5: routes[[]0[]].repply: unknown key. Did you mean 'reply'*"])


def test_a_folder_with_a_flaw_is_named_with_its_place(suite, folder):
    (folder / "pay.yaml").write_text("routes: [{request: GET /x, reply: 99}]")
    result = suite("def test_it(mock_server): pass", "-o", "mock_server_scenarios=mocks")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*mocks/pay.yaml:1:*99 is not a valid HTTP status. Use 200 to 599*"])


# A server that runs already


def test_a_server_that_has_not_loaded_the_folder_is_an_error_that_names_what_it_lacks(
    suite, pytester, serving
):
    folder = pytester.mkdir("mocks")
    for name in ("pay", "ship"):
        (folder / f"{name}.yaml").write_text(f"routes: [{{request: GET /{name}, reply: 200}}]")
    server = serving({"pay.yaml": "routes: [{request: GET /pay, reply: 200}]"})
    # -rN: in CI the summary would tell each error again, whole.
    args = ("--mock-server-url", server.url, "-o", f"mock_server_scenarios={folder}", "-rN")
    text = "def test_one(mock_server): pass\ndef test_two(mock_server): pass\ndef test_none(): pass\n"
    result = suite(text, *args)
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(
        [f"the mock server at {server.url} has not loaded 'ship' of *mocks, which * it has 'pay'. Start it *"]
    )
    assert str(result.stdout).count("has not loaded 'ship'") == 2
    (folder / "ship.yaml").unlink()
    suite(text, *args).assert_outcomes(passed=3)
