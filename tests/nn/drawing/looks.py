"""A figure of matplotlib in words: all that our code adds to it, with where it stands and how it
looks, and the ticks, since we choose how many there are and how they are written.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.colors import to_hex


def lines_of(name: str, figure: Any) -> Iterator[str]:
    """What was added to a figure, in the order in which it was."""
    layout, ground = type(figure.get_layout_engine()).__name__, _ink(figure.get_facecolor())
    yield f"{name}: {_brief(figure.get_size_inches())} {layout} {ground}"
    yield from map(_text, figure.texts)
    for legend in figure.legends:
        yield from _legend(legend)
    pending = [*figure.axes]
    while pending:
        axes = pending.pop(0)
        pending += axes.child_axes
        yield from _frame(axes)
        yield from map(_line, axes.lines)
        yield from map(_patch, axes.patches)
        yield from map(_several, axes.collections)
        yield from map(_image, axes.images)
        yield from map(_text, axes.texts)
        if axes.get_legend():
            yield from _legend(axes.get_legend())


def _frame(axes: Any) -> Iterator[str]:
    ends = _brief([*axes.get_xlim(), *axes.get_ylim()])
    yield f"  axes {_brief(axes.get_position().bounds)} {ends} {axes.get_aspect()}"
    spines = "".join(side[0] for side, spine in axes.spines.items() if spine.get_visible())
    scales = axes.get_xscale(), axes.get_yscale()
    yield f"    {scales} {axes.axison} {spines} {_ink(axes.get_facecolor())}"
    if bar := getattr(axes, "_colorbar_info", None):
        yield f"    bar of {len(bar['parents'])} {bar['location']} {_brief(bar['shrink'])}"
    titles = [axes.get_title(side) for side in ("left", "center", "right")]
    size, above = f"{axes._left_title.get_fontsize():g}", axes.titleOffsetTrans.get_matrix()[1, 2]
    yield f"    {titles} {size} {_brief(above)} {axes.get_xlabel()!r} {axes.get_ylabel()!r}"
    for each, axis in (("x", axes.xaxis), ("y", axes.yaxis)) if axes.axison else ():
        for kind, ticks in ("", axis.get_major_ticks()), ("minor ", axis.get_minor_ticks()):
            if ticks:
                words = [text.get_text() for text in axis.get_ticklabels(minor=bool(kind))]
                places = _brief(axis.get_ticklocs(minor=bool(kind)))
                mark, label = ticks[0].tick1line, ticks[0].label1
                how = f"{label.get_fontsize():g} {label.get_visible()} {mark.get_markersize():g}"
                yield f"    {kind}{each} {places} {words} {how}"


def _line(line: Any) -> str:
    ends = np.transpose(line.get_data())
    gaps = np.flatnonzero(np.isnan(np.asarray(ends, "float64")).any(axis=1)).tolist()
    some = _brief([*ends[::9].ravel(), *ends[-1:].ravel()])
    about = f"{len(ends)} {gaps or ''} {some} {_stroke(line)} {line.get_label()}"
    return f"    line {about} {_order(line)}"


def _stroke(line: Any) -> str:
    """How a line is drawn: colour, width, dashes, and its mark if it has one."""
    dash = _dashes(*line._unscaled_dash_pattern) or line.get_linestyle()
    mark = line.get_marker()
    if mark not in ("", "None"):
        inks = _ink(line.get_markerfacecolor()), _ink(line.get_markeredgecolor())
        mark = f"{mark} {_brief([line.get_markersize(), line.get_markeredgewidth()])} {inks}"
    return f"{_ink(line.get_color())} {line.get_linewidth():g} {dash} {mark}"


def _dashes(start: float, lengths: Any) -> str:
    return f"{f'from {start:g} ' * bool(start)}{_brief(lengths)}" if lengths else ""


def _patch(patch: Any) -> str:
    box = patch.get_path().transformed(patch.get_patch_transform()).get_extents()
    inks = _ink(patch.get_facecolor()), _ink(patch.get_edgecolor())
    dash = _dashes(*patch._unscaled_dash_pattern) or patch.get_linestyle()
    stroke = f"{patch.get_linewidth():g} {dash}"
    return f"    {type(patch).__name__} {_brief(box.bounds)} {inks} {stroke} {_order(patch)}"


def _several(many: Any) -> str:
    at = [path.get_extents().bounds for path in many.get_paths()]
    inks = [" ".join(map(_ink, ask())) for ask in (many.get_facecolor, many.get_edgecolor)]
    points = _brief(np.ma.filled(many.get_offsets(), np.nan))
    dashes = [_dashes(*d) for d in many._us_linestyles if d[1]] or ""
    widths = f"{_brief(many.get_linewidths())} {dashes}"
    sizes = _brief(getattr(many, "get_sizes", list)())
    about = f"{points} {inks} {widths} {sizes} {many.get_label()} {_scale(many)}"
    return f"    several {_brief(at)} {about} {_order(many)}"


def _image(image: Any) -> str:
    shown = np.asarray(image.get_array(), "float64")
    where, some = _brief(image.get_extent()), _brief(shown.ravel()[::37])
    how = f"{image.origin} {image.get_interpolation()} {_scale(image)}"
    return f"    image {shown.shape} {where} {some} {how} {_order(image)}"


def _scale(colours: Any) -> str:
    """How numbers become colours, where they do."""
    if colours.get_array() is None or np.ndim(colours.get_array()) == 3:
        return ""
    ends, levels = _brief(colours.get_clim()), _brief(getattr(colours, "levels", []))
    return f"{colours.get_cmap().name} {ends} {levels or _brief(colours.get_array().ravel()[:20])}"


def _text(text: Any) -> str:
    size, weight = f"{text.get_fontsize():.3g}", text.get_fontweight()
    how = f"{text.get_ha()} {text.get_va()} {text.get_rotation():g} {size} {weight}"
    if paper := text.get_bbox_patch():
        box = paper.get_boxstyle()
        how += f" on {type(box).__name__} {box.pad:g} {_ink(paper.get_fc())} {_ink(paper.get_ec())}"
    if hasattr(text, "anncoords"):
        how += f" from {_brief(text.xy)} in {text.anncoords}"
    where, ink = _brief(text.get_position()), _ink(text.get_color())
    return f"    {text.get_text()!r} {where} {ink} {how} {_order(text)}"


def _legend(legend: Any) -> Iterator[str]:
    texts = [text.get_text() for text in legend.get_texts()]
    place = _brief(legend.get_bbox_to_anchor().bounds)
    how = f"{legend._loc} {legend._outside_loc} {legend._ncols} {place} {legend.get_frame_on()}"
    sizes = {f"{text.get_fontsize():g} {_ink(text.get_color())}" for text in legend.get_texts()}
    yield f"    legend {texts} {how} {sorted(sizes)}"
    for each in legend.legend_handles:
        yield f"      {_stroke(each) if hasattr(each, 'get_marker') else _several(each).strip()}"


def _order(artist: Any) -> str:
    """What it is drawn over, whether it is cut at the frame, and its name in a file."""
    return f"{artist.get_zorder():g}{' cut' * artist.get_clip_on()} {artist.get_gid() or ''}"


def _brief(numbers: Any) -> str:
    """Numbers in a few digits, since the last ones differ between machines."""
    listed = np.asarray(numbers, "float64").ravel().tolist()
    return " ".join(f"{0.0 if abs(x) < 1e-9 else x:.4g}" for x in listed)


def _ink(colour: Any) -> str:
    if isinstance(colour, str) and colour in ("none", "auto"):
        return colour
    return to_hex(colour, keep_alpha=True).removesuffix("ff").removeprefix("#")
