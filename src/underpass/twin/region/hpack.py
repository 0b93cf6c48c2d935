"""HPACK as far as one question needs it: header blocks written plainly, and read for two of their fields.

Names and values are never decoded as a whole. ``:status`` and ``grpc-status`` are recognised as they are
written, plain or in the Huffman code, of which a few letters do. https://www.rfc-editor.org/rfc/rfc7541
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

STATUS, GRPC_STATUS = ":status", "grpc-status"
Text = tuple[bool, bytes]
"""A string as it is written, and whether in the Huffman code."""

_STATUSES = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}  # of the static table
_STATIC = 61
_DIGITS = {f"{one:05b}" if one < 3 else f"{one + 22:06b}": str(one) for one in range(10)}
_LETTERS = {
    ":": "1011100",
    "-": "010110",
    "a": "00011",
    "c": "00100",
    "g": "100110",
    "p": "101011",
    "r": "101100",
    "s": "01000",
    "t": "01001",
    "u": "101101",
}
_NOTHING: Text = (False, b"")


def block(fields: Mapping[str, str]) -> bytes:
    """Return a header block of literals that nobody has to remember."""
    return b"".join(b"\0" + _literal(name) + _literal(text) for name, text in fields.items())


class Reader:
    """Reads the header blocks of one connection, whose later ones may refer to the earlier."""

    def __init__(self) -> None:
        self._remembered: list[tuple[Text, Text]] = []

    def statuses(self, data: bytes) -> dict[str, int]:
        """Return ``:status`` and ``grpc-status`` as far as they are in a block.

        Raises
        ------
        ValueError
            When it is no header block, or one of them is no number.
        """
        wanted = {name: _ways(name) for name in (STATUS, GRPC_STATUS)}
        try:
            return {
                name: _number(text)
                for written, text in self._fields(data)
                for name, ways in wanted.items()
                if written in ways
            }
        except IndexError:
            raise ValueError("a header block ends too early") from None

    def _fields(self, data: bytes) -> Iterator[tuple[Text, Text]]:
        at = 0
        while at < len(data):
            first = data[at]
            if first & 0x80:
                index, at = _integer(data, at, 7)
                yield self._known(index)
            elif first & 0xE0 == 0x20:  # the table gets another size
                _, at = _integer(data, at, 5)
            else:
                kept = bool(first & 0x40)
                index, at = _integer(data, at, 6 if kept else 4)
                if index:
                    name = self._known(index)[0]
                else:
                    name, at = _text(data, at)
                text, at = _text(data, at)
                if kept:
                    self._remembered.insert(0, (name, text))
                yield name, text

    def _known(self, index: int) -> tuple[Text, Text]:
        if index > _STATIC:
            return self._remembered[index - _STATIC - 1]
        if index in _STATUSES:
            return (False, STATUS.encode()), (False, b"%d" % _STATUSES[index])
        return _NOTHING, _NOTHING


def _literal(text: str) -> bytes:
    data = text.encode("latin-1")
    size, most = len(data), 127
    if size < most:
        return bytes([size]) + data
    head, size = bytes([most]), size - most
    while size > most:
        head, size = head + bytes([size & most | 128]), size >> 7
    return head + bytes([size]) + data


def _integer(data: bytes, at: int, prefix: int) -> tuple[int, int]:
    """Return an integer whose first bits are the last ``prefix`` of an octet, and where it ends."""
    most = (1 << prefix) - 1
    value, at, shift = data[at] & most, at + 1, 0
    more = value == most
    while more:
        value += (data[at] & 127) << shift
        more, at, shift = data[at] > 127, at + 1, shift + 7
    return value, at


def _text(data: bytes, at: int) -> tuple[Text, int]:
    coded = data[at] > 127
    size, at = _integer(data, at, 7)
    return (coded, data[at : at + size]), at + size


def _ways(text: str) -> tuple[Text, Text]:
    """Return both ways to write a text."""
    bits = "".join(_LETTERS[letter] for letter in text)
    bits += "1" * (-len(bits) % 8)
    return (False, text.encode()), (True, int(bits, 2).to_bytes(len(bits) // 8, "big"))


def _number(text: Text) -> int:
    coded, data = text
    if not coded:
        return int(data)
    digits, bits = "", "".join(f"{octet:08b}" for octet in data)
    while "0" in bits:  # what is left over is ones
        size = next((size for size in (5, 6) if bits[:size] in _DIGITS), 0)
        if not size:
            raise ValueError("a status is no number")
        digits, bits = digits + _DIGITS[bits[:size]], bits[size:]
    return int(digits)
