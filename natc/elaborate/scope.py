"""Names and set expressions to exact sets."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeVar

from natc.address import Family
from natc.diagnostics import Label
from natc.dsl import ast
from natc.dsl.keywords import KEYWORDS
from natc.elaborate import services, values
from natc.elaborate.kinds import wrong_kind
from natc.elaborate.names import MOST_CANDIDATES, circular, nearest, no_subnet, word_before
from natc.elaborate.problem import Problem
from natc.elaborate.services import EVERY_SERVICE, ServiceSet
from natc.ir.fields import ANY_USERS, Field, interface, universe, user_number
from natc.ir.intervals import EMPTY, IntervalSet, interval
from natc.ir.policy import AddressSet, Network, Zone
from natc.packet import PROTOCOLS
from natc.record import Record
from natc.source import Span

Place = Zone | Network
"""What a name means as a side of the gateway."""

EVERY_ADDRESS = AddressSet(interval(0, Family.IPV4.last), interval(0, Family.IPV6.last))
_EVERY_INTERFACE = universe(Field.IN_INTERFACE, Family.IPV4) - IntervalSet(((0, 0),))
_NO_FAMILY: frozenset[Family] = frozenset()
_DEEPEST = 100
"""Definitions of definitions."""


LONELY_ADDRESS = "a target needs `->` before it, other addresses `from` or `to`"
"""Help for an address without a word before it."""


class Addresses(Record):
    """A set of addresses, and the families that the policy named while saying it.

    Attributes:
        named: zones and networks do not count.
    """

    IGNORED = frozenset({"span"})

    addresses: AddressSet
    named: frozenset[Family]
    span: Span


class Interfaces(Record):
    """Where packets come from: interfaces, the gateway itself, or both."""

    interfaces: IntervalSet = EMPTY
    local: bool = False

    def __or__(self, other: "Interfaces") -> "Interfaces":
        return Interfaces(self.interfaces | other.interfaces, self.local or other.local)

    def __sub__(self, other: "Interfaces") -> "Interfaces":
        return Interfaces(self.interfaces - other.interfaces, self.local and not other.local)


class Scope:
    """The definitions in force, and the meaning of expressions under them.

    Attributes:
        places: zones and networks by name, as far as they have been made.
        declared: what makes each zone and network that the policy declares; see `named_place`.
    """

    def __init__(self, definitions: Mapping[str, ast.Definition]) -> None:
        self.definitions = dict(definitions)
        self.places: dict[str, Place] = {}
        self.declared: dict[str, Callable[[], Place]] = {}
        self._unmade: dict[str, Problem] = {}
        self._addresses: dict[str, Addresses | Problem] = {}
        self._services: dict[str, ServiceSet | Problem] = {}
        self._interfaces: dict[str, Interfaces] = {}
        self._open: dict[str, None] = {}
        self._candidates_left = 2 * MOST_CANDIDATES

    # Addresses.

    def addresses(self, expression: ast.SetExpr) -> Addresses:
        """Return what `expression` means where addresses stand; never empty.

        Raises:
            Problem: NAT001, NAT005, NAT008, NAT009, NAT017, NAT021, NAT206.
        """
        if isinstance(expression, ast.Address):
            return self.literal_addresses(expression.text, expression.span)
        found = self._address_set(expression)
        if not found.addresses:
            raise Problem("NAT005", "this set of addresses is empty", expression.span)
        return found

    def literal_addresses(self, text: str, span: Span) -> Addresses:
        """Return what an address, network or range means.

        Raises:
            Problem: NAT008, NAT009, NAT206.
        """
        found = values.addresses(text, span)
        return Addresses(found, found.families, span)

    def _address_set(self, expression: ast.SetExpr) -> Addresses:
        match expression:
            case ast.Address(text, span):
                return self.literal_addresses(text, span)
            case ast.Name():
                return self._address_name(expression)
            case ast.Braces(items):
                parts = [self._address_set(item.value) for item in items]
                together = AddressSet(
                    IntervalSet.of(r for part in parts for r in part.addresses.ipv4.ranges),
                    IntervalSet.of(r for part in parts for r in part.addresses.ipv6.ranges),
                )
                named = _NO_FAMILY.union(*(part.named for part in parts))
                return Addresses(together, named, expression.span)
            case ast.Except(base, without):
                kept, dropped = self._address_set(base), self._address_set(without)
                difference = kept.addresses - dropped.addresses
                named = kept.named or dropped.named
                return Addresses(difference, named, expression.span)
            case ast.Not(operand):
                inner = self._address_set(operand)
                return Addresses(EVERY_ADDRESS - inner.addresses, inner.named, expression.span)
            case ast.Endpoint():
                raise Problem(
                    "NAT017",
                    "an address with a port, where a set of addresses stands",
                    expression.span,
                    help="ports come first: `tcp/80 to 192.168.3.10`",
                )
            case _:
                raise wrong_kind("a set of addresses", expression)

    def _address_name(self, name: ast.Name) -> Addresses:
        place = self.named_place(name)
        if place is not None:
            if not place.subnet:
                raise no_subnet(name, place)
            return Addresses(place.subnet, _NO_FAMILY, name.span)
        return self._defined("address", self._addresses, name, self.addresses)

    # Services.

    def services(self, expression: ast.SetExpr) -> ServiceSet:
        """Return what `expression` means where services stand; never empty.

        Raises:
            Problem: NAT001, NAT005, NAT017, NAT021, NAT203, NAT206.
        """
        found = self._service_set(expression)
        if not found:
            raise Problem("NAT005", "this set of services is empty", expression.span)
        return found

    def _service_set(self, expression: ast.SetExpr) -> ServiceSet:
        match expression:
            case ast.Service():
                return services.of_ports(*values.service_parts(expression, self.literal_ports))
            case ast.PortList(protocol, ports, span):
                place = Span(span.source, span.start, span.start + len(protocol))
                number = values.service(protocol, place)
                return services.of_ports(number, self.ports(ports))
            case ast.Name(text):
                number = PROTOCOLS.get(text, -1)
                if number >= 0:
                    return services.of_protocol(number)
                return self._defined("service", self._services, expression, self.services)
            case ast.Braces(items):
                together = ServiceSet()
                for item in items:
                    together |= self._service_set(item.value)
                return together
            case ast.Except(base, without):
                return self._service_set(base) - self._service_set(without)
            case ast.Not(operand):
                return EVERY_SERVICE - self._service_set(operand)
            case ast.Number():
                raise Problem(
                    "NAT203",
                    "a port without a protocol",
                    expression.span,
                    help=f"write `tcp/{expression.text}` or `udp/{expression.text}`",
                )
            case ast.Address() | ast.Endpoint():
                raise wrong_kind("a service such as `tcp/80`", expression, LONELY_ADDRESS)
            case _:
                raise wrong_kind("a service such as `tcp/80`", expression)

    # Ports, interfaces, users.

    def ports(self, expression: ast.SetExpr) -> IntervalSet:
        """Return a set of ports; never empty.

        Raises:
            Problem: NAT005, NAT017, NAT206.
        """
        found = self._port_set(expression)
        if not found:
            raise Problem("NAT005", "this set of ports is empty", expression.span)
        return found

    def literal_ports(self, text: str, span: Span, offset: int = 0) -> IntervalSet:
        """Return what a port or a range of ports means, which stands at `offset` of `span`.

        Raises:
            Problem: NAT206.
        """
        return values.ports(text, span, offset)

    def _port_set(self, expression: ast.SetExpr) -> IntervalSet:
        match expression:
            case ast.Number(text, span):
                return self.literal_ports(text, span)
            case ast.Braces(items):
                ranges = (r for item in items for r in self._port_set(item.value).ranges)
                return IntervalSet.of(ranges)
            case ast.Except(base, without):
                return self._port_set(base) - self._port_set(without)
            case ast.Not(operand):
                return services.ALL_PORTS - self._port_set(operand)
            case _:
                raise wrong_kind("a port or a range of ports", expression)

    def interfaces(self, expression: ast.SetExpr) -> Interfaces:
        """Return interfaces by zone, network or kernel name; `local` is the gateway itself.

        Raises:
            Problem: NAT005, NAT017, NAT204.
        """
        if isinstance(expression, ast.Name):
            known = self._interfaces.get(expression.text)
            if known is None:
                known = self._interfaces[expression.text] = self._interface_set(expression)
            return known
        found = self._interface_set(expression)
        if not found.interfaces and not found.local:
            raise Problem("NAT005", "this set of interfaces is empty", expression.span)
        return found

    def _interface_set(self, expression: ast.SetExpr) -> Interfaces:
        match expression:
            case ast.Name("local"):
                return Interfaces(local=True)
            case ast.Name(text):
                place = self.named_place(expression)
                if place is not None:
                    return Interfaces(place_interfaces(place))
                if text in self.definitions:
                    raise self._other_kind("an interface, zone or network", expression)
                self._check_bare(expression)
                return Interfaces(interface(values.interface(expression)))
            case ast.String():
                return Interfaces(interface(values.interface(expression)))
            case ast.Braces(items):
                together = Interfaces()
                for item in items:
                    together |= self._interface_set(item.value)
                return together
            case ast.Except(base, without):
                return self._interface_set(base) - self._interface_set(without)
            case ast.Not(operand):
                return Interfaces(_EVERY_INTERFACE) - self._interface_set(operand)
            case ast.Endpoint(text):
                name = text.partition(":")[0]
                help_ = f"labels of addresses are no interfaces: write `{name}`" if name else None
                raise wrong_kind("an interface, zone or network", expression, help_)
            case _:
                raise wrong_kind("an interface, zone or network", expression)

    def _check_bare(self, name: ast.Name) -> None:
        """Refuse a bare interface name that is rather a slip: a keyword, or nearly a zone's name.

        Raises:
            Problem: NAT018, NAT001.
        """
        quoted = f'for an interface of that name write `"{name.text}"`'
        if name.text in KEYWORDS:
            message = f"`{name.text}` is a word of the language, not an interface"
            raise Problem("NAT018", message, name.span, help=quoted)
        if any(char.isdecimal() or char == "+" for char in name.text):
            return
        near = nearest(name.text, self.places)
        if near is not None and interface(name.text) not in map(
            place_interfaces, self.places.values()
        ):
            message = f"no zone or network is named `{name.text}`"
            raise Problem("NAT001", message, name.span, help=f"{near} {quoted}")

    def users(self, expression: ast.SetExpr) -> IntervalSet:
        """Return users by uid, uid range or login name, as `ir.fields.user_number` has them.

        Packets that no local process sent have no user, and are in no set.

        Raises:
            Problem: NAT005, NAT017, NAT204, NAT206.
        """
        found = self._user_set(expression)
        if not found:
            raise Problem("NAT005", "this set of users is empty", expression.span)
        return found

    def _user_set(self, expression: ast.SetExpr) -> IntervalSet:
        match expression:
            case ast.Name() | ast.Number() | ast.String():
                user = values.users(expression)
                if isinstance(user, str):
                    number = user_number(user)
                    return interval(number, number)
                return interval(user[0] + 1, user[1] + 1)
            case ast.Braces(items):
                ranges = (r for item in items for r in self._user_set(item.value).ranges)
                return IntervalSet.of(ranges)
            case ast.Except(base, without):
                return self._user_set(base) - self._user_set(without)
            case ast.Not(operand):
                return ANY_USERS - self._user_set(operand)
            case _:
                raise wrong_kind("a uid or a login name", expression)

    # Names.

    def place(self, expression: ast.SetExpr) -> Place:
        """Return the zone or network that `on` names.

        Raises:
            Problem: NAT001, NAT017.
        """
        if not isinstance(expression, ast.Name):
            raise wrong_kind("a zone", expression)
        place = self.named_place(expression)
        if place is not None:
            return place
        if expression.text in self.definitions:
            raise self._other_kind("a zone", expression)
        raise Problem(
            "NAT001",
            f"no zone or network `{expression.text}`",
            expression.span,
            help=self._nearest(expression.text, self.places)
            or "`on` stands before a zone; for a bare interface write `in`, with `to` an address",
        )

    def named_place(self, name: ast.Name) -> Place | None:
        """Return the zone or network of that name; None when the policy declares none.

        It is made when it is first asked for, since one may stand above those that it names.

        Raises:
            Problem: what is wrong with its declaration; NAT021, NAT015.
        """
        place = self.places.get(name.text)
        if place is not None or name.text not in self.declared:
            return place
        if name.text not in self._unmade:
            try:
                place = self.places[name.text] = self._made(name)
            except Problem as problem:
                self._unmade[name.text] = problem
            else:
                return place
        raise self._unmade[name.text]

    def _made(self, name: ast.Name) -> Place:
        if name.text in self._open:
            raise Problem("NAT021", f"`{name.text}` is declared by way of itself", name.span)
        if len(self._open) == _DEEPEST:
            raise Problem("NAT015", f"definitions nested more than {_DEEPEST} deep", name.span)
        self._open[name.text] = None
        try:
            return self.declared[name.text]()
        except RecursionError:  # From deep braces in deep definitions.
            raise Problem("NAT015", "definitions nested too deep", name.span) from None
        finally:
            del self._open[name.text]

    def _defined(
        self,
        kind: str,
        known: "dict[str, _T | Problem]",
        name: ast.Name,
        evaluate: "Callable[[ast.SetExpr], _T]",
    ) -> "_T":
        """Return the value of a defined name, worked out once."""
        found = known.get(name.text)
        if found is None:
            definition = self.definitions.get(name.text)
            if definition is None and self.named_place(name) is not None:
                raise self._other_kind("a service", name)
            if definition is None:
                raise self._undefined(kind, name)
            if definition.kind != kind:
                raise self._other_kind(
                    "a set of addresses" if kind == "address" else "a service", name
                )
            if name.text in self._open:
                raise circular(name, definition)
            if len(self._open) == _DEEPEST:
                raise self._too_deep(name, known)
            self._open[name.text] = None
            try:
                found = evaluate(definition.value)
            except Problem as problem:
                found = problem
            except RecursionError:  # From deep braces in deep definitions.
                found = Problem("NAT015", "definitions nested too deep", name.span)
            finally:
                del self._open[name.text]
            known[name.text] = found
        if isinstance(found, Problem):
            raise found
        return found

    def _too_deep(self, name: ast.Name, known: "Mapping[str, _T | Problem]") -> Problem:
        """Return what is wrong with a long way of definitions: that it is one, or a circle."""
        seen, waiting = set[str](), [name]
        while waiting:
            following = waiting.pop()
            found, definition = known.get(following.text), self.definitions.get(following.text)
            if isinstance(found, Problem):
                return found
            if found is not None or definition is None or following.text in seen:
                continue
            if following.text in self._open:
                return circular(following, definition)
            seen.add(following.text)
            waiting += _names(definition.value)
        return Problem("NAT015", f"definitions nested more than {_DEEPEST} deep", name.span)

    def _undefined(self, kind: str, name: ast.Name) -> Problem:
        candidates = [
            known for known, definition in self.definitions.items() if definition.kind == kind
        ]
        candidates += self.places if kind == "address" else PROTOCOLS
        what = "address, zone or network" if kind == "address" else "service"
        if name.text in KEYWORDS:
            wanted = "an address" if kind == "address" else "a service"
            message = f"`{name.text}` is a word of the language, not {wanted}"
            nested = "in braces it may stand: `{ not a }`" if name.text == "not" else None
            return Problem("NAT018", message, name.span, help=nested)
        help_ = self._nearest(name.text, candidates)
        if name.text in ("any", "all", "everywhere", "anywhere"):
            word = word_before(name.span)
            help_ = f"leave {f'`{word}`' if word in ('from', 'to') else 'it'} out: that means all"
        return Problem("NAT001", f"no {what} is named `{name.text}`", name.span, help=help_)

    def _nearest(self, text: str, candidates: Collection[str]) -> str | None:
        """Return help, for the first errors of a policy that has very many."""
        self._candidates_left -= len(candidates)
        return nearest(text, candidates) if self._candidates_left >= 0 else None

    def _other_kind(self, wanted: str, name: ast.Name) -> Problem:
        definition = self.definitions.get(name.text)
        place = self.places.get(name.text)
        if definition is not None:
            what, where = f"{definition.kind} definition", definition.span
        elif place is not None:
            what, where = ("zone" if isinstance(place, Zone) else "network"), place.origin
        else:
            raise AssertionError(name.text)
        return Problem(
            "NAT017",
            f"`{name.text}` is not {wanted}",
            name.span,
            related=(Label(where, f"it is this {what}"),),
            help="a zone stands after `on`, `in` or `out`, addresses after `from` or `to`"
            if wanted == "a service"
            else None,
        )


def _names(expression: ast.SetExpr) -> Iterator[ast.Name]:
    """Yield the names in an expression."""
    match expression:
        case ast.Name():
            yield expression
        case ast.Braces(items):
            for item in items:
                yield from _names(item.value)
        case ast.Except(base, without):
            yield from _names(base)
            yield from _names(without)
        case ast.Not(operand):
            yield from _names(operand)


_T = TypeVar("_T", Addresses, ServiceSet)


def place_interfaces(place: Place) -> IntervalSet:
    """Return the interfaces of a zone, or the bridge of a network."""
    if isinstance(place, Network):
        return interface(place.bridge)
    if len(place.interfaces) == 1:
        return interface(place.interfaces[0])
    return IntervalSet.of(r for name in place.interfaces for r in interface(name).ranges)
