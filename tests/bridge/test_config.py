import pytest
from tests.fixtures.joined import ENVIRONMENT

from tandem.bridge.config import ConfigWrong
from tandem.bridge.config_file import load


def wrong(house, old, new, **words):
    path = house.write(**words)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ConfigWrong) as refused:
        load(path, ENVIRONMENT)
    return f"{refused.value.detail} {refused.value.advice}"


def test_a_whole_file_is_read(house):
    more = '[pair.attributes]\nCountry = "country"'
    found = load(house.write(more=more, messenger_more="job_waits = true"), ENVIRONMENT)
    pair = found.pair("shop")
    assert [(one.id, one.kind) for one in pair.channels] == [(504, "email"), (505, "sms")]
    assert pair.messenger.waits and pair.messenger.jobs
    assert pair.attributes == {"Country": "country"}
    assert found.state.name == "bridge.db" and found.state.parent == house.folder


def test_secrets_are_never_shown(house):
    secret = {name: f"s3cret-{name}" for name in ENVIRONMENT}
    found = load(house.write(), secret)
    assert found.pair("shop").planner.credentials.password == "s3cret-PLANNER_PASSWORD"
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('password_env = "PLANNER_PASSWORD"', 'password = "x"', "password stands in [pair.planner]"),
        ('"MESSENGER_TOKEN"', '"NO_SUCH"', "NO_SUCH, which is not set"),
        ('token_env = "MESSENGER_TOKEN"', "", "names no credentials"),
        ('zone = "UTC"', 'zone = "Mars/Base"', "no time zone called 'Mars/Base'"),
        ('kind = "sms"', 'kind = "fax"', "kind in [[pair.channel]] of shop is 'fax'"),
        ("id = 505", "id = 504", "has no channel, or one twice"),
        ("tick_seconds", "tock_seconds", "'tock_seconds', which means nothing"),
        ("poll_seconds = 0.05", 'poll_seconds = "often"', "is not a number"),
        ('/rest"', '/api"', "does not end in /rest"),
        ("[24]", "[48, 24]", "the smallest first"),
        ('promo_column = "promoCode"', 'promo_column = "originalId"', "is no column"),
        ("[[pair]]", "[[pair", "is not TOML"),
    ],
)
def test_what_is_wrong_is_said(house, old, new, words):
    assert words in wrong(house, old, new)


def test_two_pairs_never_have_one_channel(house):
    said = wrong(house, "nothing", "nothing", names=("shop", "store"))
    assert "Pairs shop and store have the same planner account and channel 504" in said
