"""`POST /digest-source`: who is believed that the report was uploaded, and that no address of theirs is fetched."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from pydantic import SecretStr
from sqlalchemy import delete, select

from app.callbacks import s3_events
from app.callbacks.sns import CERTIFICATE, HASHES, Sns, text_to_sign, topic_of
from app.digest.report.s3 import S3Object
from app.models import DigestRun, now
from tests.conftest import Service, wait_for
from tests.tools.callback_requests import stored
from tests.tools.loopback import Answering, answered_by, serving

TOKEN = "tok-5f1c9e"
OURS, OTHERS = "111122223333", "999988887777"
SIGNER = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-9c6465fa7f48f5cacd23014631ec1136.pem"
FROM_AWS = {"x-amz-sns-message-type": "Notification"}


def event(key: str = "weekly+report.csv", **changes: Any) -> dict[str, Any]:
    """S3's event of an upload."""
    where = {"bucket": {"name": "reports"}, "object": {"key": key, "size": 1024}}
    record = {"eventName": "ObjectCreated:Put", "eventTime": f"{now():%Y-%m-%dT%H:%M:%S.000Z}", "s3": where}
    return {"Records": [{**record, **changes}]}


def started(service: Service) -> int:
    return len(service.rows(select(DigestRun.id).filter_by(started_by="upload")))


def send(service: Service, content: Any, query: str = "", **headers: str) -> tuple[int, str]:
    answer = service.client.post(f"/digest-source{query}", data=json.dumps(content), headers=headers)
    return answer.status_code, answer.json.get("data") or answer.json["error"]


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(datetime.now(UTC) - timedelta(days=1))
    return made.not_valid_after(datetime.now(UTC) + timedelta(days=1)).sign(key, hashes.SHA256())


