"""Machines with other fonts than this one, as layout programs and browsers see them."""

import shutil
import subprocess
from pathlib import Path

from tests.drawing.browser import missing

__all__ = ["FAMILIES", "fonts_of"]

FAMILIES = {
    "Liberation Sans": "fonts-liberation",
    "DejaVu Sans": "fonts-dejavu-core",
}  # narrow, wide
CONFIGURATION = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir>{fonts}</dir>
<cachedir>{cache}</cachedir>
<include ignore_missing="yes">/etc/fonts/conf.d</include>
</fontconfig>
"""


def fonts_of(family: str, folder: Path) -> str:
    """What FONTCONFIG_FILE has to be on a machine whose only fonts are of that family; of none if
    that is "". The folder is for what fontconfig keeps.
    """
    fonts = folder / "none"
    if family:
        command = shutil.which("fc-list")
        listed = command and subprocess.run(
            [command, f":family={family}", "file"], capture_output=True, text=True, check=True
        )
        if not listed or not listed.stdout:
            missing(f"no {family}: apt-get install fontconfig {FAMILIES[family]}")
        fonts = Path(listed.stdout.splitlines()[0].rpartition(":")[0]).parent
    file = folder / "fonts.conf"
    file.write_text(CONFIGURATION.format(fonts=fonts, cache=folder / "cache"), encoding="utf-8")
    return str(file)
