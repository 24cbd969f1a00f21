"""The page's server: it answers the page, and nothing and nobody else."""

import base64
import http.client
import io
import json
import random
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import time
import zipfile
import zlib

import numpy as np
import pytest
from conftest import call, png, write_runs
from PIL import Image, ImageDraw

import minisiamese as ms
from minisiamese.data import glyphs, omniglot
from minisiamese.demo import __main__ as demo
from minisiamese.demo import exam as exams
from minisiamese.demo import server as serving
from minisiamese.demo.answers import Answers, Pair
from minisiamese.demo.exam import Exam
from minisiamese.demo.pictures import BYTES
from minisiamese.demo.server import AT_ONCE, FILES, LONGEST
from minisiamese.evaluate.scoring import network_scorer
from minisiamese.predict import __main__ as predict
from minisiamese.trials import lake_trials, nway_trials


def text(picture):
    """A PNG as JSON has it."""
    return base64.b64encode(picture).decode()


def fetch(server, name, body=None, method="POST", path=None, **headers):
    """(status, headers, body) of a request; a body that is no bytes is sent as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    headers = {"Host": server.hosts[0]} | {key.replace("_", "-"): value for key, value in headers.items()}
    body = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method, f"/{server.token}/{name}" if path is None else path, body, headers)
    response = connection.getresponse()
    found = response.status, dict(response.headers), response.read()
    connection.close()
    return found


def ask(server, name, body):
    """The answer to a question."""
    status, _, found = fetch(server, name, body)
    assert status == 200, found
    return json.loads(found)


def refusal(server, name, body):
    """(status, line) of a question that gets no answer."""
    status, _, found = fetch(server, name, body)
    found = json.loads(found)
    assert found.keys() == {"error"} and "\n" not in found["error"]
    return status, found["error"]


@pytest.fixture(scope="module")
def cards(drawings):
    """Twelve characters by one person, as PNG."""
    return [png(drawings.images[rows[0]]) for rows in drawings.rows_of_class[:12]]


# --- answers ----------------------------------------------------------------------------------------------------------


def test_cards_are_ranked_as_predict_ranks_pictures(server, drawings, cards):
    query, model = png(drawings.images[drawings.rows_of_class[4][1]]), ms.load("pretrained")
    p = ask(server, "rank", {"query": text(query), "cards": [text(card) for card in cards]})["p"]
    order, expected = model.rank(Image.open(io.BytesIO(query)), [Image.open(io.BytesIO(card)) for card in cards])
    assert np.argmax(p) == 4
    np.testing.assert_allclose(np.array(p)[order], expected, atol=1e-5)


def test_a_card_that_cannot_be_read_is_alone_in_it(server, cards):
    blank = io.BytesIO()
    Image.new("L", (50, 50), 255).save(blank, "PNG")
    found = ask(server, "rank", {"query": text(cards[2]), "cards": [text(blank.getvalue()), text(cards[2])]})
    assert found["p"][0] is None and found["p"][1] > 0.9
    assert "shows no drawing" in found["notes"][0][0] and found["notes"][1] == found["query"] == []
    assert ask(server, "rank", {"cards": [text(cards[2])]}) == {"p": [None], "notes": [[]], "query": []}
    query, card = text(blank.getvalue()), text(cards[2])
    found = ask(server, "rank", {"query": query, "cards": [card]})
    assert found["p"] == [None] and "shows no drawing" in found["query"][0] and not found["notes"][0]
    for name in ("why", "inside"):
        assert refusal(server, name, {"query": query, "card": card})[1].startswith("your drawing shows no drawing")


def test_both_drawings_are_coloured_by_what_speaks_for_them(server, cards):
    """Of a drawing with itself all ink speaks for the same, so both are more orange than violet, and alike."""
    found = ask(server, "why", {"query": text(cards[0]), "card": text(cards[0])})
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(found["query"]))), int)
    warmer = pixels[:, :, 0] - pixels[:, :, 2]
    assert (warmer > 20).sum() > 5 * (warmer < -20).sum() and (warmer > 20).mean() > 0.05
    assert found["query"] == found["card"]
    other = ask(server, "why", {"query": text(cards[0]), "card": text(cards[1])})
    assert len({*found.values(), *other.values()}) == 3


def test_a_part_is_what_hiding_it_takes_from_the_score(cards):
    """The first pixel lies in one hidden square alone, the one beside it in the same, the fourth in two."""
    answers = Answers(ms.load("pretrained"))
    x = answers.views(Pair(query=cards[0], card=cards[1]))
    x[0, :12, :12] = 1  # ink, so that it matters

    def score(view):
        z = answers.model.network.forward(np.stack([view, x[1]]), train=False)
        return float(answers.model.network.head.score(z[:1] - z[1:])[0])

    def lost(i, j):
        hidden = x[0].copy()
        hidden[i : i + 7, j : j + 7] = 0
        return score(x[0]) - score(hidden)

    parts = answers.parts(x[0], x[1])
    assert parts.shape == (52, 52) and abs(lost(0, 0)) > 1e-3
    assert parts[0, [0, 1, 3]] == pytest.approx([lost(0, 0), lost(0, 0), (lost(0, 0) + lost(0, 3)) / 2], abs=1e-4)


def test_inside_shows_every_stage(server, cards):
    found = ask(server, "inside", {"query": text(cards[0]), "card": text(cards[1])})
    assert [each["shape"] for each in found["maps"]] == [[26, 26, 64], [13, 13, 64]] and found["features"] == 1152
    asked = {"query": text(cards[0]), "cards": [text(cards[1])]}
    assert found["p"] == pytest.approx(ask(server, "rank", asked)["p"][0], abs=1e-5)
    pictures = [found["view"], found["distance"], *found["embeddings"], *(each["picture"] for each in found["maps"])]
    assert all(Image.open(io.BytesIO(base64.b64decode(each))).width >= 200 for each in pictures)


def test_what_features_add_is_the_score():
    model, rng = ms.load("pretrained"), np.random.default_rng(0)
    difference = rng.normal(size=1152).astype(np.float32)
    parts = Answers(model).by_feature(difference)
    head = model.network.head
    assert parts.sum() + head.params["b"][0] == pytest.approx(head.score(difference[None])[0], rel=1e-4)


def test_an_alphabet_is_saved_loaded_and_taken_by_predict(server, cards, tmp_path, monkeypatch, capsys):
    packed = ask(server, "pack", {"cards": [text(card) for card in cards]})
    assert ask(server, "unpack", packed)["cards"] == [text(card) for card in cards]
    (tmp_path / "alphabet.zip").write_bytes(base64.b64decode(packed["zip"]))
    (tmp_path / "query.png").write_bytes(cards[3])
    arguments = "--support", tmp_path / "alphabet.zip", tmp_path / "query.png"
    assert call(monkeypatch, predict.main, *arguments, "--json", "--show", tmp_path / "saw.png") == 0
    ranking = json.loads(capsys.readouterr().out)["ranking"]
    assert len(ranking) == 12 and ranking[0][0].endswith("04.png") and (tmp_path / "saw.png").exists()


def test_an_invented_alphabet_fills_the_cards(server):
    found, expected = ask(server, "invented", {"number": 7})["cards"], glyphs.make([7], drawers=1)
    assert len(found) == min(20, len(expected.rows_of_class)) and len(set(found)) == len(found)
    assert found == ask(server, "invented", {"number": 7})["cards"] != ask(server, "invented", {"number": 8})["cards"]


def test_ink_at_the_edge_is_read_in_grey_and_in_colour(server):
    """An underlined letter whose line reaches both edges, as the browser sends it and as other programs do."""
    page = Image.new("L", (256, 256), 255)
    ImageDraw.Draw(page).line([(128, 30), (60, 180), (200, 180), (128, 30)], fill=0, width=10)
    ImageDraw.Draw(page).line([(0, 230), (255, 230)], fill=0, width=10)
    wide = Image.new("L", (356, 356), 255)
    wide.paste(page, (50, 50))
    for mode in ("L", "RGBA", "RGB", "P", "1"):
        sent = [io.BytesIO(), io.BytesIO()]
        page.convert(mode).save(sent[0], "PNG")
        wide.convert(mode).save(sent[1], "PNG")
        query, card = (text(each.getvalue()) for each in sent)
        found = ask(server, "rank", {"query": query, "cards": [card]})
        assert found["p"][0] > 0.99, mode


def zipped(**files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return file.getvalue()


def test_zips_that_hold_no_alphabet_are_one_line(server, cards):
    large = io.BytesIO()
    Image.new("L", (1025, 3)).save(large, "PNG")
    header = b"IHDR" + struct.pack(">IIBBBBB", 9000, 9000, 8, 0, 0, 0, 0)
    second = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))  # which counts, too
    for data, words in (
        (zipped(a_png=cards[0][:33] + second + cards[0][33:]), "larger than 1024 x 1024 pixels"),
        (b"PK no zip", "not a whole zip"),
        (zipped(a_txt=b"text"), "holds no PNG files"),
        (zipped(a_png=b"text"), "a.png in the zip: the drawing is no PNG"),
        (zipped(a_png=cards[0] + bytes(50 << 20)), "a.png in the zip: the drawing is larger than"),  # of 50 KB
        (zipped(a_png=large.getvalue()), "larger than 1024 x 1024 pixels"),
        (zipped(a_png=cards[0][:60]), "a.png in the zip: the drawing is not a readable image"),
    ):
        status, line = refusal(server, "unpack", {"zip": text(data)})
        assert status == 400 and words in line
    hidden = {"__MACOSX/._1.png": b"x", ".2.png": b"x"}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in hidden.items() | {(f"{number:02d}.png", cards[0]) for number in range(23)}:
            archive.writestr(name, data)
    found = ask(server, "unpack", {"zip": text(file.getvalue())})
    assert len(found["cards"]) == 20 and found["left"] == 3
    whole, random_ = bytearray(zipped(a_png=cards[0], b_png=cards[1])), random.Random(0)
    for _ in range(100):  # damaged anywhere
        damaged = whole.copy()
        for _ in range(3):
            damaged[random_.randrange(len(whole))] = random_.randrange(256)
        assert fetch(server, "unpack", {"zip": text(bytes(damaged))})[0] in (200, 400)


# --- the test ---------------------------------------------------------------------------------------------------------


def test_the_network_answers_the_test_as_evaluate_does(tmp_path, drawings, monkeypatch):
    """On runs in the shape of Lake's, of five alphabets, with five cards."""
    (tmp_path / "omniglot").mkdir()
    write_runs(tmp_path / "omniglot/all_runs.zip", drawings)
    runs = omniglot.load_runs(tmp_path)
    trials = lake_trials(runs)
    monkeypatch.setattr(exams, "COUNT", len(trials.query))
    monkeypatch.setattr(exams, "WAY", trials.support.shape[1])
    model = ms.load("pretrained")
    exam = Exam(model, Answers(model).alone, tmp_path)
    assert exam.lake
    asked = exam.trials(exams.Nothing())
    assert asked["people"] == 0.955 and len(asked["trials"]) == len(runs)
    scores = trials.scores(network_scorer(model.network, views=model.settings.measuring.views))
    figures = [exam.figure(exams.Asked(number=trial["number"])) for trial in asked["trials"]]
    assert [each["trials"] for each in figures] == [5, 10, 15, 20, 25]
    figure = figures[-1]
    assert figure["trials"] == len(trials.query)
    assert figure["accuracy"] == pytest.approx((scores.argmax(axis=1) == trials.target).mean())
    for trial in asked["trials"]:
        number = trial["number"]
        answer = exam.choose(exams.Choice(number=number, place=0))
        shown = [np.asarray(Image.open(io.BytesIO(card))) for card in trial["cards"]]
        right, network = (
            255 - trials.images[trials.support[number, each, 0], :, :, 0].repeat(2, axis=0).repeat(2, axis=1)
            for each in (trials.target[number], scores[number].argmax())
        )
        assert (shown[answer["right"]] == right).all() and (shown[answer["network"]] == network).all()


