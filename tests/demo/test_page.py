"""The page in a real browser: Debian's Chromium without a window, driven by Selenium."""

import functools
import http.server
import shutil
import threading
import time
import zipfile

import pytest
from conftest import png

from minisiamese.errors import BadInput

pytestmark = pytest.mark.browser
QUIET = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
SHAPES = (  # of strokes: points, from the middle of the paper
    [[(-60, -60), (60, -60), (60, 60), (-60, 60), (-60, -60)]],  # a square
    [[(-60, -60), (60, 60)], [(60, -60), (-60, 60)]],  # a cross
    [[(0, -70), (0, 70)], [(-60, -70), (60, -70)]],  # T
    [[(-60, 60), (0, -60), (60, 60)], [(-30, 10), (30, 10)]],  # A
    [[(-50, -70), (-50, 70), (50, 70)]],  # L
)


class Page:
    """The page as somebody uses it."""

    def __init__(self, driver):
        self.driver = driver

    def __call__(self, selector):
        return self.driver.find_element("css selector", selector)

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def press(self, selector):
        self(selector).click()

    def until(self, condition, seconds=60):
        """Wait until ``condition()`` is true."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, self("#status").text
            time.sleep(0.05)
        return found

    def draw(self, strokes, shift=0):
        """Draw strokes with the mouse, each point a little aside by ``shift``."""
        from selenium.webdriver.common.action_chains import ActionChains

        for stroke in strokes:
            chain = ActionChains(self.driver, duration=20)
            for number, (x, y) in enumerate(stroke):
                chain.move_to_element_with_offset(self("#pad"), x + shift * (-1) ** number, y + shift)
                if not number:
                    chain.click_and_hold()
            chain.release().perform()

    def keys(self, selector, *keys):
        self(selector).send_keys(*keys)

    def order(self):
        """The numbers of the cards as they lie, and their words."""
        return [each.get_attribute("aria-label") for each in self.all("#cards .card")]

    def drawn(self):
        return sum(", drawn" in label for label in self.order())

    def errors(self):
        """What the browser's console complains of, but for answers of 400."""
        return [each["message"] for each in self.driver.get_log("browser") if "status of 400" not in each["message"]]


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in (*QUIET.split(), f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture
def page(driver, server, request):
    """The page, afresh, as wide as the test asks."""
    width = getattr(request, "param", 1200)
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get(server.address)
    page = Page(driver)
    yield page
    assert page.errors() == []


def test_an_alphabet_is_drawn_and_its_characters_are_found(page):
    for shape in SHAPES:
        page.draw(shape)
        page.press("#next")
    assert page.drawn() == 5
    page.press("#ask")
    page.draw(SHAPES[3], shift=4)
    page.until(lambda: page.order()[0].startswith("Card 4, drawn, "))
    assert page("#cards li:first-child").get_attribute("class") == "best"
    page.press("#cards li:first-child .why")
    page.until(lambda: page("#why").is_displayed())
    assert "Card 4" in page("#why-title").text
    page.press("#why-close")
    page.press("[data-part=inside]")
    page.until(lambda: len(page.all("#inside-pictures img")) == 6)
    assert "1152 numbers" in page("#inside-words").text
    page.press("[data-part=draw]")
    page.press("#clear")
    page.draw(SHAPES[1], shift=-4)
    page.until(lambda: page.order()[0].startswith("Card 2, drawn, "))


def test_a_card_is_undone_replaced_and_emptied(page):
    page.draw(SHAPES[1])
    page.press("#undo")
    assert page.drawn() == 1
    page.press("#undo")
    assert page.drawn() == 0 and not page("#undo").is_enabled() and not page("#ask").is_enabled()
    page.press("#fill")
    page.until(lambda: page.drawn() >= 10)
    page.press(".card[aria-label^='Card 3,']")
    assert page("#target").text == "Card 3"
    page.press("#clear")
    page.draw(SHAPES[0])
    page.press("#ask")
    page.draw(SHAPES[0], shift=4)
    page.until(lambda: page.order()[0].startswith("Card 3, drawn, "))
    page.press("#empty")
    page.driver.switch_to.alert.accept()
    page.until(lambda: page.drawn() == 0)
    assert [label.split(",")[0] for label in page.order()] == [f"Card {number}" for number in range(1, 21)]


def test_a_dot_is_ink_and_what_is_drawn_stays_when_others_are_filled_in(page):
    page.draw([[(0, 0)]])
    dark = page.driver.execute_script(
        "const [pad] = document.getElementsByTagName('canvas');"
        "return pad.getContext('2d').getImageData(0, 0, 512, 512).data.filter((v, k) => k % 4 === 0 && v < 128).length"
    )
    assert dark > 200
    page.press("#next")
    page.draw(SHAPES[1])
    before = page.driver.execute_script("return cards[1].drawing.png")
    page.press("#fill")
    page.until(lambda: page.drawn() >= 10)
    assert page.driver.execute_script("return cards[1].drawing.png") == before


def test_a_stroke_ends_where_its_card_is_left(page):
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(page.driver).move_to_element(page("#pad")).click_and_hold().move_by_offset(30, 30).perform()
    page.driver.execute_script("document.getElementById('clear').click()")
    ActionChains(page.driver).move_by_offset(30, 0).perform()
    page.driver.execute_script("document.getElementById('next').click()")
    ActionChains(page.driver).move_by_offset(0, 30).release().perform()
    assert page.drawn() == 0


def test_what_is_late_does_not_open(page, server, monkeypatch):
    """The reasons for a card come after the cards were emptied, or after another part was opened."""
    (why, kind), go = server.questions["why"], threading.Event()

    def slow(asked):
        go.wait(30)
        return why(asked)

    monkeypatch.setitem(server.questions, "why", (slow, kind))
    for away in ("#empty", "[data-part=test]"):
        go.clear()
        page.draw(SHAPES[0])
        page.press("#ask")
        page.draw(SHAPES[0])
        page.until(lambda: page.all(".best .why:enabled"))
        page.press(".best .why")
        page.press(away)
        if away == "#empty":
            page.driver.switch_to.alert.accept()
        go.set()
        time.sleep(2)
        assert not page("#why").is_displayed()


def test_all_of_it_goes_by_keys(page):
    from selenium.webdriver.common.keys import Keys

    right, down, left = Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.ARROW_LEFT
    page.keys("#pad", " ", *[right] * 8, *[down] * 8, " ", Keys.ENTER)
    assert page("#target").text == "Card 2" and page.drawn() == 1
    page.keys("#pad", *[left] * 8, " ", *[Keys.ARROW_UP] * 8, *[down] * 16, " ")
    assert page.drawn() == 2
    page.keys("#ask", Keys.ENTER)
    page.keys("#pad", " ", *[right] * 7, *[down] * 8, " ")
    page.until(lambda: page.order()[0].startswith("Card 1, drawn, "))
    page.keys("[data-part=test]", Keys.ENTER)
    page.keys("#test-go", Keys.ENTER)
    for number in range(1, 6):
        page.until(lambda: page("#test-title").text == f"Question {number} of 20")  # noqa: B023
        page.keys("body", "abcde"[number - 1])
        page.until(lambda: f"of {number}, the network" in page("#test-score").text)  # noqa: B023
        page.driver.switch_to.active_element.send_keys(Keys.ENTER)  # "Next question" has the focus


def test_five_trials_by_clicks_and_none_tells_the_answer_before(page):
    page.press("[data-part=test]")
    page.press("#test-go")
    mine = its = 0
    for number in range(1, 6):
        page.until(lambda: len(page.all("#test-cards .card:enabled")) == 20)
        assert not page.all("#test-cards .right") and f"Question {number} of" in page("#test-title").text
        page.press(f"#test-cards li:nth-child({number})  .card")
        page.until(lambda: page.all("#test-cards .right"))
        mine += "You are right" in page("#test-words").text
        its += "the network is right" in page("#test-words").text
        assert page("#test-score").text == f"You {mine} of {number}, the network {its} of {number}."
        if number == 5:
            page.press("#test-end")
            assert page("#test-title").text == "How it went" and f"You {mine} of 5" in page("#test-score").text
            assert len(page.all("#your-errors li")) == max(1, 5 - mine)
            return
        page.press("#test-go")


def test_bad_answers_are_a_line_and_the_page_goes_on(page, server, monkeypatch):
    def failing(asked):
        raise BadInput("the network is asleep")

    page.press("[data-part=test]")
    page.press("#test-go")
    page.until(lambda: len(page.all("#test-cards .card:enabled")) == 20)
    for name, answer, words in (
        ("choose", failing, "the network is asleep"),
        ("choose", lambda asked: {"right": 77, "network": -1}, "a wrong answer"),
    ):
        with monkeypatch.context() as patch:
            patch.setitem(server.questions, name, (answer, server.questions[name][1]))
            page.press("#test-cards li:nth-child(2) .card")
            page.until(lambda: words in page("#status").text)  # noqa: B023
    page.driver.execute_script("window.fetch = () => Promise.resolve(new Response('<html>', {status: 502}))")
    page.press("[data-part=draw]")
    page.draw(SHAPES[0])
    page.until(lambda: "no answer that can be read (502)" in page("#status").text)
    page.driver.execute_script("window.fetch = () => Promise.reject(new TypeError())")
    page.draw(SHAPES[1])
    page.until(lambda: "start it again" in page("#status").text)
    page.driver.refresh()
    page.press("#fill")
    page.until(lambda: page.drawn() >= 10)


def test_an_alphabet_is_loaded_and_a_broken_one_is_a_line(page, drawings, tmp_path):
    with zipfile.ZipFile(tmp_path / "alphabet.zip", "w") as archive:
        for number, rows in enumerate(drawings.rows_of_class[:7]):
            archive.writestr(f"{number}.png", png(drawings.images[rows[0]]))
    (tmp_path / "broken.zip").write_text("no zip")
    page.keys("#file", str(tmp_path / "broken.zip"))
    page.until(lambda: "not a whole zip" in page("#status").text)
    page.keys("#file", str(tmp_path / "alphabet.zip"))
    page.until(lambda: page.drawn() == 7)
    assert page("#target").text == "Draw one again"
    page.keys("#file", str(tmp_path / "broken.zip"))
    page.driver.switch_to.alert.dismiss()
    assert page.drawn() == 7


@pytest.mark.parametrize("page", [1200, 390], indirect=True)
def test_nothing_is_wider_than_the_window(page):
    page.press("#fill")
    page.until(lambda: page.drawn() >= 10)
    page.press("#ask")
    page.draw(SHAPES[0])
    page.until(lambda: "%" in page.order()[0])
    for part in ("draw", "test", "inside"):
        page.press(f"[data-part={part}]")
        if part == "test":
            page.press("#test-go")
            page.until(lambda: page.all("#test-cards img"))
        if part == "inside":
            page.until(lambda: page.all("#inside-pictures img"))
        wide, window = (page.driver.execute_script(f"return {each}") for each in (
            "document.documentElement.scrollWidth", "window.innerWidth",
        ))  # fmt: skip
        assert wide <= window


def test_a_page_of_another_origin_gets_nothing(driver, server, tmp_path):
    """It knows the address, token and all, and tries what a page can: a request, an image, a script, a frame."""
    (tmp_path / "page.html").write_text(f"""<title>waits</title><script>
        const found = [];
        const keep = (name) => (value) => found.push(name + ":" + value);
        const post = {{method: "POST", body: '{{"number": 1}}'}};
        const tries = [
          fetch("{server.address}invented", post).then((r) => r.text()).then(keep("post")),
          fetch("{server.address}").then((r) => r.text()).then(keep("get")),
          new Promise((done, failed) => {{
            const script = document.createElement("script");
            Object.assign(script, {{src: "{server.address}script.js", onload: done, onerror: failed}});
            document.head.append(script);
          }}).then(keep("script")),
        ];
        Promise.allSettled(tries).then(() => {{ document.title = "found " + found.join() + "."; }});
    </script><iframe src="{server.address}"></iframe>""")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        driver.get(f"http://127.0.0.1:{other.server_port}/page.html")
        page = Page(driver)
        deadline = time.monotonic() + 30
        while driver.title == "waits" and time.monotonic() < deadline:
            time.sleep(0.05)
        assert driver.title == "found ."
        driver.switch_to.frame(page("iframe"))
        assert not page.all("#pad")
        driver.switch_to.default_content()
        other.shutdown()
    driver.get_log("browser")
