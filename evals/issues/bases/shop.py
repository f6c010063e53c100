"""Customers and their orders. City tells country, product tells category, total is quantity times price."""

from __future__ import annotations

from ...planted.draw import Draw
from ..data import Data, Row, Table
from . import words
from .writing import Writer, day, first_day

CHANNELS = ("web", "phone", "market", "wholesale")
WEEKS = 12
COLUMNS = (
    "order_id customer_id ordered_on shipped_on channel product category quantity unit_price total weight_kg coupon"
)


def shop(draw: Draw) -> Data:
    """About 130 customers, 380 orders."""
    write, start = Writer(draw), first_day(draw)
    data = Data("shop", [], {"period": f"{day(start, 0)} to {day(start, 7 * WEEKS - 1)}"})
    customers = Table(
        "customers.csv",
        ["customer_id", "name", "email", "city", "country", "signed_up", "company"],
        [],
        {
            "id": ("customer_id",),
            "identity": ("name", "email", "city", "signed_up"),
            "name": ("name", "city"),
            "required": ("name", "city", "country"),
            "date": ("signed_up",),
            "key": ("city", "country"),
        },
    )
    for _ in range(draw.between(120, 140)):
        name, city = write.name(), draw.pick(list(words.CITIES))
        number = write.id("")
        local = "".join(c for c in name.lower().replace(" ", ".") if c.isascii())
        data.add(
            customers,
            {
                "customer_id": write.id("C"),
                "name": name,
                "email": f"{local}{number[-3:]}@example.org",
                "city": city,
                "country": words.CITIES[city],
                "signed_up": day(start, -draw.between(1, 700)),
                "company": f"{draw.pick(words.LAST_NAMES)} & Sons" if draw.chance(0.15) else "",
            },
        )
    orders = Table(
        "orders.csv",
        COLUMNS.split(),
        [],
        {
            "id": ("order_id",),
            "identity": ("customer_id", "ordered_on", "shipped_on", "product", "quantity", "unit_price", "weight_kg"),
            "name": ("product",),
            "required": ("product", "weight_kg", "shipped_on"),
            "number": ("weight_kg",),
            "date": ("ordered_on",),
            "source": ("channel",),
            "key": ("product", "category"),
        },
        {"weight_kg": (0.2, 60)},
    )
    for offset, channel in write.calendar(draw.between(360, 400), WEEKS, CHANNELS):
        product = write.skewed(list(words.PRODUCTS))
        cents, quantity = draw.between(105, 9_900), draw.between(1, 9)
        data.add(
            orders,
            {
                "order_id": write.id("O"),
                "customer_id": draw.pick(customers.rows)["customer_id"],
                "ordered_on": day(start, offset),
                "shipped_on": day(start, offset + draw.between(1, 6)),
                "channel": channel,
                "product": product,
                "category": words.PRODUCTS[product],
                **_priced(quantity, cents),
                "weight_kg": write.amount(20, 5_900),
                "coupon": draw.pick(("SPRING", "WELCOME")) if draw.chance(0.2) else "",
            },
        )
    data.tables += [customers, orders]
    data.facts["optional columns"] = "company, coupon"
    data.facts["remarks"] = "Wholesale orders may be of hundreds of pieces. Gifts have a unit price of 0.00."
    _decoys(draw, data, customers, orders)
    return data


def _priced(quantity: int, cents: int) -> Row:
    total = quantity * cents
    return {
        "quantity": str(quantity),
        "unit_price": f"{cents // 100}.{cents % 100:02d}",
        "total": f"{total // 100}.{total % 100:02d}",
    }


def _decoys(draw: Draw, data: Data, customers: Table, orders: Table) -> None:
    """Bulk orders, gifts at no price, and namesakes."""
    wholesale = [row for row in orders.rows if row["channel"] == "wholesale"]
    bulk = draw.some(wholesale, 3)
    for row in bulk:
        row.update(_priced(draw.between(150, 420), draw.between(105, 990)))
    data.decoy("bulk_order", orders, bulk)
    gifts = draw.some([row for row in orders.rows if row["channel"] == "market"], 3)
    for row in gifts:
        row.update(_priced(1, 0))
    data.decoy("gift", orders, gifts)
    pair = draw.some(customers.rows, 2)
    pair[1]["name"] = pair[0]["name"]
    pair[1]["email"] = pair[0]["email"].replace("@", "7@") if pair[1]["city"] == pair[0]["city"] else pair[1]["email"]
    data.decoy("namesakes", customers, pair)
