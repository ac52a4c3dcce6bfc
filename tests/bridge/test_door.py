"""The bridge as a process: it starts at once, registers, hears, is told to stop; its commands beside it."""

import subprocess
import sys
import urllib.error
import urllib.request

import orjson
import pytest
from tests.fixtures import joined
from tests.fixtures.joined import EMAIL, ENVIRONMENT, SMS, free_port, process, status, until

from tandem.bridge import listen
from tandem.bridge.config_file import load
from tandem.bridge.state import State
from tandem.kit.clock import OffsetClock


@pytest.fixture
def house(tmp_path):
    with joined.running(tmp_path, OffsetClock()) as found:
        yield found


def get(url, body=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=5) as answer:
            return answer.status, orjson.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, orjson.loads(error.read())
    except OSError:
        return 0, None


class Running:
    def __init__(self, house, **words):
        self.port = free_port()
        house.write(port=self.port, hears="events", poll=600, **words)
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = process(house, "--config", str(house.path))
        until(lambda: get(self.url + "/health")[0] == 200)

    def end(self):
        self.process.terminate()
        output, _ = self.process.communicate(timeout=30)
        return self.process.returncode, output.decode()


def campaigns(house):
    return {one["campaign"]: one for pair in status(house)["pairs"] for one in pair["campaigns"]}


def test_from_the_event_to_the_job_and_back(house):
    running = Running(house, report_hours="[0]")
    try:
        until(lambda: len(house.world.listeners) == 4)
        url = house.world.listeners[13, EMAIL]
        assert url.startswith(f"{running.url}/listener/") and len(url.rsplit("/", 1)[1]) >= 40
        first, second = house.execute(EMAIL), house.execute(SMS)
        until(lambda: house.metrics(first) and house.metrics(second))
        assert set(house.copies().values()) == {1}
        found = campaigns(house)
        assert found[first]["state"] == found[second]["state"] == "handed over"
        told = [one for one in house.planner.simulator.half.events if one["body"]["EventTypeID"] == 13]
        assert [one["answer"] for one in told] == [200, 200]
        for campaign, template in ((first, 11), (second, 12)):
            sent = sum(of == template for of, _ in house.copies())
            assert house.metrics(campaign)[0] == house.half.world.statistics(template)["sent"] == sent
        assert get(f"{running.url}/listener/{'x' * 43}", b"{}")[0] == 404
        assert get(f"{running.url}/")[0] == 404
        assert get(url, b"x" * 70_000)[0] == 413
        other = process(house, "run", "--config", str(house.path))
        output, _ = other.communicate(timeout=60)
        assert other.returncode == 1 and b"cannot be listened on" in output
    finally:
        code, output = running.end()
    assert code == 0
    secret = url.rsplit("/", 1)[1]
    for private in (secret, "people.example", "100001", "Traceback", *ENVIRONMENT.values()):
        assert private not in output


def test_a_rotated_address_counts_beside_the_old_one_for_a_while(house):
    config = load(house.write(hears="events"), ENVIRONMENT)
    bridge = house.started(config)
    shop = bridge.pairs["shop"]
    old = house.world.listeners[13, EMAIL].rsplit("/", 1)[1]
    listen.rotate(bridge.state, "shop", shop.now(), overlap=100)
    bridge.once()
    new = house.world.listeners[13, EMAIL].rsplit("/", 1)[1]
    assert new != old
    assert (
        listen.pair_of(bridge.state, old, shop.now())
        == listen.pair_of(bridge.state, new, shop.now())
        == "shop"
    )
    assert listen.pair_of(bridge.state, old, shop.now() + 101) is None
    assert listen.pair_of(bridge.state, new, shop.now() + 101) == "shop"
    listen.unregister(shop)
    assert not house.world.listeners


def test_the_secret_is_not_in_the_state_as_it_is(house):
    state = State(house.folder / "bridge.db")
    secret = listen.secret_of(state, "shop", 0)
    state.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert secret.encode() not in state.path.read_bytes()
    assert state.path.stat().st_mode & 0o077 == 0


def test_anothers_listener_is_not_replaced_unless_told_to(house):
    house.world.listeners[13, EMAIL] = "https://vendor.example/hook"
    bridge = house.started(load(house.write(hears="events"), ENVIRONMENT))
    assert house.world.listeners == {(13, EMAIL): "https://vendor.example/hook"}
    problem = joined.overview(bridge.config, bridge.state)["pairs"][0]["problem"]
    assert "another listener of channel 504" in problem
    path = house.write(hears="events")
    path.write_text(path.read_text().replace("[pair.planner]", "[pair.planner]\nreplace_listener = true"))
    house.started(load(path, ENVIRONMENT))
    assert house.world.listeners[13, EMAIL].startswith("http://127.0.0.1:18400/listener/")


def test_it_starts_without_django_and_without_a_database_server():
    code = "import sys, tandem.bridge.cli, tandem.bridge.run, tandem.bridge.config_file; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"django", "psycopg", "duckdb", "sklearn", "numpy", "pydantic"} & set(loaded)


def test_check_says_what_would_not_work(house):
    house.write()
    found = process(house, "check", "--config", str(house.path), "--json")
    steps = {one["what"]: one for one in orjson.loads(found.communicate(timeout=60)[0])}
    assert found.returncode == 5
    assert [what for what, one in steps.items() if not one["ok"]] == ["Messenger, columns"]
    assert "no attribute promoCode" in steps["Messenger, columns"]["words"]
    assert not house.world.listeners and not house.half.world.jobs


def test_thirty_pairs_each_have_their_address(house):
    names = tuple(f"shop-{number}" for number in range(30))
    path = house.write(names=names, hears="events", port=free_port())
    text = path.read_text()
    for number, name in enumerate(names):  # every pair its own channels: two may not share one
        head, tail = text.split(f'name = "{name}"')
        text = (
            head
            + f'name = "{name}"'
            + tail.replace("id = 504", f"id = {1000 + number}", 1).replace(
                "id = 505", f"id = {2000 + number}", 1
            )
        )
    path.write_text(text)
    running = process(house, "--config", str(path))
    try:
        port = text.split('listen = "127.0.0.1:')[1].split('"')[0]
        until(lambda: get(f"http://127.0.0.1:{port}/health")[0] == 200)
        until(lambda: len(house.world.listeners) == 4 * len(names))
        assert len(set(house.world.listeners.values())) == len(names)
    finally:
        running.terminate()
        running.communicate(timeout=30)
