"""Real headless Chromium for the tests of pages, as Debian packages it (`chromium`, `chromium-driver`)."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import pytest
from django.conf import settings
from django.test import Client
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from ledger.models import User

WAIT_SECONDS: Final = 20
# Set where the pages must be tested (in CI): then no browser is a failure, and not a reason to skip.
REQUIRED: Final = "OPENLEDGER_BROWSER"
_FLAGS: Final = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--force-device-scale-factor=1", "--hide-scrollbars",
)  # fmt: skip


class Browser:
    """A Chromium window on the pages of a running server."""

    def __init__(self, base_url: str, driver: webdriver.Chrome) -> None:
        self.base_url, self.driver = base_url, driver

    def log_in(self, user: User) -> None:
        """Take over a session of the person, as if they had given their password."""
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        self.driver.get(f"{self.base_url}/healthz")
        name = settings.SESSION_COOKIE_NAME
        self.driver.add_cookie({"name": name, "value": client.cookies[name].value, "path": "/"})

    def go(self, path: str) -> None:
        """Open a page by its path."""
        self.driver.get(f"{self.base_url}{path}")

    def find(self, css: str) -> WebElement:
        """Return the first element of the selector, as soon as it is there."""
        return WebDriverWait(self.driver, WAIT_SECONDS).until(
            lambda driver: driver.find_element(By.CSS_SELECTOR, css),
            f"{css} is not on {self.driver.current_url}",
        )

    def all(self, css: str) -> list[WebElement]:
        """Return the elements of the selector that are there now."""
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def until(self, condition: Any, message: str) -> Any:
        """Wait until `condition()` is true, and return what it gave."""
        return WebDriverWait(self.driver, WAIT_SECONDS).until(lambda _: condition(), message)

    def press(self, key: str) -> None:
        """Press a key, with no field in focus."""
        webdriver.ActionChains(self.driver).send_keys(key).perform()

    def submit(self, css: str) -> None:
        """Click what sends a form or follows a link, and wait for the page after it."""
        button = self.find(css)
        page = self.find("html")
        button.click()
        self.until(lambda: _is_gone(page), f"{css} led nowhere")

    def text(self, css: str = "body") -> str:
        """Return what a person reads in the element."""
        return self.find(css).text

    def picture(self, file: Path, *, width: int = 1280, height: int = 800, whole: bool = False) -> None:
        """Write a screenshot as PNG; `whole` makes the window as high as the page first."""
        if whole:
            height = max(height, int(self.driver.execute_script("return document.body.scrollHeight")))
        self.driver.set_window_size(width, height)
        self.driver.save_screenshot(str(file))
        self.driver.set_window_size(1280, 800)

    def faults(self) -> list[str]:
        """Return what the browser complained about since the last call: failed scripts, missing files."""
        said = self.driver.get_log("browser")
        return [str(entry["message"]) for entry in said if entry["level"] == "SEVERE"]


def _is_gone(element: WebElement) -> bool:
    try:
        element.is_enabled()
    except Exception:  # its page was left; the driver has several errors for that
        return True
    return False


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One Chromium for all tests of a process."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        reason = "Debian's chromium and chromium-driver are not installed, so pages are not tested"
        if os.environ.get(REQUIRED):
            pytest.fail(reason)
        pytest.skip(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*_FLAGS, f"--user-data-dir={mkdtemp(dir=tmp_path_factory.getbasetemp())}"):
        options.add_argument(flag)
    options.add_experimental_option(
        "prefs",
        {
            "download.default_directory": str(tmp_path_factory.mktemp("downloads")),
            "download.prompt_for_download": False,
        },
    )
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    started.set_window_size(1280, 800)
    yield started
    started.quit()


@pytest.fixture
def browser(chromium: webdriver.Chrome, live_server: Any) -> Iterator[Browser]:
    """A window of its own session, on a server that runs on the test's database (emptied afterwards)."""
    chromium.delete_all_cookies()
    yield Browser(live_server.url, chromium)
    chromium.get("about:blank")
    chromium.delete_all_cookies()
