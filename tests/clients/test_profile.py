import pytest

from tandem.clients.profile import MESSENGER, PLAIN, ProfileWrong, dump, parse

TEXT = """
name = "Example"
version = "v3.0"

[login]
token_key = "Token"
token_header = "Authorization"
token_prefix = "Bearer "

[answers]
envelope = "data"
empty_status = [404]
written = [200, 204]

[paging]
top = "limit"
skip = "page"
size = 500
counts = "pages"

[formats]
date = "%d/%m/%Y"
time = "epoch ms"
asked_date = "%Y%m%d"
text_ids = true

[keys]
CustomerID = "CustID"
ScheduledTime = "SendTime"

[missing]
ActionID = 2

[functions]
"general/GetLastDataUpdate" = "general/LastUpdate"
"""


class TestProfile:
    def test_documents_are_mended(self):
        profile = parse(TEXT)
        document = {
            "data": [
                {"custid": "a", "SendTime": 1_480_500_000_000, "Rows": [{"Date": "24/06/2015"}], "Date": None}
            ]
        }
        assert profile.mended(document) == [
            {
                "CustomerID": "a",
                "ScheduledTime": "2016-11-30 10:00:00+00:00",
                "Rows": [{"Date": "2015-06-24"}],
                "Date": None,
                "ActionID": 2,
            }
        ]

    def test_a_field_that_is_there_is_not_replaced(self):
        assert parse("[missing]\nActionID = 2").mended({"actionid": 7}) == {"actionid": 7}

    def test_requests_speak_their_words(self):
        profile = parse(TEXT + '\n[asked]\nListenerURL = "Url"')
        assert profile.path("General/getlastdataupdate") == "v3.0/general/LastUpdate"
        assert profile.page(1000, 500) == {"limit": 500, "page": 3}
        assert profile.outgoing([{"ChannelID": 5, "ListenerURL": "x", "MetricValue": 3}]) == [
            {"ChannelID": "5", "Url": "x", "MetricValue": 3}
        ]

    def test_what_is_written_reads_the_same(self):
        profile = parse(TEXT)
        assert parse(dump(profile)) == profile
        assert dump(PLAIN).strip() == ""
        assert parse("") == PLAIN

    def test_no_version(self):
        assert parse('version = ""').path("general/login") == "general/login"

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("a = ", "not TOML"),
            ("[colour]\nof = 1", "'colour'"),
            ("[paging]\nlimit = 1", r"\[paging\] has 'limit'"),
            ("[paging]\nsize = 'x'", r"\[paging\] size is not a whole number"),
            ("[paging]\nsize = true", r"\[paging\] size is not a whole number"),
            ("[paging]\ncounts = 'pages'", "without a size"),
            ("[formats]\ndate = 'd/m'", "does not hold a day"),
            ("[formats]\nasked_date = 'epoch'", "does not hold a day"),
            ("[answers]\nempty_status = [777]", "statuses"),
            ("[keys]\nCustomerID = 3", "single value"),
            ("[keys]\nA = 'x'\nB = 'X'", "twice"),
            ("[missing]\nA = [1]", "single value"),
            ("version = '../x'", "version is"),
            ("[functions]\nA = 'http://elsewhere/x'", "not a path"),
            ("[functions]\nA = '/x'", "not a path"),
            ("keys = 3", "not a table"),
            ("x" * 70_000, "longer"),
        ],
    )
    def test_what_is_wrong_is_named(self, text, words):
        with pytest.raises(ProfileWrong, match=words):
            parse(text)


MESSENGERS = """
[paging]
size = 500
counts = "none"

[formats]
time = "%Y-%m-%dT%H:%M:%S%z"
asked_time = "epoch"

[missing]
active = true

[values]
"channelTypeId.EMAIL" = 1
"status.DONE" = "FINISHED"
"""


class TestOfAMessenger:
    def test_what_it_does_not_say_is_its_contract(self):
        profile = parse("", MESSENGER)
        assert profile == MESSENGER and dump(profile, MESSENGER).strip() == ""
        assert profile.path("lists/{listId}") == "lists/{listId}"
        assert profile.page_after(17, 900, 9, 100) == {"pageSize": 100, "lastId": 17}

    @pytest.mark.parametrize(
        ("text", "asked"),
        [
            ('counts = "none"', {}),
            ('counts = "rows"\nskip = "offset"', {"pageSize": 100, "offset": 900}),
            ('counts = "pages"\nskip = "page"\nsize = 100', {"pageSize": 100, "page": 10}),
        ],
    )
    def test_paging(self, text, asked):
        assert parse(f"[paging]\n{text}", MESSENGER).page_after(17, 900, 9, 100) == asked

    def test_words_times_and_what_is_missing(self):
        profile = parse(MESSENGERS, MESSENGER)
        assert parse(dump(profile, MESSENGER), MESSENGER) == profile
        document = {
            "channelTypeId": "email",
            "status": "Done",
            "dateCreated": "2026-11-23T14:45:00+0100",
            "optOutDate": 0,
        }
        assert profile.mended(document) == {
            "channelTypeId": 1, "status": "FINISHED", "dateCreated": 1_795_441_500_000, "optOutDate": 0, "active": True,
        }  # fmt: skip

    def test_a_delivery_time_in_their_form(self):
        body = {"id": 7, "deliveryTime": "2026-11-23T14:45:00+0100"}
        assert parse(MESSENGERS, MESSENGER).outgoing(body) == {"id": 7, "deliveryTime": 1_795_441_500}

    @pytest.mark.parametrize("text", ['[paging]\ncounts = "ids"', '[formats]\nasked_time = "soon"'])
    def test_what_is_not_for_a_planner_or_for_nobody(self, text):
        with pytest.raises(ProfileWrong):
            parse(text)
