"""Runs a command in a session of its own, whose terminal of 80 columns is its stderr, and says as JSON what went there, what went to
stdout, and its code."""

import fcntl
import json
import os
import struct
import subprocess
import sys
import termios
import threading

screen, end = os.openpty()
fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=end, start_new_session=True,
                           preexec_fn=lambda: fcntl.ioctl(2, termios.TIOCSCTTY, 0))
os.close(end)
shown = b""


def watch():
    global shown
    try:
        while piece := os.read(screen, 4096):
            shown += piece
    except OSError:  # the last one who had the other end has closed it
        pass


watching = threading.Thread(target=watch)
watching.start()
out = command.communicate()[0].decode()
watching.join()
print(json.dumps({"shown": shown.decode(), "out": out, "code": command.returncode}))
