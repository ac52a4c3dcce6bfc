"""The state file: one bridge at a time, and never an old copy without a person's word."""

import shutil

import pytest
from tests.fixtures.joined import shown, turn

from tandem.bridge.state import State, StateBusy, StateOld, StateUnusable


def test_one_bridge_at_a_time(tmp_path):
    first, second = State(tmp_path / "bridge.db"), State(tmp_path / "bridge.db")
    first.take()
    with pytest.raises(StateBusy):
        second.take()
    first.close()
    second.take()


def test_another_kind_of_file_is_refused(tmp_path):
    (tmp_path / "bridge.db").write_bytes(b"something else" * 100)
    with pytest.raises(StateUnusable):
        State(tmp_path / "bridge.db")


@pytest.mark.parametrize("lost", ["bridge.db", "bridge.db.mark"])
def test_an_old_copy_is_held_until_a_person_adopts_it(house, lost):
    bridge = house.bridge()
    campaign = house.execute()
    bridge.state.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(house.folder / "bridge.db", house.folder / "backup.db")
    turn(house, bridge)
    assert shown(bridge, campaign)["state"] == "handed over"
    bridge.state.close()
    for name in ("bridge.db-wal", "bridge.db-shm"):
        (house.folder / name).unlink(missing_ok=True)
    {
        "bridge.db": lambda: shutil.copy(house.folder / "backup.db", house.folder / "bridge.db"),
        "bridge.db.mark": (house.folder / "bridge.db.mark").unlink,
    }[lost]()
    state = State(house.folder / "bridge.db")
    with pytest.raises(StateOld):
        state.take()
    state.adopt()
    state.close()
    State(house.folder / "bridge.db").take()
    again = house.started(bridge.config)
    turn(house, again)
    assert set(house.copies().values()) == {1}
    assert len(house.half.world.jobs) == 1


def test_what_an_old_copy_still_wants_to_do_is_uncertain(house):
    bridge = house.bridge()
    campaign = house.execute(lead_seconds=60)
    turn(house, bridge)
    bridge.state.adopt()
    turn(house, bridge, seconds=70)
    assert shown(bridge, campaign)["state"] == "uncertain"
    assert not house.half.world.messages