@pytest.mark.slow
def test_omniglots_drawings_are_answered_as_evaluate_answers_them(server):
    """400 trials within evaluation alphabets, sent as pictures. Reading redraws them with another pen, so a few answers
    differ; as many get better as worse."""
    if omniglot.here("images_evaluation") is None:
        pytest.skip("there is no Omniglot")
    trials = nway_trials(omniglot.load("evaluation"), 20, 1, 400, True, np.random.default_rng(0))
    model = ms.load("pretrained")
    expected = trials.scores(network_scorer(model.network, views=model.settings.measuring.views)).argmax(axis=1)
    pictures = [text(png(image)) for image in trials.images]
    answers = []
    for query, support in zip(trials.query, trials.support[:, :, 0], strict=True):
        p = ask(server, "rank", {"query": pictures[query], "cards": [pictures[row] for row in support]})["p"]
        answers.append(np.argmax(np.array(p, float)))
    page, evaluate = ((each == trials.target).mean() for each in (np.array(answers), expected))
    print(f"the page {page:.2%}, evaluate {evaluate:.2%}, the same answer {(answers == expected).mean():.1%}")
    assert page > evaluate - 0.02 and (answers == expected).mean() > 0.93


# --- what it refuses --------------------------------------------------------------------------------------------------


def test_the_page_is_whole_and_names_no_other_address(server):
    for name, (file, kind) in FILES.items():
        status, headers, body = fetch(server, name, method="GET")
        assert status == 200 and headers["Content-Type"] == f"{kind}; charset=utf-8", file
        assert not re.search(rb"(https?:)?//[a-z]", re.sub(rb"^\s*//.*$|; //.*$", b"", body, flags=re.MULTILINE)), file
        assert "default-src 'self'" in headers["Content-Security-Policy"]
    page, script = (fetch(server, name, method="GET")[2].decode() for name in ("", "script.js"))
    assert set(re.findall(r'\$\("([\w-]+)"\)', script)) <= set(re.findall(r'id="([\w-]+)"', page))


