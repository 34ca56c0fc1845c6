"""deflare: the methods « sigma » and « clean » on a light curve of dmextract."""

from __future__ import annotations

from typing import Any

from programs import ciao, files


def deflare(values: dict[str, Any]) -> None:
    np = files.numpy()
    if not values["infile"] or not values["outfile"]:
        raise ciao.CiaoError("infile and outfile must be given")
    try:
        hdus = files.read(values["infile"])
    except FileNotFoundError:
        raise ciao.CiaoError(f"unable to open light curve {values['infile']}") from None
    table = next((hdu for hdu in hdus if hdu.number("COUNT_RATE") or hdu.number("RATE")), None)
    if table is None:
        raise ciao.CiaoError(f"{values['infile']} has no column COUNT_RATE or RATE")
    rows = table.rows()
    name = "COUNT_RATE" if table.number("COUNT_RATE") else "RATE"
    rate = rows[name].astype("f8")
    width = float(table.get("TIMEDEL", 0.0)) or float(np.median(np.diff(rows["TIME"])))
    low, high = (
        (rows[end] if end in rows.dtype.names else rows["TIME"] + side * width / 2).astype("f8")
        for end, side in (("TIME_MIN", -1), ("TIME_MAX", 1))
    )
    if not (rate > 0).any():
        raise ciao.CiaoError("all rates are zero")
    if values["method"].lower() == "sigma":
        good, limits = _sigma(rate, float(values["nsigma"]))
        lengths = max(1, int(values["minlength"] or 1))
        good = _long_runs(good, lengths)
    else:
        good, limits = _clean(rate, rows, width, values)
    print(f"Parameters used by deflare: method={values['method']} nsigma={values['nsigma']}")
    print(f"Rate filter: {limits[0]:.6g} <= count_rate < {limits[1]:.6g}; {int(good.sum())} of {len(good)} bins are kept")
    intervals = _runs(good, low, high)
    for each in [files.intervals(hdu) for hdu in hdus if hdu.name == "GTI"][:1]:
        intervals = files.overlap(intervals, each)
    cards = files.identity(table)
    empty = files.table_hdu("FILTER", [("TIME", "D", "s")], b"", 0, cards)
    files.write(values["outfile"], [files.primary(), empty, files.intervals_hdu("GTI", intervals, cards)])
    print(f"Created: {values['outfile']}")


def _sigma(rate: Any, n_sigma: float) -> tuple[Any, tuple[float, float]]:
    kept = rate > 0
    while True:
        mean, spread = float(rate[kept].mean()), float(rate[kept].std())
        inside = kept & (abs(rate - mean) <= n_sigma * spread) if spread > 0 else kept
        if inside.sum() == kept.sum():
            return kept, (mean - n_sigma * spread, mean + n_sigma * spread)
        kept = inside


def _clean(rate: Any, rows: Any, width: float, values: dict[str, Any]) -> tuple[Any, tuple[float, float]]:
    if "EXPOSURE" not in rows.dtype.names:
        raise ciao.CiaoError("the light curve has no column EXPOSURE, which the method clean needs")
    step = float(rows["EXPOSURE"].max()) or width
    start = float(rate[rate > 0].mean())
    near = (rate > 0) & (abs(rate - start) <= float(values["nsigma"]) * (start / step) ** 0.5)
    mean = float(values["mean"]) or (float(rate[near].mean()) if near.any() else start)
    if float(values["stddev"]) > 0:
        half = float(values["stddev"]) * (mean / step) ** 0.5
        limits = (mean - half, mean + half)
    else:
        limits = (mean / float(values["scale"]), mean * float(values["scale"]))
    good = (rate > limits[0]) & (rate < limits[1])
    if good.sum() < float(values["minfrac"]) * (rate > 0).sum():
        raise ciao.CiaoError(
            f"only {int(good.sum())} of {int((rate > 0).sum())} bins are good: less than minfrac={values['minfrac']}"
        )
    return good, limits


def _long_runs(good: Any, length: int) -> Any:
    """Runs of good bins that are shorter are no good."""
    kept, start = good.copy(), None
    for k, value in enumerate([*good.tolist(), False]):
        if value and start is None:
            start = k
        elif not value and start is not None:
            if k - start < length:
                kept[start:k] = False
            start = None
    return kept


def _runs(good: Any, low: Any, high: Any) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for k in files.numpy().flatnonzero(good):
        if found and abs(found[-1][1] - low[k]) < 1e-6:
            found[-1] = (found[-1][0], float(high[k]))
        else:
            found.append((float(low[k]), float(high[k])))
    return found
