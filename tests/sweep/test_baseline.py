"""What two clean runs teach, and when they teach nothing."""

from support.sweeps import baseline, clean, did, ran, seen

from mockserver.sweep.baseline import CleanRun, learn_baseline

CHARGE = {"kind": "charge", "id": "ch_aaaaaa"}


def test_calls_are_numbered_by_route_in_their_order():
    run = ran(seen("shop/price"), seen("shop/pay"), seen(None), seen("shop/price"), seen("shop/pay"))
    assert [place.label for place in baseline(run).calls] == ["price#1", "pay#1", "price#2", "pay#2"]


def test_a_call_of_several_routes_is_one_place_and_numbered_for_each():
    both = seen("shop/user", routes=["shop/user", "shop/order"])
    run = ran(both, seen("shop/order"), both)
    assert [place.label for place in baseline(run).calls] == ["user#1", "order#2", "user#2"]


def test_routes_of_one_name_go_by_their_ids():
    run = ran(seen("shop/pay"), seen("other/pay"), seen("runtime/POST /x"))
    assert [place.label for place in baseline(run).calls] == ["shop/pay#1", "other/pay#1", "POST /x#1"]


def test_a_place_knows_what_a_trouble_can_meet_there():
    (place,) = baseline(ran(seen("shop/pay", CHARGE, has_body=False, webhooks=2))).calls
    assert (place.route, place.number, place.request) == ("shop/pay", 1, "POST /pay")
    assert (place.has_body, place.webhooks, place.effects) == (False, 2, 1)


def test_a_test_that_fails_by_itself_is_not_swept():
    failed = learn_baseline(clean(did(CHARGE), why="it fails without any trouble: AssertionError"), None)
    assert (failed.why, failed.calls) == ("it fails without any trouble: AssertionError", ())


def test_a_test_without_calls_is_not_swept():
    said = "it makes no call that a route takes; the first of 2 was GET /prise"
    assert baseline(ran(seen(None, method="GET", path="/prise"), seen(None))).why == said
    assert baseline(ran()).why == "it makes no call to the mock server"


def test_effects_that_come_and_go_are_not_judged():
    assert baseline(did(CHARGE), did()).why == "two clean runs differ in their effects: charge: 1; then none"


def test_other_calls_in_the_second_run_are_only_noted():
    found = baseline(ran(seen(), seen()), ran(seen()))
    assert found.why is None
    assert found.notes == ("two clean runs made different calls: some cells may not be reached",)


def test_a_second_run_that_fails_leaves_unknown_what_is_drawn():
    found = learn_baseline(clean(did(CHARGE)), clean(did(), why="assert 'ch_1' == 'ch_2'"))
    assert found.random_fields == {}
    assert "failed with another seed (assert 'ch_1' == 'ch_2')" in found.notes[0]
    assert "was not made" in learn_baseline(clean(did(CHARGE)), None).notes[0]


def test_the_quicker_run_tells_how_long_it_takes():
    runs = clean(did(CHARGE), duration_s=2.0), clean(did(CHARGE), duration_s=0.5)
    assert learn_baseline(*runs).duration_s == 0.5


def test_a_run_survives_being_sent_as_json():
    run = clean(ran(seen("shop/pay", CHARGE, key="k"), hits=(1,)))
    assert CleanRun.of_json(run.as_json()) == run
