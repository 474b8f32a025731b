"""The names of Muniment, one value type per kind: text becomes a value once, at the edge.

>>> Selector.parse("risk/churn@production")
Selector(project='risk', model='churn', selector='production')
>>> ModelName.parse("projects/default/models/churn").version(7).text
'projects/default/models/churn/versions/7'

A name is ``[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?``. Names are compared as they are and never
URL-decoded, so ``%2e%2e`` is not a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from muniment.digests import Digest, InvalidDigest

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_DIGITS = re.compile(r"[0-9]+")

_KEPT = 1_024
"""So many of the names read last are kept as values: most calls name what calls before them named."""

DEFAULT_PROJECT = "default"
LATEST = "latest"
ALL_PROJECTS = "projects/-"


class InvalidName(ValueError):
    """A name breaks the rule of its kind.

    Attributes:
        kind: what the text should have been, for example ``model``.
        value: the text, shortened to 200 characters.
    """

    def __init__(self, kind: str, value: str, rule: str) -> None:
        self.kind = kind
        self.value = value[:200]
        self.rule = rule
        super().__init__(f"{kind} {self.value!r} is not valid: {rule}")


class InvalidSelector(InvalidName):
    """A selector cannot be read."""


_NAME_RULE = "use 1 to 128 letters, digits, '.', '_' or '-', beginning and ending with a letter or digit"


def check_name(kind: str, text: str) -> str:
    """Return ``text`` if it is a name.

    Raises:
        InvalidName: if it is not; ``kind`` says what it was to be.
    """
    if not _NAME.fullmatch(text):
        raise InvalidName(kind, text, _NAME_RULE)
    return text


def check_pointer_name(kind: str, text: str) -> str:
    """Return ``text`` if it can be the name of a stage or alias: a name that no other selector looks like.

    Raises:
        InvalidName: if it is no name, is a number, or is ``latest``.
    """
    check_name(kind, text)
    if _DIGITS.fullmatch(text) or text.lower() == LATEST:
        raise InvalidName(kind, text, "it cannot be a number or 'latest', which mean versions already")
    return text


def _parts(kind: str, text: str, pattern: tuple[str, ...]) -> list[str]:
    parts = text.split("/")
    if len(parts) != 2 * len(pattern) or tuple(parts[::2]) != pattern:
        form = "/".join(
            f"{word}/{{{word[:-3] + 'y' if word.endswith('ies') else word[:-1]}}}" for word in pattern
        )
        raise InvalidName(kind, text, f"write it as {form.replace('{aliase}', '{alias}')}")
    return parts[1::2]


def _number(kind: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise InvalidName(kind, text, "a number is 1, 2, 3… without leading zeros")
    return int(text)


@dataclass(frozen=True, slots=True)
class ProjectName:
    """``projects/{project}``."""

    project: str

    @classmethod
    def parse(cls, text: str) -> ProjectName:
        (project,) = _parts("project", text, ("projects",))
        return cls(check_name("project", project))

    @property
    def text(self) -> str:
        return f"projects/{self.project}"

    def model(self, model: str) -> ModelName:
        return ModelName(self.project, check_name("model", model))


@dataclass(frozen=True, slots=True)
class ModelName:
    """``projects/{project}/models/{model}``."""

    project: str
    model: str

    @classmethod
    @lru_cache(_KEPT)
    def parse(cls, text: str) -> ModelName:
        project, model = _parts("model", text, ("projects", "models"))
        return cls(check_name("project", project), check_name("model", model))

    @property
    def text(self) -> str:
        return f"projects/{self.project}/models/{self.model}"

    def version(self, number: int) -> VersionName:
        return VersionName(self.project, self.model, number)

    def alias(self, alias: str) -> AliasName:
        return AliasName(self.project, self.model, check_pointer_name("alias", alias))

    def stage(self, stage: str) -> StageName:
        return StageName(self.project, self.model, check_pointer_name("stage", stage))

    def promotion(self, revision: int) -> PromotionName:
        return PromotionName(self.project, self.model, revision)


@dataclass(frozen=True, slots=True)
class VersionName:
    """``projects/{project}/models/{model}/versions/{number}``."""

    project: str
    model: str
    number: int

    @classmethod
    def parse(cls, text: str) -> VersionName:
        project, model, number = _parts("version", text, ("projects", "models", "versions"))
        return cls(check_name("project", project), check_name("model", model), _number("version", number))

    @property
    def text(self) -> str:
        return f"projects/{self.project}/models/{self.model}/versions/{self.number}"

    @property
    def of_model(self) -> ModelName:
        return ModelName(self.project, self.model)


@dataclass(frozen=True, slots=True)
class AliasName:
    """``projects/{project}/models/{model}/aliases/{alias}``."""

    project: str
    model: str
    alias: str

    @classmethod
    def parse(cls, text: str) -> AliasName:
        project, model, alias = _parts("alias", text, ("projects", "models", "aliases"))
        return cls(
            check_name("project", project), check_name("model", model), check_pointer_name("alias", alias)
        )

    @property
    def text(self) -> str:
        return f"projects/{self.project}/models/{self.model}/aliases/{self.alias}"

    @property
    def of_model(self) -> ModelName:
        return ModelName(self.project, self.model)


@dataclass(frozen=True, slots=True)
class StageName:
    """``projects/{project}/models/{model}/stages/{stage}``."""

    project: str
    model: str
    stage: str

    @classmethod
    def parse(cls, text: str) -> StageName:
        project, model, stage = _parts("stage", text, ("projects", "models", "stages"))
        return cls(
            check_name("project", project), check_name("model", model), check_pointer_name("stage", stage)
        )

    @property
    def text(self) -> str:
        return f"projects/{self.project}/models/{self.model}/stages/{self.stage}"

    @property
    def of_model(self) -> ModelName:
        return ModelName(self.project, self.model)


@dataclass(frozen=True, slots=True)
class PromotionName:
    """``projects/{project}/models/{model}/promotions/{revision}``."""

    project: str
    model: str
    revision: int

    @classmethod
    def parse(cls, text: str) -> PromotionName:
        project, model, revision = _parts("promotion", text, ("projects", "models", "promotions"))
        return cls(check_name("project", project), check_name("model", model), _number("promotion", revision))

    @property
    def text(self) -> str:
        return f"projects/{self.project}/models/{self.model}/promotions/{self.revision}"

    @property
    def of_model(self) -> ModelName:
        return ModelName(self.project, self.model)


@dataclass(frozen=True, slots=True)
class VersionSelector:
    """What stands after the ``@``: exactly one of the fields is set, or none for ``latest``."""

    number: int | None = None
    digest: Digest | None = None
    pointer: str | None = None
    """Name of a stage or alias."""

    @classmethod
    @lru_cache(_KEPT)
    def parse(cls, text: str) -> VersionSelector:
        """Read a number, ``latest`` (or nothing), ``sha256:…``, or the name of a stage or alias.

        Raises:
            InvalidSelector: if it is none of these.
        """
        if text in ("", LATEST):
            return cls()
        if text.startswith("sha256:"):
            try:
                return cls(digest=Digest.parse(text))
            except InvalidDigest:
                raise InvalidSelector(
                    "selector", text, "after sha256: write 64 lower-case hexadecimal digits"
                ) from None
        if _DIGITS.fullmatch(text):
            if not _NUMBER.fullmatch(text):
                raise InvalidSelector("selector", text, "a version number is 1, 2, 3… without leading zeros")
            return cls(number=int(text))
        if not _NAME.fullmatch(text):
            raise InvalidSelector(
                "selector", text, "write a version number, a stage, an alias, 'latest' or sha256:<digest>"
            )
        return cls(pointer=text)


@dataclass(frozen=True, slots=True)
class Selector:
    """``[project/]model[@selector]``, the one way people name a version."""

    project: str
    model: str
    selector: str
    """A number, stage, alias, ``latest`` or ``sha256:…``; ``latest`` when nothing was written."""

    @classmethod
    def parse(cls, text: str, project: str = DEFAULT_PROJECT) -> Selector:
        """Read a selector; ``project`` is used when the text names none.

        Raises:
            InvalidSelector: if the text has another form.
            InvalidName: if project or model is not a name.
        """
        path, at, selector = text.partition("@")
        if at and not selector:
            raise InvalidSelector(
                "selector", text, "write something after '@', or leave '@' out for the latest version"
            )
        VersionSelector.parse(selector)
        parts = path.split("/")
        if len(parts) > 2:
            raise InvalidSelector("selector", text, "write [project/]model[@selector]")
        if len(parts) == 2:
            project = parts[0]
        return cls(check_name("project", project), check_name("model", parts[-1]), selector or LATEST)

    @property
    def of_model(self) -> ModelName:
        return ModelName(self.project, self.model)

    @property
    def text(self) -> str:
        return f"{self.project}/{self.model}@{self.selector}"


@lru_cache(_KEPT)
def project_of(resource: str) -> str | None:
    """The project of any resource name, or None for ``projects/-`` and what is below it.

    Raises:
        InvalidName: if the text does not begin with ``projects/{project}``.
    """
    if resource == ALL_PROJECTS or resource.startswith(ALL_PROJECTS + "/"):
        return None
    parts = resource.split("/", 2)
    if len(parts) < 2 or parts[0] != "projects":
        raise InvalidName("resource name", resource, "it begins with projects/{project}")
    return check_name("project", parts[1])
