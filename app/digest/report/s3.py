"""A report that lies in S3, or in a store that speaks its protocol (AWS_ENDPOINT_URL)."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, BinaryIO, NamedTuple

from app.digest.report.errors import Limits, SourceUnreadable

_CHUNK = 16 * 1024  # small: the deadline is checked between chunks, and each read waits until its chunk is full


class S3Object(NamedTuple):
    """The object `s3://bucket/key`."""

    bucket: str
    key: str


@contextmanager
def fetched(where: S3Object, limits: Limits) -> Iterator[BinaryIO]:
    """The object's content as an open file without a name: only this process can read it, and it ends with the process.

    Credentials, region and endpoint are AWS's usual ones (environment, ~/.aws, role). Raises `SourceUnreadable`.
    """
    with tempfile.TemporaryFile() as content:
        _download(where, content, limits)
        yield content


def _download(where: S3Object, content: IO[bytes], limits: Limits) -> None:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - takes half a second, few need it

    try:
        answer = _client(limits).get_object(Bucket=where.bucket, Key=where.key)
        _copy(answer["Body"], content, limits)
    except ClientError as error:
        raise SourceUnreadable(_refusal(where, error.response)) from None
    except (BotoCoreError, ValueError) as error:
        raise SourceUnreadable(_failure(where, type(error).__name__)) from None


def _client(limits: Limits) -> Any:
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=limits.connect_seconds,
        read_timeout=limits.read_seconds,
        retries={"mode": "standard", "total_max_attempts": 2},
    )
    return boto3.session.Session().client("s3", config=config)


def _copy(body: Any, content: IO[bytes], limits: Limits) -> None:
    deadline = time.monotonic() + limits.total_seconds
    size = 0
    for chunk in body.iter_chunks(_CHUNK):
        size += len(chunk)
        if size > limits.max_bytes:
            raise SourceUnreadable(f"The S3 object is larger than {limits.max_bytes // 2**20} MB; is it the report?")
        if time.monotonic() > deadline:
            raise SourceUnreadable("S3 doesn't deliver the report in time. It is tried again later.")
        content.write(chunk)


def _refusal(where: S3Object, response: Any) -> str:
    code = response.get("Error", {}).get("Code", "")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "NoSuchBucket":
        return f"There is no S3 bucket {where.bucket}; check REPORT_SOURCE."
    if code in ("NoSuchKey", "404"):
        return f"There is no object {where.key} in the S3 bucket {where.bucket}; check REPORT_SOURCE."
    if code in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "RequestTimeTooSkewed"):
        return f"S3 refuses the credentials ({code}); check AWS_ACCESS_KEY_ID and its secret, and this server's clock."
    if status == 403:
        return f"S3 denies access to s3://{where.bucket}/{where.key}; allow s3:GetObject (and s3:ListBucket) for it."
    if status == 301 or code in ("PermanentRedirect", "AuthorizationHeaderMalformed"):
        return f"The S3 bucket {where.bucket} is in another region; set AWS_DEFAULT_REGION to it."
    return f"S3 answered with an error (HTTP {status}). It is tried again later."


def _failure(where: S3Object, kind: str) -> str:
    if kind in ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound"):
        return "There are no (complete) credentials for S3; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    if kind in ("ParamValidationError", "InvalidRegionError"):
        return f"s3://{where.bucket}/{where.key} is no valid S3 address or region; check REPORT_SOURCE."
    return f"S3 can't be reached or broke off ({kind}); check this server's network. It is tried again later."