def test_another_page_or_program_gets_nothing(server):
    own, port = server.hosts[0], server.server_port
    for headers in (
        {"Host": "evil.example"},  # whose name was made to lead here
        {"Host": f"evil.example:{port}"},
        {"Host": own, "Origin": "http://evil.example"},
        {"Host": own, "Origin": "null"},
        {"Host": own, "Origin": f"https://{own}"},
        {"Host": own, "Origin": f"http://{own}.evil.example"},
    ):
        for method, name in (("GET", ""), ("GET", "script.js"), ("POST", "invented"), ("POST", "trials")):
            status, found, body = fetch(server, name, {"number": 1}, method, **headers)
            assert status == 403 and b"minisiamese" not in body and "Access-Control-Allow-Origin" not in found
    token = server.token
    for path in ("/", "/wrong/", "/wrong/script.js", f"/{token}x/", f"/x{token}/", f"/{token[:-1]}/"):
        assert fetch(server, "", method="GET", path=path)[0] == 403
    assert fetch(server, "invented", {"number": 1}, Origin=f"http://{own}")[0] == 200


def test_malformed_requests_get_one_line_and_the_server_goes_on(server, cards, tmp_path, capfd, monkeypatch):
    """300 of them, of all kinds: no traceback, no file read or written but the page's own."""
    monkeypatch.chdir(tmp_path)
    random_, questions = random.Random(0), list(server.questions)
    good = {"query": text(cards[0]), "card": text(cards[1]), "cards": [text(cards[1])]}
    bodies = [
        b"", b"{", b"null", b"[]", b"\xff\xfe", b"{}" * 50, b"[" * 100_000, b'{"a":' * 50_000, b"1e999", b'"\\ud800"',
        json.dumps(good | {"query": "no base64!"}).encode(),
        json.dumps(good | {"query": text(b"no PNG")}).encode(),
        json.dumps(good | {"query": text(cards[0][:40])}).encode(),
        json.dumps(good | {"query": text(cards[0][:16] + b"\xff" * 8 + cards[0][24:])}).encode(),  # 4 billion pixels
        json.dumps(good | {"query": text(cards[0] + bytes(BYTES))}).encode(),
        json.dumps(good | {"query": 3, "cards": [], "number": -1, "place": 10**30}).encode(),
        json.dumps(good | {"cards": [text(cards[1])] * 21}).encode(),
        json.dumps({"number": 10**9, "place": 20, "zip": text(b"PK\x03\x04" + bytes(100))}).encode(),
    ]  # fmt: skip
    names = ["", "../../etc/passwd", "..%2f..%2fetc/passwd", "script.js/../../server.py", "%00", "a" * 5000, "x"]
    for _ in range(240):
        kind = random_.random()
        if kind < 0.6:
            status, _, body = fetch(server, random_.choice(questions), random_.choice(bodies))
        elif kind < 0.8:
            status, _, body = fetch(server, random_.choice(names), random_.choice(bodies))
        else:
            status, _, body = fetch(server, random_.choice(names[1:]), method="GET")
        assert status in (200, 400, 403, 404, 413, 414), (status, body[:200])
        assert status != 200, body[:80]
        assert b"Traceback" not in body and b"root:" not in body
    path = f"/{server.token}/rank".encode()
    hosts = b"Host: " + server.hosts[0].encode() + b"\r\n"
    for raw in (
        b"", b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/9.9\r\n\r\n",
        b"BREW / HTTP/1.1\r\n\r\n", b"GET " + b"/" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"POST " + path + b" HTTP/1.1\r\n" + hosts + b"\r\n{}",
        b"POST " + path + b" HTTP/1.1\r\n" + hosts + b"Content-Length: -5\r\n\r\n",
        b"POST " + path + b" HTTP/1.1\r\n" + hosts + b"Content-Length: \xb2\r\n\r\n",
        b"POST " + path + b" HTTP/1.1\r\n" + hosts + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"POST " + path + b" HTTP/1.1\r\n" + hosts + b"Content-Length: %d\r\n\r\n" % (LONGEST + 1),
        b"POST " + path + b" HTTP/1.1\r\n" + hosts + b"Content-Length: 100\r\n\r\n{}",
        b"POST " + path + b" HTTP/1.1\r\n" + hosts + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ) * 4:  # fmt: skip
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            found = connection.makefile("rb").read()
            assert not found or b" 200 " not in found.split(b"\r\n")[0]
    assert ask(server, "rank", {"query": text(cards[0]), "cards": [text(cards[0])]})["p"][0] > 0.9
    assert not list(tmp_path.iterdir()) and capfd.readouterr().err == ""