@pytest.fixture
def service(service: Service, certificate: x509.Certificate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A service whose report lies in an S3 that is down; it knows SNS's certificate and its own account already."""
    for name, value in (("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("AWS_EC2_METADATA_DISABLED", "true")):
        monkeypatch.setenv(name, value)
    sns = service.app.extensions["sns"] = Sns()
    sns.certificates[SIGNER], sns.account = certificate, OURS
    half_a_year_away = f"0 0 1 {(now().month + 5) % 12 + 1} *"
    settings = {"report_source": "s3://reports/weekly report.csv", "digest_schedule": half_a_year_away}
    with service.changed(callback_token=SecretStr(TOKEN), retry_minutes=(60.0,), **settings):
        yield service
        wait_for(lambda: not service.services.work_queue.client.list_workflows(status=["PENDING", "ENQUEUED"]))
        service.execute(delete(DigestRun))


def from_sns(key: rsa.RSAPrivateKey, content: Any, account: str = OURS, **changes: Any) -> dict[str, Any]:
    """A message of a topic of `account`, signed as SNS does."""
    message = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": f"arn:aws:sns:us-east-1:{account}:reports",
        "Subject": "Amazon S3 Notification",
        "Message": json.dumps(content),
        "Timestamp": "2026-11-23T08:00:00.000Z",
        "SignatureVersion": "2",
        "SigningCertURL": SIGNER,
        **changes,
    }
    signature = key.sign(
        text_to_sign(message), padding.PKCS1v15(), getattr(hashes, HASHES[message["SignatureVersion"]])()
    )
    return {**message, "Signature": base64.b64encode(signature).decode()}


# With the token


def test_an_upload_with_the_token_starts_the_weeks_run(service: Service) -> None:
    status, words = send(service, event(), f"?token={TOKEN}")

    assert (status, words.endswith("is started"), started(service)) == (200, True, 1)
    assert send(service, event(), **{"X-Callback-Token": TOKEN})[0] == 200
    assert started(service) == 1


def test_without_the_token_it_is_refused_recorded_and_starts_nothing(service: Service) -> None:
    assert send(service, event())[0] == 401
    assert send(service, event(), "?token=other")[0] == 401
    assert send(service, "no object")[0] == 401

    assert [row.status for row in stored(service)] == [401, 401, 401]
    assert started(service) == 0


def test_where_no_token_is_set_an_event_that_nobody_signed_is_refused_as_well(service: Service) -> None:
    with service.changed(callback_token=None):
        assert send(service, event(), "?token=")[0] == 401
    assert started(service) == 0


def test_what_is_no_upload_of_the_report_is_understood_and_starts_nothing(service: Service) -> None:
    with_token = f"?token={TOKEN}"
    for content in (event("other.csv"), event(eventName="ObjectRemoved:Delete"), {"Event": "s3:TestEvent"}):
        assert send(service, content, with_token)[0] == 200
    assert send(service, {"orderref": "UIA-1"}, with_token)[0] == 400
    with service.changed(report_source="file:/srv/report.csv"):
        assert send(service, event(), with_token)[0] == 409
    assert started(service) == 0


# With SNS's signature


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_message_of_our_own_topic_needs_no_token(service: Service, key: rsa.RSAPrivateKey, version: str) -> None:
    assert send(service, from_sns(key, event(), SignatureVersion=version))[0] == 200
    assert started(service) == 1


def test_a_message_that_somebody_sends_again_starts_nothing_more(service: Service, key: rsa.RSAPrivateKey) -> None:
    overheard = from_sns(key, event())
    for _ in range(3):
        assert send(service, overheard)[0] == 200
    service.execute(delete(DigestRun))
    old = from_sns(key, event(eventTime=f"{now() - timedelta(days=8):%Y-%m-%dT%H:%M:%S.000Z}"))

    assert send(service, old) == (200, "The report was uploaded in another week; nothing is started")
    assert started(service) == 0


def test_a_topic_of_another_account_is_believed_only_with_the_token(service: Service, key: rsa.RSAPrivateKey) -> None:
    theirs = from_sns(key, event(), OTHERS)

    assert (send(service, theirs)[0], started(service)) == (401, 0)
    assert (send(service, theirs, f"?token={TOKEN}")[0], started(service)) == (200, 1)


class _Sts(Answering):
    """Says whose the credentials are, as AWS does."""

    def do_POST(self) -> None:
        said = f"<Account>{OURS}</Account><UserId>x</UserId><Arn>arn:aws:iam::{OURS}:user/x</Arn>"
        name = "GetCallerIdentity"
        self.answer(200, f"<{name}Response><{name}Result>{said}</{name}Result></{name}Response>".encode())


@pytest.mark.long
def test_whose_account_ours_is_is_asked_of_aws_once(
    service: Service, key: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    sns = service.app.extensions["sns"]
    sns.account = None
    assert send(service, from_sns(key, event()))[0] == 503, "nobody says whose our credentials are"
    for name, value in (("ACCESS_KEY_ID", "AKIAEXAMPLE"), ("SECRET_ACCESS_KEY", "x"), ("DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)

    with serving(answered_by(_Sts)) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts)
        assert send(service, from_sns(key, event(), OTHERS))[0] == 401

    assert send(service, from_sns(key, event()))[0] == 200
    assert sns.account == OURS


def test_strangers_make_few_calls_to_aws(service: Service, key: rsa.RSAPrivateKey) -> None:
    sns = service.app.extensions["sns"]
    while sns._calls.take():
        pass
    unknown = SIGNER.replace("136.pem", "999.pem")

    assert send(service, from_sns(key, event(), SigningCertURL=unknown))[0] == 503
    assert send(service, from_sns(key, event()))[0] == 200, "the certificate that is known needs no call"


def test_a_message_that_was_changed_is_refused_even_with_the_token(service: Service, key: rsa.RSAPrivateKey) -> None:
    genuine = from_sns(key, event("other.csv"))
    changed = {**genuine, "Message": json.dumps(event())}

    assert send(service, changed, f"?token={TOKEN}")[0] == 401
    assert send(service, {**genuine, "Signature": "AAAA"})[0] == 401
    assert send(service, {**genuine, "SignatureVersion": "3"})[0] == 401
    assert started(service) == 0


@pytest.mark.parametrize(
    "address",
    [
        SIGNER.replace("https", "http"),
        SIGNER.replace("us-east-1.amazonaws.com", "us-east-1.amazonaws.com.example.com"),
        SIGNER.replace("sns.us-east-1", "sns.s3"),
        SIGNER.replace("sns.us-east-1", "sns.s3-us-west-2"),
        SIGNER.replace("sns.", "sns.example.com/sns."),
        SIGNER.replace("https://", "https://sns.us-east-1.amazonaws.com@127.0.0.1/"),
        SIGNER.replace("amazonaws.com/", "amazonaws.com:8443/"),
        SIGNER.replace("/Simple", "/bucket/Simple"),
        SIGNER + "?x=.pem",
        SIGNER + "\n",
        "https://127.0.0.1/SimpleNotificationService-1.pem",
        "file:///etc/passwd",
    ],
)
def test_no_certificate_is_fetched_from_an_address_that_is_not_snss(
    service: Service, key: rsa.RSAPrivateKey, address: str
) -> None:
    assert CERTIFICATE.fullmatch(address) is None
    status, words = send(service, from_sns(key, event(), SigningCertURL=address), f"?token={TOKEN}")

    assert (status, words) == (401, "SigningCertURL is no address of Amazon SNS's")


def test_a_subscription_is_confirmed_at_snss_own_address_whatever_the_message_says(key: rsa.RSAPrivateKey) -> None:
    message = from_sns(key, {}, Type="SubscriptionConfirmation", Token="t&k", SubscribeURL="http://127.0.0.1:1/")
    topic = topic_of(message)

    assert topic.confirmation(message["Token"]) == (
        "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription"
        "&TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A111122223333%3Areports&Token=t%26k"
    )


@pytest.mark.parametrize("arn", ["arn:aws:sns:evil.example.com/:111122223333:x", "arn:aws:sqs:us-east-1:1:x", None, 7])
def test_a_topic_that_is_none_is_refused(service: Service, key: rsa.RSAPrivateKey, arn: Any) -> None:
    assert send(service, from_sns(key, event(), TopicArn=arn), f"?token={TOKEN}")[0] == 400


def test_a_strangers_confirmation_is_not_followed(service: Service, key: rsa.RSAPrivateKey) -> None:
    theirs = from_sns(key, {}, OTHERS, Type="SubscriptionConfirmation", Token="t", SubscribeURL="https://example.com/")

    assert send(service, theirs)[0] == 401


# Its forms


def test_a_key_is_decoded_as_each_sender_writes_it() -> None:
    report = S3Object("reports", "weekly report+1.csv")
    bridge = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": "2026-11-23T08:00:00Z",
        "detail": {"bucket": {"name": "reports"}, "object": {"key": "weekly report+1.csv"}},
    }
    minio = event("weekly+report%2B1.csv", eventName="s3:ObjectCreated:Put")

    for content in (bridge, minio, event("weekly+report%2B1.csv")):
        assert [upload.where for upload in s3_events.uploads(content) or []] == [report]


@pytest.mark.parametrize("records", [[None], [{}], [{"eventName": 7}], [{"eventName": "ObjectCreated:Put", "s3": []}]])
def test_records_that_are_none_are_no_uploads(records: Any) -> None:
    assert s3_events.uploads({"Records": records}) == []


@pytest.mark.parametrize("content", [{"Type": [], "TopicArn": "x"}, {"Type": {"a": 1}, "TopicArn": 1}])
def test_a_type_that_is_none_is_refused(service: Service, content: Any) -> None:
    assert send(service, content)[0] == 401
    assert send(service, content, f"?token={TOKEN}")[0] == 400


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59-23:00", "1999-12-31T00:00:00Z"])
def test_an_upload_of_a_time_that_can_t_be_is_of_another_week(service: Service, time: str) -> None:
    assert send(service, event(eventTime=time), f"?token={TOKEN}") == (
        200,
        "The report was uploaded in another week; nothing is started",
    )
