"""What is advised where a system can't be used."""

import powercode
from app.remote.mail import MailFailed, SignInRefused
from app.setup import settings_checks


def test_a_refused_sign_in_leads_to_the_name_and_the_password() -> None:
    assert settings_checks.advice(SignInRefused("535")) == "Check MAIL_USERNAME and MAIL_PASSWORD."
    assert "MAIL_SERVER" in settings_checks.advice(MailFailed("nothing answers"))


def test_a_certificate_that_is_not_trusted_leads_to_the_commands_that_save_it() -> None:
    error = powercode.NeverArrived("the server's certificate is not trusted (self-signed certificate)")
    assert settings_checks.advice(error).endswith(
        'PC_VERIFY_SSL: docs/alerts.md, "PowerCode\'s certificate", has the commands.'
    )
    assert "whether PowerCode runs" in settings_checks.advice(powercode.NeverArrived("nothing answers"))
