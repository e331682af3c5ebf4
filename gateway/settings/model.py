"""The settings: one frozen object of values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from gateway.settings.access import AccessSettings, split
from gateway.settings.limits import LimitSettings
from gateway.settings.service_links import without_service_links
from gateway.settings.store_url import check_url, is_shareable
from gateway.settings.telemetry import TelemetrySettings
from gateway.settings.time_zone import zone_of
from gateway.settings.upstream import UpstreamSettings

PREFIX = "GATEWAY_"
# A claim must far outlast its request, so that an invite still being sent is not taken over.
LEASES_PER_REQUEST = 4


class Settings(UpstreamSettings, AccessSettings, LimitSettings, TelemetrySettings):
    """All settings; each variable is the field's name in capitals after `GATEWAY_`."""

    model_config = SettingsConfigDict(
        defer_build=True,
        allow_inf_nan=False,
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description=(
            "The address to listen on; `::` and `localhost` are both IPv4 and IPv6, and"
            " `unix:/run/gateway.sock` is a Unix socket."
        ),
    )
    port: int = Field(8000, ge=0, le=65535, description="The port to listen on; 0 picks one.")
    operations_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description=(
            "A port that serves the probes and the metrics alone, without TLS; `PORT` then"
            " serves neither."
        ),
    )
    workers: int = Field(1, ge=1, le=256, description="Processes that serve requests.")
    drain_delay_seconds: float = Field(
        0.0,
        ge=0,
        le=300,
        description="How long a process told to stop still serves, while `/readyz` says 503.",
    )
    # Before the URL, which is validated together with it.
    store_url_file: Path | None = Field(
        None,
        description=(
            "A file with the postgresql:// URL of the store, instead of the next setting; read"
            " again when it changes."
        ),
    )
    store_url: SecretStr = Field(
        SecretStr("sqlite:///gateway.db"),
        description=(
            "Where idempotency keys are kept: `sqlite:///FILE` for one process,"
            " `postgresql://USER@HOST/DATABASE` for several."
        ),
    )
    store_secret: SecretStr | None = Field(
        None, description="What the stored hashes are made with; else the store keeps one itself."
    )
    store_secret_file: Path | None = Field(None, description="A file with that secret.")
    require_idempotency_key: bool = Field(
        False,
        description=(
            "Refuses an invite without an idempotency key, so that callers that retry by"
            " themselves cannot invite twice."
        ),
    )
    idempotency_hours: float = Field(
        24.0, ge=24, le=24 * 366, description="How long the result of a key is kept, at least."
    )
    request_timeout_seconds: float = Field(
        15.0,
        gt=0,
        le=300,
        description=(
            "The whole time for one invite: waits, attempts, look-ups. Also for all that one"
            " request reads. A caller may shorten it with the header `Request-Timeout`."
        ),
    )
    lease_seconds: float = Field(
        120.0,
        le=3600,
        description=(
            "After this time an invite that was begun and not ended counts as unknown. At"
            " least four times the request timeout."
        ),
    )
    retry_attempts: int = Field(
        3, ge=1, le=10, description="Attempts where it is proved that nothing was done; 1 is one."
    )
    read_back: bool = Field(
        True, description="Looks invites of unknown end up in the platform's applicants list."
    )
    read_back_quiet_seconds: float = Field(
        300.0, ge=1, le=86_400, description="How long that list may lag behind."
    )
    list_shows_invited: bool = Field(
        False,
        description=(
            "The operator's word that the list shows everybody who was invited, also before they"
            " open their invite. Without it, that has to be seen on the same track first."
        ),
    )
    upstream_time_zone: str | None = Field(
        None,
        description=(
            "What the platform's times without a zone mean: a name such as `Asia/Kolkata`, an"
            " offset such as `+05:30`, or `UTC`. Without it they may be anywhere's."
        ),
    )
    reconcile_seconds: float = Field(
        60.0, ge=1, le=86_400, description="The time between two looks in the background."
    )
    queue_size: int = Field(
        200, ge=0, le=100_000, description="How many requests may wait while all calls are busy."
    )
    queue_wait_seconds: float = Field(
        2.0, ge=0, le=60, description="How long they may; then they are turned away with 503."
    )
    max_candidates: int = Field(
        100, ge=1, le=10_000, description="The longest list that one `inviteCandidates` may have."
    )
    bulk_concurrency: int = Field(
        16,
        ge=1,
        le=10_000,
        description=(
            "The most calls in flight for all lists of one account; fewer while the platform limits"
            " requests."
        ),
    )
    applications: bool = Field(
        True, description="Lets whoever may call read what became of invites."
    )
    max_reads: int = Field(
        30,
        ge=2,
        le=10_000,
        description="Reads from the platform that one request may cause.",
    )
    max_values: int = Field(
        5_000,
        ge=500,
        description=(
            "Fields of listed applications in one answer: applications times the fields asked for."
        ),
    )
    read_concurrency: int = Field(
        16,
        ge=1,
        le=10_000,
        description=(
            "The most such reads in flight, for all callers together; half of"
            " `GATEWAY_UPSTREAM_CONCURRENCY` at most."
        ),
    )
    breaker_pause_seconds: float = Field(
        5.0,
        ge=0,
        le=300,
        description="Pause after the platform fails; 0 switches it off.",
    )
    explorer: bool = Field(
        False,
        description="Serves the GraphiQL explorer at `/` and the guides at `/docs`.",
    )
    introspection: bool = Field(False, description="Lets clients ask for the schema.")
    federation: bool = Field(
        False, description="Makes the schema a subgraph of an Apollo Federation 2 graph."
    )

    documents: Annotated[tuple[Path, ...], NoDecode] = Field(
        (),
        description=(
            "Manifests of trusted documents, separated by commas: the file that Apollo's"
            " `generate-persisted-query-manifest` writes, or a JSON object of id and text as"
            " Relay's compiler and graphql-codegen write it. They are read again when they change."
        ),
    )
    documents_only: bool = Field(
        False, description="Refuses every document that is not in those manifests."
    )

    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> tuple[Any, ...]:
        environment = sources["env_settings"]
        environment.env_vars = without_service_links(environment.env_vars)
        return sources["init_settings"], environment, sources["dotenv_settings"]

    @field_validator("documents", mode="before")
    @classmethod
    def _split_documents(cls, given: object) -> object:
        return (given,) if isinstance(given, Path) else split(given)

    @field_validator("documents_only")
    @classmethod
    def _check_documents_only(cls, only: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic's
        # A manifest that failed is not in the data; its own fault is reported already.
        if only and not info.data.get("documents", ...):
            raise ValueError("needs GATEWAY_DOCUMENTS, or nothing could be run")
        return only

    @field_validator("store_url")
    @classmethod
    def _check_store_url(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        check_url(url.get_secret_value())
        if info.data.get("store_url_file") is not None:
            if url != cls.model_fields["store_url"].default:
                raise ValueError("set either this or GATEWAY_STORE_URL_FILE, not both")
            return url
        if info.data.get("workers", 1) > 1 and not is_shareable(url.get_secret_value()):
            raise ValueError("a SQLite file serves one process: set one worker, or PostgreSQL")
        return url

    @field_validator("store_secret_file", "rate_limit_url_file")
    @classmethod
    def _check_file(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        value = (info.field_name or "").removesuffix("_file")
        if path is not None and info.data.get(value) is not None:
            raise ValueError(f"set either this or {PREFIX}{value.upper()}, not both")
        return path

    @field_validator("upstream_time_zone")
    @classmethod
    def _check_time_zone(cls, name: str | None) -> str | None:
        if name is not None:
            zone_of(name)
        return name

    @field_validator("lease_seconds")
    @classmethod
    def _check_lease(cls, seconds: float, info: ValidationInfo) -> float:
        least = LEASES_PER_REQUEST * info.data.get("request_timeout_seconds", 0)
        if seconds < least:
            raise ValueError(
                f"must be at least {LEASES_PER_REQUEST} times GATEWAY_REQUEST_TIMEOUT_SECONDS"
            )
        return seconds


class CodedSettings(Settings):
    """Settings from code only: the environment and files are ignored."""

    # Only `gateway dev` needs it.
    model_config = SettingsConfigDict(defer_build=True)

    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> tuple[Any, ...]:
        return (sources["init_settings"],)
