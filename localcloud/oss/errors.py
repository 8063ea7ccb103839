"""The error answers of OSS.

Codes and messages are those of help.aliyun.com "error responses"; `ec` is the finer error code that the service gives
since 2022 (``0026-00000002``), left empty where the document does not name one.
"""

from __future__ import annotations


class OssError(Exception):
    """A request that OSS refuses: HTTP status, code, message, and what else stands in the answer."""

    def __init__(
        self, status: int, code: str, message: str, ec: str = "", details: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.ec = ec
        self.details = details


def access_denied(message: str, ec: str = "0003-00000001") -> OssError:
    """403 AccessDenied."""
    return OssError(403, "AccessDenied", message, ec)


def blocked(message: str) -> OssError:
    """403 AccessDenied: the bucket blocks public access."""
    return access_denied(message, "0003-00000801")


def invalid_argument(message: str, name: str, value: str, ec: str = "") -> OssError:
    """400 InvalidArgument with the argument's name and value."""
    return OssError(400, "InvalidArgument", message, ec, (("ArgumentName", name), ("ArgumentValue", value)))


def no_such_bucket(bucket: str) -> OssError:
    """404 NoSuchBucket."""
    message = "The specified bucket does not exist."
    return OssError(404, "NoSuchBucket", message, "0015-00000101", (("BucketName", bucket),))


def no_such_key(key: str) -> OssError:
    """404 NoSuchKey."""
    return OssError(404, "NoSuchKey", "The specified key does not exist.", "0026-00000001", (("Key", key),))


def file_already_exists(key: str) -> OssError:
    """409 FileAlreadyExists: the key is taken and the request forbids overwriting."""
    message = "The object you specified already exists and can not be overwritten."
    return OssError(409, "FileAlreadyExists", message, "0026-00000002", (("Key", key),))


def malformed_xml() -> OssError:
    """400 MalformedXML."""
    return OssError(400, "MalformedXML", "The XML you provided was not well-formed or did not validate.")


def not_implemented(what: str) -> OssError:
    """501 NotImplemented: the real service may know this, the embedded one does not and says so at once."""
    message = "The embedded OSS does not implement this part of the service."
    return OssError(501, "NotImplemented", message, "", (("Header", what),))
