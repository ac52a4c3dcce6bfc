import pytest
from django.test import Client

PASSWORD = "correct horse battery"

pytestmark = pytest.mark.django_db


def test_the_sign_in_page_has_the_frame_of_every_page():
    page = Client().get("/ui/sign-in")
    text = page.content.decode()
    assert page.status_code == 200
    assert "Skip to content" in text
    assert "Business time" in text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert "style=" not in text


def test_every_wrong_pair_gets_the_same_answer(account, sign_in):
    sign_in(account)
    known = Client().post(
        "/ui/sign-in", {"email": "administrator@aster.example", "password": "wrong password"}
    )
    unknown = Client().post("/ui/sign-in", {"email": "nobody@aster.example", "password": "wrong password"})
    assert known.status_code == unknown.status_code == 401
    errors = [answer.context["form"].errors for answer in (known, unknown)]
    assert errors[0] == errors[1]


def test_guessing_is_braked(account):
    answers = [
        Client(REMOTE_ADDR="192.0.2.9").post(
            "/ui/sign-in", {"email": "guess@aster.example", "password": f"wrong {n}"}
        )
        for n in range(30)
    ]
    assert answers[-1].status_code == 429


def test_empty_fields_are_named():
    page = Client().post("/ui/sign-in", {"email": "", "password": ""})
    assert page.status_code == 422
    assert "Give the e-mail address you sign in with." in page.content.decode()
    assert 'href="#id_email"' in page.content.decode()


@pytest.mark.parametrize(
    "wanted", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"]
)
def test_nobody_is_led_elsewhere(account, sign_in, wanted):
    sign_in(account)
    answer = Client().post(
        "/ui/sign-in", {"email": "administrator@aster.example", "password": PASSWORD, "next": wanted}
    )
    assert answer.headers["Location"] == "/ui/"


def test_signing_out_needs_a_post_and_ends_the_session(client):
    assert client.get("/ui/sign-out").status_code == 405
    assert client.post("/ui/sign-out").status_code == 302
    answer = client.get("/ui/settings")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/ui/sign-in?next=")


def test_forms_need_the_token(account, sign_in):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/ui/sign-in", {"email": "a@b.example", "password": "x"}).status_code == 403
