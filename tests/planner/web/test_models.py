"""The pages of the models: how often each was right, in words, plots and files."""

import csv
import io
import re
from datetime import timedelta
from html import unescape

import pytest
from tests.fixtures.evidence import DAY, STAGES, evidence

from tandem.planner.modelling.learning import service
from tandem.planner.modelling.learning.domain import LABELS, MEANINGS, RUNG_LABELS, Model, Rung, StageEvidence
from tandem.planner.web.learned.words import how_right


@pytest.fixture
def kept(account, clock):
    made = evidence()
    for nth, one in enumerate((evidence(DAY - timedelta(days=1)), made)):
        service.keep(account.id, nth + 1, one, clock=clock)
    return made


def read(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status, answer.content
    return unescape(answer.content.decode())


def test_the_list_says_for_each_model_what_it_is_how_it_is_made_and_how_often_it_was_right(client, kept):
    page = read(client, "/ui/models")
    for one in kept.models:
        assert LABELS[one.model] in page and MEANINGS[one.model] in page
        assert all(stage.why in page and RUNG_LABELS[stage.rung] in page for stage in one.stages)
    assert "of 100 pairs" in page and "ranked 76 the right way round" in page
    assert "held 34 % of what was spent. Ranking by past spend would have held 27 %." in page
    assert "Leaving explains no more than chance." in page and kept.notes[0] in page
    assert page.count("Level doubtful") == sum(len(stages) > 2 for stages in STAGES.values())


@pytest.mark.parametrize("model", list(Model))
def test_a_back_test_is_drawn_with_the_table_of_every_plot(client, kept, model):
    page = read(client, f"/ui/models/{model}")
    plots = ["deciles", "captures", "factors"]
    plots += [] if model is Model.CONVERSION else ["tracking", "weeks", "frequencies", "by_frequency"]
    assert [one for one in plots if f'<figure class="plot" id="{one}">' not in page] == []
    assert page.count("<figure") == len(plots) == page.count('<details class="plot-table">')
    assert "What this number means" in page and "style=" not in page and "<script>" not in page


def test_a_stage_is_looked_at_alone_and_an_unknown_one_is_all(client, kept):
    assert "Predicted and actual: Active" in read(client, "/ui/models/churn_risk?stage=Active")
    assert "Predicted and actual: " not in read(client, "/ui/models/churn_risk?stage=%3Cb%3E")


@pytest.mark.parametrize("name", ["deciles", "candidates", "gates", "captures", "tracking"])
def test_a_table_is_a_file(client, kept, name):
    answer = client.get(f"/ui/models/churn_risk/{name}.csv")
    assert answer["Content-Disposition"] == f'attachment; filename="churn_risk-{name}.csv"'
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert len(rows[0]) == len(rows[1]) > 1


def test_every_file_that_a_page_links_is_there(client, kept):
    page = read(client, "/ui/models/future_value")
    links = set(re.findall(r'href="(/ui/models/[^"]*\.csv)"', page))
    assert len(links) > 10
    assert {client.get(link).status_code for link in links} == {200}


def test_making_them_anew_is_asked_for_once(client, kept, account):
    assert "Make them anew" in read(client, "/ui/models")
    assert client.post("/ui/models").status_code == 302
    page = read(client, "/ui/models")
    assert "Make them anew" not in page and "Made anew with the next snapshot" in page
    assert service.models_of(account.id).retrain_asked


def test_a_viewer_reads_and_does_not_ask(kept, account, sign_in):
    viewer = sign_in(account, "viewer")
    assert "Make them anew" not in read(viewer, "/ui/models")
    assert viewer.post("/ui/models").status_code == 403


def test_what_could_not_be_checked_is_said(client, account, clock):
    service.keep(account.id, 1, evidence(judged=False), clock=clock)
    assert "Not checked yet" in read(client, "/ui/models")
    page = read(client, "/ui/models/future_value")
    assert "Not checked yet" in page and 'id="deciles"' not in page


def test_before_the_first_night_the_page_says_what_to_do(client):
    assert "Import a file" in read(client, "/ui/models")
    assert "not learnt yet" in read(client, "/ui/models/churn_risk", 404)


def test_another_account_sees_nothing_of_it(kept, other_account, sign_in):
    other = sign_in(other_account)
    assert "The first night makes the models" in read(other, "/ui/models")
    for address in ("churn_risk", "churn_risk/deciles.csv"):
        read(other, f"/ui/models/{address}", 404)


@pytest.mark.parametrize("address", ["nothing", "churn_risk/nothing.csv", "nothing/deciles.csv"])
def test_what_is_not_there_is_said(client, kept, address):
    assert "There is no such" in read(client, f"/ui/models/{address}", 404)


@pytest.mark.parametrize(
    ("auc", "capture", "past", "ratio", "said"),
    [
        (0.8, 0.3, 0.2, 1.0, "It ranks well"),
        (0.5, None, None, None, "It hardly ranks"),
        (None, 0.2, 0.3, None, "Ranking by past spend held more: 30 %. It does not beat that."),
        (None, 0.2, 0.2, None, "Ranking by past spend held as much."),
        (None, None, None, 1.5, "Use the order it gives, not the level."),
        (None, None, None, None, "Not checked yet"),
    ],
)
def test_figures_are_told_as_they_are(auc, capture, past, ratio, said):
    found = StageEvidence(
        stage="New",
        customers=1,
        rung=Rung.BASE,
        why="",
        auc=auc,
        capture=capture,
        past_capture=past,
        ratio=ratio,
    )
    assert said in " ".join(how_right(Model.CHURN, found))
