"""Hourly readings of devices. Device tells site, battery tells status, the payload is JSON."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from ...planted.draw import Draw
from ..data import Data, Table
from .writing import Writer, day, first_day

SITES = ("north", "harbour", "mill", "airport")
FIRMWARE = ("2.1.0", "2.1.4", "2.2.0")
LOW_BATTERY = 330  # hundredths of a volt
WEEKS = 4
COLUMNS = "reading_id device_id site recorded_at temperature_c pressure_kpa battery_v status firmware payload"


def events(draw: Draw) -> Data:
    """About 400 readings of twelve devices at four sites."""
    write, start = Writer(draw), first_day(draw)
    devices = [(write.id("D"), site) for site in SITES for _ in range(3)]
    table = Table(
        "readings.csv",
        COLUMNS.split(),
        [],
        {
            "id": ("reading_id",),
            "identity": ("device_id", "recorded_at", "temperature_c", "pressure_kpa", "battery_v"),
            "name": ("firmware",),
            "required": ("temperature_c", "pressure_kpa", "firmware"),
            "number": ("temperature_c", "pressure_kpa"),
            "date": ("recorded_at",),
            "source": ("site",),
            "key": ("device_id", "site"),
            "json": ("payload",),
        },
        {"temperature_c": (2, 36), "pressure_kpa": (95, 105)},
    )
    data = Data("events", [table], {"period": f"{day(start, 0)} to {day(start, 7 * WEEKS - 1)}"})
    seen: set[tuple[str, int]] = set()
    for offset, site in write.calendar(draw.between(380, 420), WEEKS, SITES):
        device = draw.pick([name for name, where in devices if where == site])
        hour = offset * 24 + draw.below(24)
        while (device, hour) in seen:
            hour = offset // 7 * 168 + draw.below(168)
        seen.add((device, hour))
        battery = draw.between(300, 420)
        data.add(
            table,
            {
                "reading_id": write.id("E"),
                "device_id": device,
                "site": site,
                "recorded_at": (datetime.fromisoformat(day(start, 0)) + timedelta(hours=hour)).isoformat(" "),
                "temperature_c": write.amount(200, 3_599),
                "pressure_kpa": write.amount(9_500, 10_499),
                "battery_v": f"{battery // 100}.{battery % 100:02d}",
                "status": "low_battery" if battery < LOW_BATTERY else "ok",
                "firmware": write.skewed(FIRMWARE),
                "payload": json.dumps({"seq": draw.below(100_000), "rssi": -draw.between(40, 95), "ok": True}),
            },
        )
    data.facts["remarks"] = (
        "A battery below 3.30 V has the status low_battery. Devices in the test mode say so in their payload; their "
        "temperature is then 0.00 by design."
    )
    tested = draw.some([row for row in table.rows if row["status"] == "ok"], 4)
    for row in tested:
        row["temperature_c"] = "0.00"
        row["payload"] = json.dumps({"mode": "test", "ok": True})
    data.decoy("test_mode_zero", table, tested)
    return data
