"""The error answers of SMQ: help.aliyun.com/document_detail/27501.html, and the page of each operation."""

from __future__ import annotations


class SmqError(Exception):
    """A request that SMQ refuses: HTTP status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message


def invalid_argument(message: str) -> SmqError:
    """400 InvalidArgument."""
    return SmqError(400, "InvalidArgument", message)


def out_of_range(element: str, low: int, high: int, unit: str) -> SmqError:
    """400 InvalidArgument for a number outside its limits."""
    return invalid_argument(f"The value of {element} should between {low} and {high} {unit}.")


def not_exist(kind: str) -> SmqError:
    """404 QueueNotExist, TopicNotExist or SubscriptionNotExist."""
    return SmqError(404, f"{kind}NotExist", f"The {kind.lower()} name you provided is not exist.")


def already_exists(kind: str) -> SmqError:
    """409: it exists with other attributes."""
    return SmqError(409, f"{kind}AlreadyExist", f"The {kind.lower()} you want to create is already exist.")


def no_message() -> SmqError:
    """404 MessageNotExist: the queue has nothing to receive, or the message of a receipt handle is not held."""
    return SmqError(404, "MessageNotExist", "Message not exist.")


def bad_receipt_handle() -> SmqError:
    """400 ReceiptHandleError: malformed, used up, replaced by a newer one, or past its NextVisibleTime."""
    return SmqError(400, "ReceiptHandleError", "The receipt handle you provide is not valid.")


def malformed_xml() -> SmqError:
    """400 MalformedXML."""
    return SmqError(400, "MalformedXML", "The XML you provided was not well-formed.")
