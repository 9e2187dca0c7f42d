"""A program on its way: started, watched and ended by its own pid, its output kept in files."""

import os
import signal
import subprocess
import time


class Outcome:
    """What a finished command left: exit code, stdout and stderr as text."""

    def __init__(self, command, code, out, err, seconds):
        self.command, self.code, self.out, self.err, self.seconds = command, code, out, err, seconds

    @property
    def reason(self):
        """The TOKEN of the last stderr line `reason=TOKEN`, or None."""
        lines = self.err.strip().splitlines()
        return lines[-1][len("reason="):] if lines and lines[-1].startswith("reason=") else None

    def __str__(self):
        return (f"{' '.join(map(str, self.command))}\n  exit {self.code} after {self.seconds:.2f} s"
                f"\n  stdout: {self.out.strip() or '-'}\n  stderr: {self.err.strip() or '-'}")


class Process:
    """A started program. Leaving the context ends it."""

    def __init__(self, command, log, environment=None, stdin=None, prepare=None):
        self.command = command
        self.out_path, self.err_path = f"{log}.out", f"{log}.err"
        with open(self.out_path, "ab") as out, open(self.err_path, "ab") as err:
            self._popen = subprocess.Popen(command, stdin=stdin or subprocess.DEVNULL, stdout=out, stderr=err,
                                           env=environment, preexec_fn=prepare, start_new_session=True)
        self.pid = self._popen.pid
        self.stdin = self._popen.stdin

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop(patience=2.0, must=False)

    @property
    def out(self):
        with open(self.out_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    @property
    def err(self):
        with open(self.err_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    @property
    def running(self):
        return self._popen.poll() is None

    def send(self, number):
        """Sends a signal to this process, and to no other."""
        if self.running:
            os.kill(self.pid, number)

    def wait(self, seconds=10.0):
        """The exit code; a signal's is negative."""
        return self._popen.wait(timeout=seconds)

    def wait_status(self, seconds=10.0):
        """The raw wait status, which knows whether a core was dumped."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._popen.returncode = os.waitstatus_to_exitcode(status)
                return status
            time.sleep(0.02)
        raise TimeoutError(f"{self.command[0]} did not end within {seconds:g} s")

    def stop(self, number=signal.SIGTERM, patience=5.0, must=True):
        """Asks it to end and returns the exit code; kills it when it does not."""
        self.send(number)
        try:
            return self.wait(patience)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)
            self._popen.wait()
            if must:
                raise AssertionError(f"{' '.join(map(str, self.command))} ignored {signal.Signals(number).name} "
                                     f"for {patience:g} s") from None
            return self._popen.returncode

    def kill(self):
        """kill -9."""
        self.send(signal.SIGKILL)
        return self._popen.wait()


def run(command, timeout=30.0, environment=None, stdin=None):
    """Runs a command to its end."""
    started = time.monotonic()
    done = subprocess.run(command, input=stdin, stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True, text=True,
                          errors="replace", timeout=timeout, env=environment)
    return Outcome(command, done.returncode, done.stdout, done.stderr, time.monotonic() - started)


def is_alive(pid):
    """Whether a process exists and is not merely waiting to be buried."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
