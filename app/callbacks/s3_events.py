"""What S3 says when an object was uploaded, in each form in which it arrives. Pure.

Sources: AWS's user guide of S3, "Event message structure" (also what MinIO and Ceph send) and "EventBridge event
message structure".
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from app.digest.report.s3 import S3Object
from app.digest.report_uploads import Upload

MOST_RECORDS = 100


def uploads(content: dict[str, Any]) -> list[Upload] | None:
    """The objects that an event says were uploaded; None for what is no event of S3's."""
    records = content.get("Records")
    if isinstance(records, list):
        return [upload for record in records[:MOST_RECORDS] for upload in _of_record(record)]
    if content.get("Event") == "s3:TestEvent":
        return []
    if content.get("source") == "aws.s3":
        return list(_of_event_bridge(content))
    return None


def _of_record(record: Any) -> Iterator[Upload]:
    """A record of an event. The key is written as in a form: `weekly+report.csv`."""
    if not isinstance(record, dict) or not str(record.get("eventName", "")).removeprefix("s3:").startswith("Object"):
        return
    where = _where(record.get("s3"))
    if where is not None and "Created:" in str(record["eventName"]):
        yield Upload(where._replace(key=unquote_plus(where.key)), _moment(record.get("eventTime")))


def _of_event_bridge(content: dict[str, Any]) -> Iterator[Upload]:
    """An event of EventBridge's. Its key is the key as it is."""
    where = _where(content.get("detail"))
    if where is not None and content.get("detail-type") == "Object Created":
        yield Upload(where, _moment(content.get("time")))


def _where(said: Any) -> S3Object | None:
    try:
        bucket, key = said["bucket"]["name"], said["object"]["key"]
    except (KeyError, TypeError):
        return None
    return S3Object(bucket, key) if isinstance(bucket, str) and isinstance(key, str) else None


def _moment(written: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(written))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
