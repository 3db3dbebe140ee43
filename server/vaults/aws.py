"""Secrets of AWS Secrets Manager, by boto3 in threads of its own.

A key is a secret's name or ARN, or either with "#field" for one field of a JSON secret. Credentials
come from where AWS's own tools look for them; boto3 keeps them fresh.
"""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from providers.core.errors import Kind, ProviderError
from server.settings_model import Aws, SettingsError
from server.vaults.unavailable import unavailable

_KEY = re.compile(r"([A-Za-z0-9/_+=.@:-]{1,512})(?:#([A-Za-z0-9_.-]+))?")
_THREADS = 4
_MAX_SECRET = 64 * 1024
_GONE = frozenset({"ResourceNotFoundException", "InvalidRequestException"})
_DENIED = frozenset({"AccessDeniedException", "AccessDenied", "DecryptionFailure"})
_NOT_TAKEN = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "UnrecognizedClientException",
    }
)


def split_key(key: str) -> tuple[str, str] | None:
    """Name and field ("" for all) of a key; None when it is none."""
    found = _KEY.fullmatch(key)
    return (found[1], found[2] or "") if found is not None else None


class AwsSecrets:
    """Reads secrets by their keys."""

    def __init__(self, settings: Aws) -> None:
        """Nothing is asked yet.

        Raises:
            SettingsError: boto3 is not installed.
        """
        try:
            import boto3  # noqa: PLC0415
            import botocore.config  # noqa: PLC0415
            import botocore.exceptions  # noqa: PLC0415
        except ImportError:
            raise SettingsError("aws.region", "needs boto3: pip install ucal[vault]") from None
        self._errors: Any = botocore.exceptions
        self._client: Any = boto3.session.Session().client(
            "secretsmanager",
            region_name=settings.region,
            endpoint_url=settings.endpoint or None,
            config=botocore.config.Config(
                connect_timeout=settings.timeout,
                read_timeout=settings.timeout,
                retries={"total_max_attempts": 2},
            ),
        )
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="aws")

    async def read(self, key: str) -> str:
        """The secret, or one field of it.

        Raises:
            ProviderError: PRECONDITION, SECRET_UNAVAILABLE or SECRET_DENIED; UNAVAILABLE,
                AWS_UNREACHABLE, or AWS_CREDENTIALS_REFUSED when AWS does not take the service's own
                credentials, or there are none.
        """
        parts = split_key(key)
        if parts is None:
            raise unavailable("its key is no name of a secret")
        loop = asyncio.get_running_loop()
        text = await loop.run_in_executor(self._threads, self._read, parts[0])
        if len(text) > _MAX_SECRET:
            raise unavailable("it is larger than 64 KiB")
        return _field(text, parts[1]) if parts[1] else text

    def _read(self, name: str) -> str:
        try:
            found = self._client.get_secret_value(SecretId=name)
            text = found.get("SecretString")
            return text if isinstance(text, str) else bytes(found["SecretBinary"]).decode()
        except self._errors.ClientError as error:
            raise _told(str(error.response.get("Error", {}).get("Code", ""))) from None
        except (self._errors.NoCredentialsError, self._errors.CredentialRetrievalError):
            raise _told("InvalidClientTokenId") from None
        except (self._errors.BotoCoreError, OSError):
            raise _told("") from None
        except (KeyError, UnicodeDecodeError):
            raise unavailable("it holds no text") from None

    def close(self) -> None:
        """Ask nothing any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()


def _field(text: str, field: str) -> str:
    try:
        value = msgspec.json.decode(text, type=dict[str, object]).get(field)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        raise unavailable("it is no JSON object, and has no fields") from None
    if value is None:
        raise unavailable("it has no such field")
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _told(code: str) -> ProviderError:
    """What an error code of AWS means to a caller."""
    if code in _GONE:
        return unavailable("AWS has none of that name")
    if code in _DENIED:
        return ProviderError(
            Kind.PRECONDITION,
            "AWS does not allow the service to read what is referred to",
            reason="SECRET_DENIED",
        )
    if code in _NOT_TAKEN:
        return ProviderError(
            Kind.UNAVAILABLE,
            "AWS does not take the service's credentials",
            reason="AWS_CREDENTIALS_REFUSED",
            retry_after=5.0,
        )
    return ProviderError(
        Kind.UNAVAILABLE,
        "AWS Secrets Manager does not answer",
        reason="AWS_UNREACHABLE",
        retry_after=5.0,
    )
