"""Machines by their addresses: the shipped table, an installation's own, one that is changed or broken."""

import os

import pytest

from tandem.messenger.engagement.agents import actor_of, by_network
from tandem.messenger.engagement.domain import Actor
from tandem.messenger.engagement.networks import BadNetworks, Network, Networks, read

SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) AppleWebKit/605 (KHTML, like Gecko) Version/18.0 Safari/604.1"
)
MAIL = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) AppleWebKit/605 (KHTML, like Gecko) Mobile/15E148"
GOOGLE = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


def actor(address, agent, link=None, networks=None):
    table = networks or Networks()
    return by_network(actor_of("GET", agent, link), agent, link, table.kind_of(address))


@pytest.mark.parametrize(
    ("address", "agent", "link", "who"),
    [
        ("40.94.1.2", SAFARI, 1, Actor.PERSON), ("40.93.1.2", SAFARI, 1, Actor.BOT),
        ("40.93.1.2", SAFARI, None, Actor.BOT), ("::ffff:40.93.1.2", SAFARI, 1, Actor.BOT),
        ("2a01:111:f400::5", SAFARI, 1, Actor.BOT), ("172.225.58.224", MAIL, None, Actor.PROXY),
        ("172.225.58.224", SAFARI, None, Actor.PERSON), ("172.225.58.224", MAIL, 1, Actor.PERSON),
        ("2a02:26f7:c740:4000::1", MAIL, None, Actor.PROXY), ("40.93.1.2", GOOGLE, None, Actor.PERSON),
        ("198.51.100.4", MAIL, None, Actor.PERSON), ("no address", SAFARI, 1, Actor.PERSON),
        ("", SAFARI, 1, Actor.PERSON), ("0.0.0.0", SAFARI, 1, Actor.PERSON), ("ffff::", SAFARI, 1, Actor.PERSON),
        ("198.51.100.4", "curl/8", 1, Actor.BOT),
    ],
)  # fmt: skip
def test_who_asks(address, agent, link, who):
    assert actor(address, agent, link) is who


def test_an_own_table_stands_in_its_place_and_is_read_again(tmp_path):
    own = tmp_path / "networks.txt"
    own.write_text("# ours\n\n198.51.100.0/24 machine the scanner next door\n")
    table = Networks(str(own))
    assert table.kind_of("198.51.100.255") is Network.MACHINE
    assert table.kind_of("198.51.101.0") is table.kind_of("40.93.1.2") is None
    own.write_text("198.51.100.0/25 privacy x\n")
    os.utime(own, (1, 1))
    table.look()
    assert (table.kind_of("198.51.100.1"), table.kind_of("198.51.100.128")) == (Network.PRIVACY, None)
    own.write_text("what is this")
    os.utime(own, (2, 2))
    table.look()
    assert table.kind_of("198.51.100.1") is Network.PRIVACY


@pytest.mark.parametrize(
    "lines",
    [
        ["192.0.2.0/24"], ["192.0.2.0/24 people x"], ["192.0.2.1/24 machine x"], ["x machine y"],
        ["10.0.0.0/8 machine x", "10.1.0.0/16 privacy x"],
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_used_is_refused(lines):
    with pytest.raises(BadNetworks):
        read(lines)


def test_a_file_that_is_not_there_is_refused_in_words(tmp_path):
    with pytest.raises(BadNetworks) as refused:
        Networks(str(tmp_path / "none"))
    assert "TANDEM_MACHINE_NETWORKS" in refused.value.advice
