"""The specification and the code name the same ids: each defined once, implemented, and in one place."""

from __future__ import annotations

from collections import defaultdict

from tests.docs.spec_ids import allowed_pairs, claimed_id, claims, defined_ids, is_well_formed


def places_of_ids(*, with_modules: bool) -> dict[str, set[str]]:
    places: dict[str, set[str]] = defaultdict(set)
    for claim in claims():
        name = claimed_id(claim)
        if name is not None and (with_modules or not claim.is_module):
            places[name].add(claim.place)
    return dict(places)


def test_there_is_something_to_compare() -> None:
    assert len(defined_ids()) > 100
    assert len(list(claims())) > 100


def test_each_id_is_defined_once() -> None:
    doubled = {name: files for name, files in defined_ids().items() if len(files) > 1}
    assert doubled == {}


def test_each_id_of_the_specification_is_implemented() -> None:
    assert sorted(set(defined_ids()) - set(places_of_ids(with_modules=True))) == []


def test_each_id_in_the_code_is_in_the_specification() -> None:
    unknown = {name: places for name, places in places_of_ids(with_modules=True).items() if name not in defined_ids()}
    assert unknown == {}


def test_an_id_names_one_function() -> None:
    pairs = allowed_pairs()
    several = {name: places for name, places in places_of_ids(with_modules=False).items() if len(places) > 1}
    assert several == pairs


def test_first_lines_have_one_form() -> None:
    assert [claim for claim in claims() if not is_well_formed(claim)] == []
