"""Whatever strangers send: read in time and in little memory, and the next mail is read."""

import time
import tracemalloc

import pytest
from tests.fixtures.returned import dsn, verp
from tests.fixtures.sendings import CLOCK
from tests.messenger.bounces.fuzz import kept, tried
from tests.messenger.bounces.shapes import all_shapes, bytes_, cut, nests, sizes

from tandem.messenger.bounces import service
from tandem.messenger.bounces.models import Bounce, InboundMail

SHAPES = all_shapes()


def test_there_are_many():
    assert len(SHAPES) >= 60


@pytest.mark.parametrize("name", SHAPES)
def test_each_is_read_without_error_within_a_second(name):
    began = time.process_time()
    tried(SHAPES[name])
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize("name", sizes())
def test_each_is_read_in_little_memory(name):
    raw = SHAPES[name]
    tracemalloc.start()
    try:
        tried(raw)
        assert tracemalloc.get_traced_memory()[1] < 32 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("number", range(len(kept())))
def test_what_fuzzing_kept_behaves(number):
    tried(kept()[number])


@pytest.mark.django_db
def test_they_harm_neither_the_loop_nor_anybody_else(post):
    address = verp(post.key, post.attempt("c1"))
    for content in {**cut(), **nests(), **bytes_()}.values():
        service.take(address, content, null_sender=True, source="smtp", clock=CLOCK)
    post.back(dsn(recipient="c2@people.example"), "c2")
    assert not InboundMail.objects.filter(state="waiting").exists()
    assert set(Bounce.objects.values_list("customer", flat=True)) == {"c1", "c2"}
    assert not Bounce.objects.filter(diagnosis__contains="@people.example").exists()
