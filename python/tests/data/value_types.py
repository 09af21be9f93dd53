"""Types of the table of values."""

from __future__ import annotations

import collections
import dataclasses
import enum
import typing
from dataclasses import InitVar, dataclass, field
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar, Union

import pydantic
import typing_extensions
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, PrivateAttr, RootModel, SecretBytes, SecretStr

T = TypeVar("T")


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Mode(str, enum.Enum):
    FAST = "fast"


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class IntRights(enum.IntFlag):
    READ = 1
    WRITE = 2


class Pair(enum.Enum):
    ONE = (1, 2)


class Point(NamedTuple):
    x: int
    y: float = 0.0


Loose = collections.namedtuple("Loose", "a b")


class OldTyped(typing.TypedDict):
    name: str
    count: int


class OldPartial(typing.TypedDict, total=False):
    name: str
    tags: list[str]


class OldChild(OldTyped, total=False):
    more: OldPartial


class OldRequired(typing.TypedDict, total=False):
    name: typing_extensions.Required[str]
    count: int


class NewTyped(typing_extensions.TypedDict):
    name: str
    count: typing_extensions.NotRequired[int]


@dataclass
class Plain:
    name: str
    price: float = 1.0
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Frozen:
    name: str


@dataclass(slots=True)
class Slots:
    name: str
    inner: Frozen


@dataclass(eq=False)
class NoEq:
    name: str
    inner: Any = None


@dataclass
class WithInitVar:
    name: str
    seed: InitVar[int]

    def __post_init__(self, seed: int) -> None:
        self.name = f"{self.name}{seed}"


@dataclass
class NotInit:
    name: str
    derived: str = field(init=False, default="as made")


@dataclass
class Box(Generic[T]):
    item: T


@dataclass
class Grows:
    """Each reading adds one."""

    count: int

    def __post_init__(self) -> None:
        self.count += 1


@dataclass
class Node:
    value: int
    children: list[Node] = field(default_factory=list)


class Line(BaseModel):
    name: str
    price: float | None = None


class Order(BaseModel):
    id: int
    lines: list[Line] = []
    notes: dict[str, Any] = {}


class Derived(Line):
    extra: int = 3


class Aliased(BaseModel):
    number: int = Field(alias="theNumber")


class ValidationAlias(BaseModel):
    number: int = Field(validation_alias="theNumber")


class SerializationAlias(BaseModel):
    number: int = Field(serialization_alias="theNumber")


class BothAliases(BaseModel):
    number: int = Field(validation_alias="in_number", serialization_alias="outNumber")


class ChoiceAlias(BaseModel):
    number: int = Field(validation_alias=AliasChoices("a", AliasPath("b", 0)))


class Swapped(BaseModel):
    a: int = Field(alias="b")
    b: int = Field(alias="a")


class Computed(BaseModel):
    side: int

    @pydantic.computed_field
    @property
    def area(self) -> int:
        return self.side**2


class ComputedForbid(BaseModel):
    model_config = ConfigDict(extra="forbid")
    side: int

    @pydantic.computed_field
    @property
    def area(self) -> int:
        return self.side**2


class Extra(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str


class Private(BaseModel):
    name: str
    _note: str = PrivateAttr(default="as made")
    _lock: object = PrivateAttr(default_factory=object)


class Excluded(BaseModel):
    name: str
    hidden: int = Field(default=0, exclude=True)


class Secretive(BaseModel):
    user: str
    password: SecretStr


class SecretiveBytes(BaseModel):
    key: SecretBytes


class Telling(BaseModel):
    """A secret that says that it may be written."""

    password: SecretStr

    @pydantic.field_serializer("password", when_used="json")
    def tell(self, value: SecretStr) -> str:
        return value.get_secret_value()


class NanAsText(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="strings")
    price: float


class NanAsConstant(BaseModel):
    model_config = ConfigDict(ser_json_inf_nan="constants")
    price: float


class Blob(BaseModel):
    data: bytes


class Base64Blob(BaseModel):
    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
    data: bytes


class Numbers(RootModel[list[int]]):
    pass


class GenericModel(BaseModel, Generic[T]):
    item: T


class FrozenModel(BaseModel):
    model_config = ConfigDict(frozen=True)
    name: str


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    tricks: list[str] = []


Pet = Annotated[Union[Cat, Dog], Field(discriminator="kind")]


class Meters(BaseModel):
    value: float


class Feet(BaseModel):
    value: float


@pydantic.dataclasses.dataclass
class Checked:
    count: int


class Doubles(BaseModel):
    """Reading it changes it."""

    count: int

    @pydantic.field_validator("count")
    @classmethod
    def double(cls, value: int) -> int:
        return value * 2


class JsonText(BaseModel):
    value: pydantic.Json[list[int]]


UserId = typing.NewType("UserId", int)


class OwnClass:
    """Nothing that JSON knows."""

    def __init__(self, x: int = 1) -> None:
        self.x = x


class Money:
    """Says itself how it is written and read."""

    def __init__(self, cents: int) -> None:
        self.cents = cents

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and other.cents == self.cents

    def __hash__(self) -> int:
        return self.cents

    @classmethod
    def __get_pydantic_core_schema__(cls, *_args: Any) -> Any:
        from pydantic_core import core_schema

        read = core_schema.no_info_after_validator_function(cls, core_schema.int_schema())
        write = core_schema.plain_serializer_function_ser_schema(lambda money: money.cents)
        return core_schema.json_or_python_schema(
            read, core_schema.union_schema([core_schema.is_instance_schema(cls), read]), serialization=write
        )


class Opaque(Money):
    """As that, and nobody can tell whether two are equal."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__


class TextOf(str):
    """Of its own class."""


def fields_of(cls: Any) -> list[str]:
    return [one.name for one in dataclasses.fields(cls)]
