"""Messages of Amazon SNS: whether they are genuine, and whose topic they come from.

A signature proves that SNS sent a message, and no more: anybody can have a topic. So a message counts only with our
token in its address, or when its topic belongs to the account whose credentials we read the report with. Of a message's
addresses we fetch only the certificate's, which must have exactly AWS's form. The address of a confirmation is built
here.

Source: AWS's developer guide of SNS, "Verifying the signatures of Amazon SNS messages".
"""

import base64
import binascii
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import cryptography  # noqa: F401 - the package alone: a start names it where it is missing; the rest comes when needed

from app.callbacks.bodies import CallbackRefused
from app.callbacks.refused_callbacks import Allowance
from wire import Failure, Reply, Request, Transport

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

CONFIRMATIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
SIGNED: Mapping[str, tuple[str, ...]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    **dict.fromkeys(CONFIRMATIONS, ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")),
}
"""The fields that are signed, in this order, by the message's type."""
HASHES: Mapping[str, str] = {"1": "SHA1", "2": "SHA256"}
"""By the version of the signature, whose default is AWS's choice."""

# A region begins with exactly two letters: sns.s3.amazonaws.com, or sns.s3-us-west-2, may be anybody's bucket.
REGION = r"[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}"
TOPIC = re.compile(rf"arn:(aws[a-z-]*):sns:({REGION}):([0-9]{{12}}):[A-Za-z0-9_.-]{{1,256}}", re.ASCII)
CERTIFICATE = re.compile(rf"https://sns\.{REGION}\.amazonaws\.com(?:\.cn)?/SimpleNotificationService-[0-9a-zA-Z]+\.pem")
LONGEST_ADDRESS = 200
MOST_CERTIFICATES = 8
LARGEST_ANSWER = 64 * 1024
SECONDS = 5.0
"""For each part of a call to AWS: SNS waits for 15 seconds."""
TOO_BUSY = "Amazon SNS can't be asked just now. Send it again in a minute"


@dataclass(frozen=True)
class Topic:
    """Where a message comes from."""

    arn: str
    partition: str
    region: str
    account: str

    def confirmation(self, token: str) -> str:
        """The address that confirms a subscription to it: SNS's own, whatever the message says."""
        domain = "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"
        fields = {"Action": "ConfirmSubscription", "TopicArn": self.arn, "Token": token}
        return f"https://sns.{self.region}.{domain}/?{urlencode(fields)}"


def is_message(content: Mapping[str, Any]) -> bool:
    """Whether a body is a message of SNS's."""
    return str(content.get("Type")) in SIGNED and "TopicArn" in content


def topic_of(message: Mapping[str, Any]) -> Topic:
    """The message's topic. Raises `CallbackRefused`."""
    found = TOPIC.fullmatch(str(message.get("TopicArn")))
    if found is None:
        raise CallbackRefused(400, "TopicArn is no topic of Amazon SNS")
    return Topic(found[0], found[1], found[2], found[3])


def text_to_sign(message: Mapping[str, Any]) -> bytes:
    """What SNS signed of a message."""
    names = [name for name in SIGNED[message["Type"]] if name in message or name != "Subject"]
    return "".join(f"{name}\n{message.get(name, '')}\n" for name in names).encode("utf-8", "surrogatepass")


def check_signature(message: Mapping[str, Any], certificate: "Certificate", moment: datetime) -> None:
    """Raises `CallbackRefused` unless SNS's certificate, valid at `moment`, signed the message."""
    # A fiftieth of a start, and 6 MB; few let S3 send messages.
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415

    key, algorithm = certificate.public_key(), HASHES.get(str(message.get("SignatureVersion")))
    if not isinstance(key, rsa.RSAPublicKey) or algorithm is None:
        raise CallbackRefused(401, "The message of Amazon SNS is signed in a way that is not known here")
    if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
        raise CallbackRefused(401, "The certificate of Amazon SNS is not valid today; check this server's clock")
    try:
        signature = base64.b64decode(str(message.get("Signature")), validate=True)
        key.verify(signature, text_to_sign(message), padding.PKCS1v15(), getattr(hashes, algorithm)())
    except (InvalidSignature, binascii.Error, ValueError):
        raise CallbackRefused(401, "The message's signature is not Amazon SNS's") from None


class Sns:
    """What is known of SNS in this process: its certificates, and our own account at AWS.

    Strangers can cause calls to AWS, so few calls are made, and never two at a time.
    """

    def __init__(self) -> None:
        self.certificates: dict[str, Certificate] = {}
        self.account: str | None = None
        self._calls = Allowance(10, 30)
        self._calling = threading.Lock()
        self._transport = Transport(connect_timeout=SECONDS, read_timeout=SECONDS, deadline=2 * SECONDS)

    def check(self, message: Mapping[str, Any], *, has_token: bool) -> Topic:
        """The topic that a message comes from. Raises `CallbackRefused` when we don't trust it, or can't tell now."""
        topic = topic_of(message)
        address = str(message.get("SigningCertURL"))[: LONGEST_ADDRESS + 1]
        if len(address) > LONGEST_ADDRESS or not CERTIFICATE.fullmatch(address):
            raise CallbackRefused(401, "SigningCertURL is no address of Amazon SNS's")
        if address not in self.certificates:
            self._learn_certificate(address)
        check_signature(message, self.certificates[address], datetime.now(UTC))
        if not has_token and topic.account != self._own_account():
            raise CallbackRefused(
                401, "The topic belongs to another account at AWS. Put the token into the address: ?token="
            )
        return topic

    def confirm(self, topic: Topic, token: str) -> None:
        """Confirm our subscription to a topic. Raises `CallbackRefused` when SNS doesn't take it."""
        answer = self._fetch(topic.confirmation(token))
        if answer.status != 200:
            raise CallbackRefused(502, f"Amazon SNS did not take the confirmation (HTTP {answer.status})")

    def _learn_certificate(self, address: str) -> None:
        from cryptography import x509  # noqa: PLC0415 - as above

        answer = self._fetch(address)
        try:
            certificate = x509.load_pem_x509_certificate(answer.body)
        except ValueError:
            raise CallbackRefused(401, "SigningCertURL leads to no certificate of Amazon SNS's") from None
        if len(self.certificates) >= MOST_CERTIFICATES:
            self.certificates.pop(next(iter(self.certificates)), None)
        self.certificates[address] = certificate

    def _fetch(self, address: str) -> Reply:
        with self._one_call():
            answer = self._transport.exchange(Request("GET", address), LARGEST_ANSWER)
        if isinstance(answer, Failure):
            raise CallbackRefused(503, f"Amazon SNS can't be asked: {answer.detail}. Send it again in a minute")
        return answer

    def _own_account(self) -> str:
        if self.account is None:
            with self._one_call():
                self.account = _account_of_our_credentials()
        return self.account

    @contextmanager
    def _one_call(self) -> Iterator[None]:
        if not self._calling.acquire(blocking=False):
            raise CallbackRefused(503, TOO_BUSY)
        try:
            if not self._calls.take():
                raise CallbackRefused(503, TOO_BUSY)
            yield
        finally:
            self._calling.release()


def _account_of_our_credentials() -> str:
    """The account whose credentials the report is read with. Every AWS user may ask that."""
    import boto3  # noqa: PLC0415 - takes half a second, few need it
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    limits = Config(connect_timeout=SECONDS, read_timeout=SECONDS, retries={"total_max_attempts": 1})
    try:
        return str(boto3.session.Session().client("sts", config=limits).get_caller_identity()["Account"])
    except (BotoCoreError, ClientError, ValueError) as error:
        raise CallbackRefused(
            503, f"AWS doesn't say whose credentials ours are ({type(error).__name__}). Put the token into the address"
        ) from None
