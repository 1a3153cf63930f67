"""Seconds to simulate six years of the city and to write them as HCDC's monthly files, the last year also as forms.

    python -m bench.simulate [folder]

Prints one JSON line; asserts nothing. Without a folder the files go to a temporary one.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np

from settings import Deployment
from surveillance import investigation_layout
from surveillance.diseases import load_catalogue
from surveillance.hcdc_layout import write_month
from surveillance.simulate import load_settings, places_from_registry, simulate

START, END = date(2020, 11, 1), date(2026, 11, 22)


def main(folder: Path) -> None:
    deployment = Deployment.load("hcmc")
    settings = load_settings(deployment.folder / "simulation.toml")
    city = places_from_registry(deployment.province_code, settings)
    began = time.perf_counter()
    epidemic = simulate(city, load_catalogue(), start=START, end=END, rng=np.random.default_rng(1))
    simulated = time.perf_counter()
    months = range(START.year * 12 + START.month - 1, END.year * 12 + END.month)
    files = [path for m in months for path in write_month(epidemic, date(m // 12, m % 12 + 1, 1), folder)]
    written = time.perf_counter()
    forms = [
        investigation_layout.write_month(epidemic, date(m // 12, m % 12 + 1, 1), folder) for m in months[-12:]
    ]
    forms_written = time.perf_counter()
    figures = {
        "reports": len(epidemic.reports),
        "cases": len(epidemic.cases),
        "outbreaks": len(epidemic.outbreaks),
        "simulate_s": round(simulated - began, 1),
        "files": len(files),
        "write_s": round(written - simulated, 1),
        "forms_of_12_months": int(
            (
                epidemic.investigations["date_report"] >= f"{months[-12] // 12}-{months[-12] % 12 + 1:02}-01"
            ).sum()
        ),
        "form_files": sum(map(len, forms)),
        "write_forms_s": round(forms_written - written, 1),
        "megabytes": round(sum(path.stat().st_size for path in files) / 1e6, 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
