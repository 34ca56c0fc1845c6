"""eexpmap: a plausible exposure map of an image."""

from __future__ import annotations

from programs import files, sas
from programs.sas_parameters import SasError

_FIELD_ARCMIN = 15.0
_VIGNETTING_ARCMIN = 12.0  # where half of the light is lost


def eexpmap(task: sas.Task) -> None:
    """Seconds, vignetted: the list's EXPOSURE inside the field of view, less at its rim; float32, one HDU."""
    np = files.numpy()
    values = task.values
    image = task.open(values["imageset"])[0]
    if int(image.get("NAXIS", 0)) != 2 or image.get("CDELT1L") is None:
        raise SasError("FileMismatch", f"`{values['imageset']}' is not an image made by evselect")
    wanted = ("DETX", "DETY") if values["withdetcoords"] else ("X", "Y")
    if (str(image.get("CTYPE1L")).upper(), str(image.get("CTYPE2L")).upper()) != wanted:
        raise SasError(
            "FileMismatch", f"The image is in {image.get('CTYPE1L')}, {image.get('CTYPE2L')}, not in {wanted[0]}, {wanted[1]}"
        )
    if files.find(task.open(values["attitudeset"]), "ATTHK") is None:
        raise SasError("blockNotFound", f"Block `ATTHK' not found in `{values['attitudeset']}'")
    hdus, i = task.events(values["eventset"])
    if not any(hdu.name.startswith("EXPOSU") for hdu in hdus):
        task.warn("NoExpoExt", "Exposure extension not found: 100 % exposure in each GTI is assumed")
    if len(values["pimin"]) != len(values["pimax"]):
        raise SasError("FileMismatch", "pimin and pimax have different lengths")
    exposure = float(hdus[i].get("EXPOSURE", hdus[i].get("LIVETIME", 0.0)) or 0.0)
    if exposure <= 0:
        raise SasError("NoGTI/noExposure", "No GTI extension and no EXPOSURE keyword found")
    axes = [
        float(image.get(f"CRVAL{k}L")) + float(image.get(f"CDELT{k}L")) * np.arange(int(image.get(f"NAXIS{k}"))) for k in (1, 2)
    ]
    centre = 0.0 if values["withdetcoords"] else float(hdus[i].get(f"TCRPX{hdus[i].number('X')}", 25921.0))
    off = np.hypot((axes[0] - centre)[None, :], (axes[1] - centre)[:, None]) * 0.05 / 60
    energy = (values["pimin"][0] + values["pimax"][0]) / 2000
    reach = _VIGNETTING_ARCMIN * (max(energy, 0.1) / 1.5) ** -0.15
    value = exposure / (1 + (off / reach) ** 2) if values["withvignetting"] else np.full(off.shape, exposure)
    cards = [
        line
        for line in image.cards
        if line[:8].strip() not in ("SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "EXTEND", "EXPOSURE")
    ]
    cards += [files.card("EXPOSURE", exposure), files.card("BUNIT", "s")]
    task.say(f"exposure {exposure:.1f} s, energy {energy:.2f} keV")
    files.write(values["expimageset"], [files.image_hdu(np.where(off <= _FIELD_ARCMIN, value, 0.0), cards)])
