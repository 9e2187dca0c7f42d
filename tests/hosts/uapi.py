"""Our interface for `wg`: made as its man page says, and spoken to over its socket, line by line."""

import os
import pathlib
import socket

from .ours import CLIENT
from .patience import eventually

# /var/run leads there; from outside a host, by way of its holder, such a link would lead to our own.
DIRECTORY = "/run/wireguard"


class Interface:
    """`vpn-client interface NAME` on a host, in the background as it is by itself."""

    def __init__(self, host, name="wg0"):
        self.host, self.name = host, name

    @property
    def socket(self):
        return f"{DIRECTORY}/{self.name}.sock"

    def up(self, *options, code=0):
        self.host.run(CLIENT, "interface", *options, self.name, code=code)
        return self

    def start_foreground(self, **options):
        process = self.host.start(CLIENT, "interface", "-f", self.name, log=f"interface-{self.name}", **options)
        eventually("the socket is there", self.exists)
        return process

    def wg(self, *words, code=0, **options):
        """`wg`, the interface's name put behind the command."""
        return self.host.run("wg", words[0], self.name, *words[1:], code=code, **options)

    def set(self, *words, **options):
        return self.wg("set", *words, **options)

    def show(self, *words):
        return self.wg("show", *words).out

    def exists(self):
        """Whether interface and socket are there, both or neither."""
        link = self.host.run("ip", "link", "show", self.name, code=None).code == 0
        assert link == self.host.exists(self.socket), f"interface: {link}, socket: {not link}"
        return link

    def gone(self):
        return not self.pids and not self.exists()

    @property
    def pids(self):
        """Of the processes behind interfaces of this name on the host."""
        return [pid for pid in self.host.pids() if self._is_ours(pathlib.Path(f"/proc/{pid}"))]

    def _is_ours(self, process):
        try:
            return os.readlink(process / "exe") == str(CLIENT.resolve()) and self.name in (process / "cmdline").read_text(encoding="utf-8").split("\0")
        except OSError:  # it has just ended
            return False

    def talk(self):
        return Talk(self.host, self.socket)


class Talk:
    """One connection to the socket."""

    def __init__(self, host, path):
        # The name of a socket must be short.
        self._directory = os.open(host.path(os.path.dirname(path)), os.O_PATH)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(20)
        self._socket.connect(f"/proc/self/fd/{self._directory}/{os.path.basename(path)}")
        self._received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
        os.close(self._directory)

    def send(self, text):
        self._socket.sendall(text.encode())

    def end_sending(self):
        self._socket.shutdown(socket.SHUT_WR)

    def answer(self):
        """The next answer, up to its empty line; what came of it if the other side hung up."""
        while b"\n\n" not in self._received:
            more = self._socket.recv(1 << 20)
            if not more:
                return self._received.decode()
            self._received += more
        answer, _, self._received = self._received.partition(b"\n\n")
        return answer.decode() + "\n\n"

    def ask(self, *lines):
        """Sends lines and the empty one; the answer's lines as pairs."""
        self.send("\n".join(lines) + "\n\n")
        return [tuple(line.split("=", 1)) for line in self.answer().splitlines() if line]

    def get(self):
        return self.ask("get=1")

    def set(self, *lines):
        """The errno that a set is answered with."""
        answer = self.ask("set=1", *lines)
        assert len(answer) == 1 and answer[0][0] == "errno", answer
        return int(answer[0][1])
