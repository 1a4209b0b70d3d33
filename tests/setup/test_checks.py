"""What is advised where a system can't be used."""

from app.remote.mail import MailFailed, SignInRefused
from app.setup import checks


def test_a_refused_sign_in_leads_to_the_name_and_the_password() -> None:
    assert checks.advice(SignInRefused("535")) == "Check MAIL_USERNAME and MAIL_PASSWORD."
    assert "MAIL_SERVER" in checks.advice(MailFailed("nothing answers"))
