"""What SLS answers when it refuses."""

from __future__ import annotations


class SlsError(Exception):
    """An HTTP error with one of SLS's codes: help.aliyun.com/zh/sls/developer-reference/error-codes."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
