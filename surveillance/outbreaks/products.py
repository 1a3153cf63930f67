"""What a round against mosquitoes used: the product by the name on its label, the litres sprayed (domain.md §1.3)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from i18n import Message, MessageError
from surveillance.outbreaks.entries import LARVICIDE, SPRAYING
from surveillance.outbreaks.models import OutbreakEvent
from surveillance.outbreaks.record import withdrawn

WITH_PRODUCT = (SPRAYING, LARVICIDE)
MOST_LETTERS, MOST_LITRES = 100, 10_000
SUGGESTED = 20


class ProductError(MessageError):
    """A product or an amount that cannot be."""


def used_in(kind: str, product: str, litres: float | None) -> dict[str, Any]:
    """What the detail of a round's event says of it; nothing where nothing was named."""
    name = " ".join(product.split())
    if name and kind not in WITH_PRODUCT:
        raise ProductError(Message("Chỉ ghi sản phẩm đã dùng cho phun hóa chất và diệt lăng quăng."))
    if len(name) > MOST_LETTERS:
        raise ProductError(
            Message("Tên sản phẩm dài quá {most} ký tự; hãy viết ngắn lại.", most=MOST_LETTERS)
        )
    if not name.isprintable():
        raise ProductError(Message("Tên sản phẩm có ký tự không in được; hãy gõ lại."))
    if litres is not None and kind != SPRAYING:
        raise ProductError(Message("Chỉ ghi số lít cho phun hóa chất."))
    if litres is not None and not 0 < litres <= MOST_LITRES:
        raise ProductError(Message("Số lít phải lớn hơn 0 và không quá {most}.", most=MOST_LITRES))
    return ({"product": name} if name else {}) | ({} if litres is None else {"litres": litres})


def with_used(what: Message, used: dict[str, Any]) -> Message:
    """The sentence of a round, and what it used."""
    match used:
        case {"product": product, "litres": litres}:
            return Message(
                "{what} Đã dùng {product}, {litres} lít.", what=what, product=product, litres=litres
            )
        case {"product": product}:
            return Message("{what} Đã dùng {product}.", what=what, product=product)
        case {"litres": litres}:
            return Message("{what} Đã dùng {litres} lít.", what=what, litres=litres)
    return what


def products_used(session: Session, *, outbreaks: int = 1) -> dict[str, list[str]]:
    """By kind of round, what was named in at least so many outbreaks, the most frequent first."""
    product = OutbreakEvent.detail["product"].as_string()
    times = func.count(OutbreakEvent.outbreak_id.distinct())
    query = (
        select(OutbreakEvent.kind, product.label("product"))
        .where(
            OutbreakEvent.kind.in_(WITH_PRODUCT), product.is_not(None), OutbreakEvent.id.not_in(withdrawn())
        )
        .group_by(OutbreakEvent.kind, product)
        .having(times >= outbreaks)
        .order_by(times.desc(), product)
    )
    found: dict[str, list[str]] = {kind: [] for kind in WITH_PRODUCT}
    for row in session.execute(query):
        found[row.kind].append(row.product)
    return {kind: names[:SUGGESTED] for kind, names in found.items()}
