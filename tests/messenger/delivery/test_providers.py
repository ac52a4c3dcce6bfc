import pytest

from tandem.messenger.delivery.domain import AttemptState, Channel, Message
from tandem.messenger.delivery.errors import OutboundStopped, ProviderRefused
from tandem.messenger.delivery.providers import file
from tandem.messenger.delivery.providers.choose import provider_for
from tandem.messenger.delivery.providers.file import FileProvider
from tandem.messenger.delivery.smtp.provider import SmtpProvider

SETTING = {
    "TANDEM_PROVIDER": "file",
    "TANDEM_PROVIDER_LOCK": "0",
    "TANDEM_SMTP_HOST": "127.0.0.1",
    "TANDEM_SMTP_PORT": "25",
    "TANDEM_SMTP_USER": "",
    "TANDEM_SMTP_PASSWORD_FILE": "",
    "TANDEM_SMTP_STARTTLS": "0",
}


def message(attempt_id: int = 1, to: str = "ann@people.example", **changes: object) -> Message:
    return Message(
        **{
            "attempt_id": attempt_id,
            "account_id": 5004,
            "sending_id": 3,
            "channel": Channel.EMAIL,
            "sender": "news@northwind.example",
            "recipient": to,
            "content": f"Message-ID: <{attempt_id}@x>\r\nX-Tandem-Campaign: 42\r\n\r\n.hello\r\n".encode(),
            **changes,
        }
    )


def yes() -> bool:
    return True


class TestFile:
    def test_a_message_written_twice_is_one_message(self, tmp_path):
        provider = FileProvider(tmp_path)
        for _ in range(2):
            assert provider.send(message(9), yes).state is AttemptState.ACCEPTED
        provider.settle()
        box = file.folder(tmp_path, 5004, "email")
        assert [path.name for path in file.files(box)] == ["3.9.tandem"]
        assert file.distinct(box, [3]) == 1
        assert file.distinct(box, [4]) == 0
        assert provider.arrived(message(9))
        assert not provider.arrived(message(10))

    def test_a_message_that_was_read_has_still_arrived(self, tmp_path):
        provider = FileProvider(tmp_path)
        provider.send(message(9), yes)
        provider.settle()
        box = file.folder(tmp_path, 5004, "email")
        (box / "new" / "3.9.tandem").rename(box / "cur" / "3.9.tandem:2,S")
        assert provider.arrived(message(9))
        assert file.distinct(box, None) == 1

    def test_what_is_not_settled_is_not_there(self, tmp_path):
        provider = FileProvider(tmp_path)
        provider.send(message(9), yes)
        box = file.folder(tmp_path, 5004, "email")
        assert list(file.files(box)) == []

        assert not FileProvider(tmp_path).arrived(message(9))

        assert list((box / "tmp").iterdir()) == []

    def test_a_full_disk_at_the_sync_stops_the_way_out(self, tmp_path, monkeypatch):
        provider = FileProvider(tmp_path)
        provider.send(message(9), yes)

        def full(handle):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(file.os, "fsync", full)
        with pytest.raises(OutboundStopped, match="No space left"):
            provider.settle()

    def test_a_stop_writes_nothing(self, tmp_path):
        provider = FileProvider(tmp_path)
        assert provider.send(message(9), lambda: False) is None
        assert list(file.files(file.folder(tmp_path, 5004, "email"))) == []

    @pytest.mark.parametrize("name", ["../../key", "x", "1.2.tandem/../../x", "*"])
    def test_names_that_are_not_ours_find_nothing(self, tmp_path, name):
        FileProvider(tmp_path).send(message(9), yes)
        assert file.find(file.folder(tmp_path, 5004, "email"), name) is None


class TestChoice:
    def test_the_lock_allows_file_only(self, tmp_path):
        locked = {**SETTING, "TANDEM_PROVIDER": "smtp", "TANDEM_PROVIDER_LOCK": "1"}
        with pytest.raises(ProviderRefused):
            provider_for(Channel.EMAIL, tmp_path, locked)

    def test_text_messages_leave_by_file_beside_a_relay(self, tmp_path):
        setting = {**SETTING, "TANDEM_PROVIDER": "smtp"}
        assert isinstance(provider_for(Channel.EMAIL, tmp_path, setting), SmtpProvider)
        assert isinstance(provider_for(Channel.SMS, tmp_path, setting), FileProvider)

    def test_an_unknown_way_out_is_refused(self, tmp_path):
        with pytest.raises(ProviderRefused):
            provider_for(Channel.EMAIL, tmp_path, {**SETTING, "TANDEM_PROVIDER": "pigeon"})
