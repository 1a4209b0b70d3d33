"""The report's upload starts the run that the week still owes, and no other."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.digest.report.s3 import S3Object
from app.digest.report_uploads import Upload, start_for_upload
from app.digest.schedule import iso_week, wall_clock
from app.models import DigestRun, now
from tests.conftest import wait_for
from tests.digest.conftest import Office
from tests.digest.report.bucket_server import BucketServer

REPORT = S3Object("reports", "weekly report.csv")
NEVER_THIS_WEEK = "0 0 30 2 *"


@pytest.fixture
def s3(office: Office, bucket: BucketServer) -> Iterator[Office]:
    """An office whose report lies in S3, and whose schedule comes no more this week."""
    office.bucket = bucket
    with office.changed(report_source="s3://reports/weekly report.csv", digest_schedule=NEVER_THIS_WEEK):
        yield office
        office.service.empty()


def upload(office: Office, *tickets: str) -> str:
    """The report with these tickets comes into the bucket; what the event of that came to."""
    office.reports(*(office.row(ticket) for ticket in tickets))
    office.bucket.buckets["reports"] = {REPORT.key: office.path.read_bytes()}
    return start_for_upload(office.service.services, [Upload(REPORT, now())])


def runs(office: Office) -> Sequence[DigestRun]:
    return office.service.rows(select(DigestRun).order_by(DigestRun.id))


@pytest.mark.long
def test_an_upload_starts_the_weeks_run_once_however_often_it_is_told(s3: Office) -> None:
    assert upload(s3, "TM-1").endswith("is started")
    s3.over(s3.runs()[0])
    again = upload(s3, "TM-1", "TM-2")
    assert "went out with run" in again
    assert [run.started_by for run in runs(s3)] == ["upload"]
    assert len(s3.told) == 1


def test_the_schedules_run_of_a_later_day_of_the_week_is_the_one_that_starts_early(s3: Office) -> None:
    zone = s3.service.services.settings.zone
    sunday_night = (datetime.now(zone) + timedelta(days=6 - datetime.now(zone).weekday())).replace(hour=23, minute=59)
    schedule = f"{sunday_night.minute} {sunday_night.hour} {sunday_night.day} {sunday_night.month} *"
    with s3.changed(digest_schedule=schedule):
        upload(s3, "TM-1")
        s3.over(s3.runs()[0])
    assert [run.key for run in runs(s3)] == [f"schedule {wall_clock(sunday_night, zone)}"]


@pytest.mark.long
def test_a_week_whose_scheduled_run_went_out_owes_none(s3: Office) -> None:
    s3.bucket.buckets["reports"] = {REPORT.key: b"Firstname,Lastname,Email,Ticket,Status,Date\n"}
    s3.over(s3.start(key="schedule 2026-11-23T08:00"))
    assert "nothing is started" in upload(s3, "TM-1")
    assert len(s3.runs()) == 1


@pytest.mark.long
def test_a_run_that_a_person_started_does_not_use_up_the_weeks_own(s3: Office) -> None:
    upload_words = []
    s3.bucket.buckets["reports"] = {REPORT.key: b"Firstname,Lastname,Email,Ticket,Status,Date\n"}
    s3.over(s3.start())
    upload_words.append(upload(s3, "TM-1"))
    s3.over(s3.runs()[1])
    assert upload_words[0].endswith("is started")


@pytest.mark.long
def test_a_run_that_waits_for_its_report_goes_on_when_that_is_uploaded(s3: Office) -> None:
    with s3.changed(retry_minutes=(60.0,)):
        run_id = s3.start(key="schedule 2026-11-23T08:00")
        s3.waits(run_id)
        assert upload(s3, "TM-1") == f"Run {run_id} waited for the report, and goes on"
        s3.over(run_id)
    assert len(s3.told) == 1


def test_another_object_and_another_weeks_upload_start_nothing(s3: Office) -> None:
    services = s3.service.services
    assert start_for_upload(services, [Upload(S3Object("reports", "other.csv"), now())]).startswith(
        "This is not the report"
    )
    assert "another week" in start_for_upload(services, [Upload(REPORT, now() - timedelta(days=8))])
    assert s3.runs() == []


@pytest.mark.long
def test_after_a_run_that_failed_the_week_still_owes_one(s3: Office) -> None:
    zone = s3.service.services.settings.zone
    s3.service.add(
        DigestRun(key="upload", iso_week=iso_week(now(), zone), started_by="upload", source="", state="failed")
    )
    assert upload(s3, "TM-1").endswith("is started")
    wait_for(lambda: runs(s3)[-1].state == "completed")
