"""Passkeys: requests to a browser's authenticator, and checks of its answers.

A passkey belongs to one host name, that of `PUBLIC_URL`. Browsers use passkeys over https only, or on localhost. The
`webauthn` library does the protocol, WebAuthn.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.models import Passkey, Role, User, now

MOST_OF_A_USER = 10
LONGEST_NAME = 80
HERE = frozenset({"localhost"})


class PasskeyRefused(Exception):
    """A passkey that can't be added or used; the text says why."""


@dataclass(frozen=True)
class Place:
    """The console's address, as passkeys know it."""

    host: str
    origin: str
    is_safe: bool

    @classmethod
    def of(cls, public_address: str) -> Self:
        """The place of an address such as `https://orders.example.com`."""
        parts = urlsplit(public_address)
        host = parts.hostname or ""
        return cls(host, f"{parts.scheme}://{parts.netloc}", parts.scheme == "https" or host in HERE)


def of_user(session: Session, user_id: int) -> Sequence[Passkey]:
    """The user's passkeys, the oldest first."""
    return session.scalars(select(Passkey).filter_by(user_id=user_id).order_by(Passkey.id)).all()


def creation(place: Place, user: User, existing: Sequence[Passkey]) -> dict[str, Any]:
    """What the browser needs in order to make a passkey; `challenge` comes back with its answer."""
    # Imported here: the library takes 20 MB, and most processes never need it.
    from webauthn import generate_registration_options, options_to_json  # noqa: PLC0415
    from webauthn.helpers.structs import (  # noqa: PLC0415
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    options = generate_registration_options(
        rp_id=place.host,
        rp_name="Fiber orders",
        user_id=str(user.id).encode(),
        user_name=user.name,
        exclude_credentials=_descriptors(existing),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED, user_verification=UserVerificationRequirement.PREFERRED
        ),
    )
    return dict(json.loads(options_to_json(options)))


def add(session: Session, place: Place, user_id: int, *, challenge: str, answer: str, name: str) -> Passkey:
    """Keep the passkey that the browser made. Raises `PasskeyRefused`."""
    from webauthn import verify_registration_response  # noqa: PLC0415
    from webauthn.helpers import base64url_to_bytes, bytes_to_base64url  # noqa: PLC0415
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    if len(of_user(session, user_id)) >= MOST_OF_A_USER:
        raise PasskeyRefused(f"There are {MOST_OF_A_USER} passkeys already; remove one first")
    try:
        made = verify_registration_response(
            credential=answer,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=place.host,
            expected_origin=place.origin,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise PasskeyRefused("The browser's answer does not fit; add the passkey again") from None
    passkey = Passkey(
        user_id=user_id,
        credential_id=bytes_to_base64url(made.credential_id),
        public_key=bytes_to_base64url(made.credential_public_key),
        sign_count=made.sign_count,
        name=" ".join(name.split())[:LONGEST_NAME] or "Passkey",
    )
    session.add(passkey)
    session.flush()
    return passkey


def request(place: Place, existing: Sequence[Passkey]) -> dict[str, Any]:
    """What the browser needs in order to use one of the passkeys."""
    from webauthn import generate_authentication_options, options_to_json  # noqa: PLC0415

    options = generate_authentication_options(rp_id=place.host, allow_credentials=_descriptors(existing))
    return dict(json.loads(options_to_json(options)))


def check(session: Session, place: Place, user_id: int, challenge: str, answer: str) -> None:
    """Return when the answer was made with one of the user's passkeys; raises `PasskeyRefused`."""
    from webauthn import verify_authentication_response  # noqa: PLC0415
    from webauthn.helpers import base64url_to_bytes, parse_authentication_credential_json  # noqa: PLC0415
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    try:
        credential = parse_authentication_credential_json(answer)
        passkey = session.scalar(select(Passkey).filter_by(user_id=user_id, credential_id=credential.id))
        if passkey is None:
            raise PasskeyRefused("This passkey is not known here")
        used = verify_authentication_response(
            credential=credential,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=place.host,
            expected_origin=place.origin,
            credential_public_key=base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise PasskeyRefused("The passkey's answer does not fit; try again") from None
    passkey.sign_count, passkey.used_at = used.new_sign_count, now()


def remove(session: Session, user_id: int, passkey_id: int) -> bool:
    """Delete one of the user's passkeys; returns whether it was there."""
    row = session.get(Passkey, passkey_id)
    if row is None or row.user_id != user_id:
        return False
    session.delete(row)
    return True


def remove_all(session: Session, user: User) -> int:
    """Delete all of the user's passkeys, as when one is lost; returns how many."""
    count = len(of_user(session, user.id))
    session.execute(delete(Passkey).filter_by(user_id=user.id))
    return count


def ask_of_administrators(session: Session, needed: bool) -> None:
    """Set whether administrators need a passkey, as they may suspend and cancel services."""
    for user in session.scalars(select(User).filter_by(role=Role.ADMINISTRATOR)):
        user.needs_passkey = needed


def are_asked(session: Session) -> bool:
    """Whether administrators need a passkey; users who become administrators need one then, too."""
    asked = select(User.id).filter_by(role=Role.ADMINISTRATOR, needs_passkey=True).limit(1)
    return session.scalar(asked) is not None


def _descriptors(passkeys: Sequence[Passkey]) -> list[Any]:
    from webauthn.helpers import base64url_to_bytes  # noqa: PLC0415
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor  # noqa: PLC0415

    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.credential_id)) for each in passkeys]
