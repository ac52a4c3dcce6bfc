"""The page of segments: what they are, and the shares of the value segments."""

from html import unescape

import pytest
from tests.fixtures.shop import build

from tandem.planner.modelling.segments import overview

PAGE = "/ui/settings/segments"
SHARES = {"diamond": "5", "platinum": "10", "gold": "15", "silver": "20", "bronze": "50"}


@pytest.fixture(scope="module")
def kept_shop(keep):
    return keep(build)


@pytest.fixture
def shop(kept_shop, db, settings, tmp_path):
    return kept_shop.take(settings, tmp_path)


def test_segments_are_shown_and_shares_kept(shop, sign_in):
    client = sign_in(shop.account)
    page = unescape(client.get(PAGE).content.decode())
    assert "Diamond" in page and "New" in page and "Save the shares" in page
    assert all(one.name in page for one in overview.microsegments(shop.account.pk))
    assert client.post(PAGE, SHARES).status_code == 302
    assert [one.share for one in overview.value_segments(shop.account.pk)] == [5, 10, 15, 20, 50]


def test_how_stages_are_cut_is_shown_and_kept(shop, sign_in):
    client, account_id = sign_in(shop.account), shop.account.pk
    stages = {f"layer-{stage}": "quantiles" for stage, _ in overview.layers(account_id)}
    assert "How micro-segments are cut" in client.get(PAGE).content.decode() and "layer-Active" in stages
    wanted = {**stages, "what": "layers", "layer-Active": "kmeans"}
    assert client.post(PAGE, wanted).status_code == 302
    assert [str(stage) for stage, method in overview.layers(account_id) if method == "kmeans"] == ["Active"]
    assert '<option value="kmeans" selected>' in client.get(PAGE).content.decode()
    assert client.post(PAGE, {**wanted, "layer-Active": "luck"}).status_code == 422
    assert sign_in(shop.account, "viewer").post(PAGE, wanted).status_code == 403


@pytest.mark.parametrize(
    "changed", [{"gold": "16"}, {"gold": "-15"}, {"gold": "much"}, {"gold": ""}, {"gold": "nan"}]
)
def test_shares_that_make_no_whole_are_refused(shop, sign_in, changed):
    answer = sign_in(shop.account).post(PAGE, {**SHARES, **changed})
    assert answer.status_code == 422
    assert [one.share for one in overview.value_segments(shop.account.pk)] == [1, 4, 15, 30, 50]


def test_a_viewer_looks_and_does_not_change(shop, sign_in):
    viewer = sign_in(shop.account, "viewer")
    assert "Save the shares" not in viewer.get(PAGE).content.decode()
    assert viewer.post(PAGE, SHARES).status_code == 403


def test_without_customers_the_page_says_what_to_do(client):
    assert "Import a file" in client.get(PAGE).content.decode()
