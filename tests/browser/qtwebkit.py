#!/usr/bin/env python3
"""An old browser for tests: Debian's QtWebKit, which takes commands on standard input, one JSON object per line.

    {"open": URL, "without": ["WebSocket", ...]}   opens a page whose scripts never see these
    {"evaluate": "expression"}                     answers with its value
    {"press": "KeyW"} / {"release": "KeyW"}        holds a key
    {"aim": [x, y]}                                moves the mouse there
    {"screenshot": PATH}
    {"messages": true}                             answers with what the page wrote to its console

Each command is answered by one line of JSON on standard output: {"value": ...} or {"error": ...}.
"""

import json
import os
import sys

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyQt5.QtCore import QEvent, QPointF, QSize, QSocketNotifier, Qt, QUrl  # noqa: E402
from PyQt5.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter  # noqa: E402
from PyQt5.QtWebKitWidgets import QWebPage  # noqa: E402
from PyQt5.QtWidgets import QApplication  # noqa: E402

KEYS = {"KeyW": (Qt.Key_W, "w"), "KeyA": (Qt.Key_A, "a"), "KeyD": (Qt.Key_D, "d"), "Space": (Qt.Key_Space, " ")}


class Page(QWebPage):
    def __init__(self):
        super().__init__()
        self.messages = []
        self.without = []
        self.setViewportSize(QSize(960, 600))
        self.mainFrame().javaScriptWindowObjectCleared.connect(self.take_away)

    def take_away(self):
        for name in self.without:
            self.mainFrame().evaluateJavaScript(
                "try { delete window['%s']; } catch (error) {} try { window['%s'] = undefined; } catch (error) {}" % (name, name)
            )

    def javaScriptConsoleMessage(self, message, line, source):
        self.messages.append("%s:%d: %s" % (source, line, message))


def main():
    application = QApplication(sys.argv)
    page = Page()
    frame = page.mainFrame()

    def key(kind, name):
        code, text = KEYS[name]
        application.sendEvent(page, QKeyEvent(kind, code, Qt.NoModifier, text))

    def handle(command):
        if "open" in command:
            page.without = command.get("without", [])
            frame.load(QUrl(command["open"]))
            return True
        if "evaluate" in command:
            return frame.evaluateJavaScript("JSON.stringify((function () { return %s; })())" % command["evaluate"])
        if "press" in command:
            key(QEvent.KeyPress, command["press"])
            return True
        if "release" in command:
            key(QEvent.KeyRelease, command["release"])
            return True
        if "aim" in command:
            place = QPointF(*command["aim"])
            application.sendEvent(page, QMouseEvent(QEvent.MouseMove, place, Qt.NoButton, Qt.NoButton, Qt.NoModifier))
            return True
        if "screenshot" in command:
            image = QImage(page.viewportSize(), QImage.Format_ARGB32)
            image.fill(Qt.white)
            painter = QPainter(image)
            frame.render(painter)
            painter.end()
            return image.save(command["screenshot"])
        if "messages" in command:
            return page.messages
        raise ValueError("no such command")

    def read():
        line = sys.stdin.readline()
        if not line:
            application.quit()
            return
        try:
            answer = {"value": handle(json.loads(line))}
        except Exception as error:  # Whatever it is, the test is to hear of it.
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)

    notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Read)
    notifier.activated.connect(read)
    application.exec_()


main()