def test_more_requests_than_it_takes_are_turned_away(server, cards):
    idle = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(AT_ONCE)]
    deadline = time.monotonic() + 30
    while server.places._value and time.monotonic() < deadline:
        time.sleep(0.01)
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as one_more:
        assert one_more.recv(1) == b""
    for connection in idle:
        connection.close()
    while server.places._value < AT_ONCE and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ask(server, "rank", {"query": text(cards[0]), "cards": [text(cards[0])]})["p"][0] > 0.9


def test_a_request_that_does_not_arrive_is_ended(server, monkeypatch):
    monkeypatch.setattr(serving, "PATIENCE", 0.2)
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as slow:
        slow.sendall(f"POST /{server.token}/rank HTTP/1.1\r\nHost: {server.hosts[0]}\r\n".encode())
        for _ in range(100):  # a byte now and then
            slow.sendall(b"A")
            if (found := select.select([slow], [], [], 0.1)[0]) and slow.recv(1000) == b"":
                break
        assert found


def test_an_error_of_its_own_is_a_line_and_the_server_goes_on(server, monkeypatch, capsys):
    def wrong(asked):
        raise ZeroDivisionError("no\nreason")

    with monkeypatch.context() as patch:
        patch.setitem(server.questions, "invented", (wrong, server.questions["invented"][1]))
        status, line = refusal(server, "invented", {"number": 1})
    assert status == 500 and "ZeroDivisionError" in line
    assert capsys.readouterr().err == "error: the program made an error (ZeroDivisionError: no reason)\n"
    assert ask(server, "invented", {"number": 1})["cards"]


# --- the program ------------------------------------------------------------------------------------------------------


def test_bad_options_are_one_line(monkeypatch, capsys, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for arguments, words in (
            (["--port", port], f"--port {port} cannot be used"),
            (["--port", 70000], "--port must be 0 to 65535"),
            (["--run", tmp_path / "none"], "none does not exist"),
            (["--device", "tpu"], "device"),
        ):
            assert call(monkeypatch, demo.main, "--no-browser", *arguments) == 2
            error = capsys.readouterr().err
            assert words in error and error.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="a process there cannot be sent Ctrl-C")
def test_the_program_says_its_address_and_ends_at_once():
    command, environment = [sys.executable, "-m", "minisiamese.demo"], {"PATH": "", "BROWSER": "no-such-browser"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        address = re.search(r"http://127\.0\.0\.1:(\d+)/[\w-]{20,}/$", process.stdout.readline().strip())
        assert address
        assert process.stderr.readline() == "no browser could be opened: open this address in one yourself\n"
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=20)[1]
        assert process.returncode == 130 and err == "interrupted\n"
