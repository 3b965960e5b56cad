"""Shows Values readably in the variables pane of VS Code, PyCharm and other users of pydevd.

pydevd loads extensions from modules of such a name in `pydevd_plugins/extensions`, anywhere on the
path, and the wheel puts a copy of this file there (see pyproject.toml). Every debugged session of
that environment loads it, also where nobody uses gradwalk. So it imports nothing before it is shown
one of our types. It never raises; where it fails, the pane is as it would be without it.
"""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

__all__ = ["GradwalkProvider"]


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method that falls back on the debugger's own view where ours fails."""

    @wraps(method)
    def careful(self: Any, *args: Any, **how: Any) -> Any:  # PyCharm's pydevd gives more
        try:
            return method(self, *args, **how)
        except Exception:  # noqa: BLE001 (the user is debugging a program of theirs, not us)
            return getattr(_Plain(), method.__name__)(*args, **how)

    return careful


class _Plain:
    """What pydevd shows by itself."""

    def can_provide(self, kind: type, name: str) -> bool:
        return False

    def get_str(self, thing: Any, *how: Any, **more: Any) -> str:
        return object.__repr__(thing)

    def change_var_from_name(self, thing: Any, name: str, value: Any) -> None:
        return None  # which says that it cannot be changed

    def __getattr__(self, method: str) -> Any:
        from _pydevd_bundle import pydevd_resolver  # type: ignore[import-not-found]

        return getattr(pydevd_resolver.defaultResolver, method)


def _view() -> Any:
    from engine.stepping import variables

    return variables


class GradwalkProvider:
    """The text and the children of Values, operations, steps and runs, as pydevd asks for them."""

    @_guarded
    def can_provide(self, kind: type, name: str) -> bool:
        """Whether it is one of our types; asked once for each type that a session shows."""
        if "engine.core.node" not in sys.modules:
            return False
        ours = any(base.__module__.partition(".")[0] == "engine" for base in kind.__mro__)
        return ours and issubclass(kind, _view().SHOWN)

    @_guarded
    def get_str(self, thing: Any, *how: Any, **more: Any) -> str:
        """One line."""
        return str(_view().text(thing))

    def get_str_in_context(self, thing: Any, context: str) -> str:
        """One line; in the console and for the clipboard, what Python says."""
        return repr(thing) if context in ("repl", "clipboard") else str(self.get_str(thing))

    @_guarded
    def get_contents_debug_adapter_protocol(
        self, thing: Any, fmt: Any = None
    ) -> list[tuple[str, Any, str | None]]:
        """The lines of an opened thing: name, value and the Python for it (VS Code)."""
        return list(_view().children(thing))

    @_guarded
    def get_dictionary(self, thing: Any) -> dict[str, Any]:
        """The values of an opened thing by name (PyCharm)."""
        return {name: value for name, value, _ in _view().children(thing)}

    @_guarded
    def resolve(self, thing: Any, attribute: str) -> Any:
        """One value of an opened thing by its name (PyCharm)."""
        return self.get_dictionary(thing)[attribute]

    @_guarded
    def change_var_from_name(self, thing: Any, name: str, value: Any) -> str:
        """Set data or grad of a Value that no Python expression leads to."""
        _view().assign(thing, name, value)
        return name


try:
    from _pydevd_bundle.pydevd_extension_api import (  # type: ignore[import-not-found]
        StrPresentationProvider,
        TypeResolveProvider,
    )

    StrPresentationProvider.register(GradwalkProvider)
    TypeResolveProvider.register(GradwalkProvider)
except Exception:  # noqa: BLE001 (not in a debugger, or in one that does this another way)
    pass
