"""Run by bench.geocoding in the peers' own interpreter: addresses as a JSON list on stdin, answers on stdout.

`vietnamadminunits`' converter is never called: it sends the address to an outside service.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable


def admin_units(text: str) -> tuple[str | None, str | None, str | None]:
    from vietnamadminunits import ParseMode, parse_address

    old = parse_address(text, mode=ParseMode.LEGACY, level=3)
    return (old.ward_code, old.district_code, None) if old else (None, None, None)


def admin_units_today(text: str) -> tuple[str | None, str | None, str | None]:
    from vietnamadminunits import parse_address

    new = parse_address(text)
    return (None, None, new.ward_code if new else None)


def converter(text: str) -> tuple[str | None, str | None, str | None]:
    from vietnamadminunits import parse_address
    from vn_address_converter import convert_to_new_address

    new = convert_to_new_address(text)
    unit = parse_address(f"{new.ward}, {new.province}") if new.ward else None
    return (None, None, unit.ward_code if unit else None)


def run(find: Callable[[str], tuple[str | None, str | None, str | None]], texts: list[str]) -> object:
    found = []
    find("12 Lê Lợi, Phường Bến Nghé, Quận 1, Thành phố Hồ Chí Minh")
    began = time.process_time()
    for text in texts:
        try:
            found.append(find(text))
        except Exception:  # a peer that raises has no answer
            found.append((None, None, None))
    return found, len(texts) / (time.process_time() - began)


PEERS = {
    "vietnamadminunits": admin_units,
    "vietnamadminunits, today": admin_units_today,
    "vn-address-converter": converter,
}

if __name__ == "__main__":
    texts = json.load(sys.stdin)
    print(json.dumps({name: run(find, texts) for name, find in PEERS.items()}))
