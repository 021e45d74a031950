"""A browser without scripts, for tests of server-rendered pages: it follows links, fills in forms and presses buttons.

    browser = PlainBrowser(app.test_client())
    page = browser.get("/admin/login")
    page = page.form().fill(name="admin", password="...").press()

What a form sends is what its fields hold: hidden fields, selected options and checked boxes included.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

_VOID = {"input", "br", "meta", "link", "img", "hr"}


class Form:
    """One form of a page, as it would be sent."""

    def __init__(self, page: Page, action: str, method: str) -> None:
        self._page = page
        self.action = action
        self.method = method
        self.fields: MultiDict[str, Any] = MultiDict()
        self.choices: dict[str, list[str]] = {}
        """Name -> values of its radio buttons, boxes or options."""
        self.buttons: list[tuple[str, str, str]] = []
        """(name, value, words) of its buttons."""

    def fill(self, **values: Any) -> Form:
        """Type into fields, by name; None unchecks."""
        return self.type(values)

    def type(self, values: dict[str, Any]) -> Form:
        """As `fill`, for names that are no words."""
        for name, value in values.items():
            assert name in self.fields or name in self.choices, f"the form has no field {name}: {sorted(self.fields)}"
            if value is None:
                self.fields.poplist(name)
            else:
                self.fields.setlist(name, [value] if not isinstance(value, list) else value)
        return self

    def press(self, words: str = "", *, follow: bool = True) -> Page:
        """Press a button by a part of its words; without words, its first."""
        found = [button for button in self.buttons if words in button[2] or words == button[1]]
        assert found, f"the form has no button {words!r}: {self.buttons}"
        name, value, _words = found[0]
        data = MultiDict(self.fields)
        if name:
            data.setlist(name, [value])
        return self._page.browser.send(self.method, self.action, data, follow=follow)


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__(convert_charrefs=True)
        self.page = page
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.text: list[str] = []
        self._form: Form | None = None
        self._textarea = self._select = self._link = ""
        self._button: list[str] | None = None
        self._words: list[str] = []
        self._selected = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {name: value if value is not None else "" for name, value in attrs}
        if "id" in a:
            self.ids.append(a["id"])
        if tag == "form":
            self._form = Form(self.page, urljoin(self.page.path, a.get("action", "")), a.get("method", "get"))
            self.forms.append(self._form)
        elif tag == "a":
            self._link, self._words = a.get("href", ""), []
        elif self._form is not None:
            self._field(tag, a)

    def _field(self, tag: str, a: dict[str, str]) -> None:
        form, name = self._form, a.get("name", "")
        assert form is not None
        if tag == "input" and name and "disabled" not in a:
            kind = a.get("type", "text")
            if kind in {"radio", "checkbox"}:
                form.choices.setdefault(name, []).append(a.get("value", "on"))
                if "checked" in a:
                    form.fields.add(name, a.get("value", "on"))
            elif kind != "file":
                form.fields.add(name, a.get("value", ""))
            else:
                form.choices.setdefault(name, [])
        elif tag == "textarea":
            self._textarea, self._words = name, []
        elif tag == "select":
            self._select, self._selected = name, False
            form.choices[name] = []
        elif tag == "option" and self._select:
            value = a.get("value", "")
            form.choices[self._select].append(value)
            if "selected" in a or not self._selected:
                form.fields.setlist(self._select, [value])
                self._selected = self._selected or "selected" in a
        elif tag == "button":
            self._button, self._words = [name, a.get("value", "")], []

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "a" and self._link:
            self.links.append((self._link, " ".join("".join(self._words).split())))
            self._link = ""
        elif self._form is not None and tag == "textarea" and self._textarea:
            self._form.fields.add(self._textarea, "".join(self._words).removeprefix("\n"))
            self._textarea = ""
        elif tag == "select":
            self._select = ""
        elif tag == "button" and self._button is not None and self._form is not None:
            name, value = self._button
            self._form.buttons.append((name, value, " ".join("".join(self._words).split())))
            self._button = None

    def handle_data(self, data: str) -> None:
        self._words.append(data)
        self.text.append(data)


class Page:
    """What the browser shows."""

    def __init__(self, browser: PlainBrowser, path: str, response: Any) -> None:
        self.browser = browser
        self.path = path
        self.status: int = response.status_code
        self.headers = response.headers
        self.data: bytes = response.data
        self.html = response.get_data(as_text=True) if response.mimetype.startswith("text/") else ""
        self._reader = _Reader(self)
        response.close()
        if response.mimetype == "text/html":
            self._reader.feed(self.html)

    @property
    def text(self) -> str:
        """All words, with single spaces."""
        return " ".join(" ".join(self._reader.text).split())

    @property
    def ids(self) -> list[str]:
        return self._reader.ids

    @property
    def links(self) -> list[tuple[str, str]]:
        return self._reader.links

    @property
    def forms(self) -> list[Form]:
        return self._reader.forms

    def form(self, button: str = "") -> Form:
        """The form that has a button with these words, other than logging out."""
        for form in self._reader.forms:
            if "logout" in form.action or form.action == "/admin/extend":
                continue
            if not button or any(button in words or button == value for _name, value, words in form.buttons):
                return form
        raise AssertionError(f"no form with the button {button!r} at {self.path}: {self.text[:500]}")

    def follow(self, words: str) -> Page:
        """Follow a link by a part of its words."""
        for href, text in self._reader.links:
            if words in text:
                return self.browser.get(urljoin(self.path, href))
        raise AssertionError(f"no link {words!r} at {self.path}: {self._reader.links}")


class PlainBrowser:
    """Keeps cookies, follows redirects."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, address: str) -> Page:
        return self.send("get", address, MultiDict())

    def send(self, method: str, address: str, data: Any, *, follow: bool = True) -> Page:
        parts = urlsplit(address)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        response = self.client.get(path) if method.lower() == "get" else self.client.post(path, data=data)
        hops = 0
        while follow and response.status_code in {301, 302, 303, 308} and hops < 5:
            path = urljoin(path, response.headers["Location"])
            response = self.client.get(
                urlsplit(path).path + (f"?{urlsplit(path).query}" if urlsplit(path).query else "")
            )
            hops += 1
        return Page(self, path, response)
