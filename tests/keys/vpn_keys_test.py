#!/usr/bin/python3
"""Runs vpn-keys as people do, beside wg. Usage: vpn_keys_test.py PATH-OF-VPN-KEYS [unittest's arguments]"""

import base64
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

TOOL = ''
NO_KEYS = {
    'nothing': b'',
    'an empty line': b'\n',
    'a key cut short': b'dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo',
    'a line too long': b'dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=A\n',
    'wrong base64': b'dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25!Co=\n',
    'the other base64': b'dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25_-o=\n',
    'stray bits': b'dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCp=\n',
    'a blank in front': b' dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\n',
    'junk behind': b'dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo= junk\n',
    'two keys': b'dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\n' * 2,
    'hex': b'77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a\n',
    'bytes': bytes(range(256)),
}


def run(*arguments, text=b'', program=None, **how):
    how.setdefault('stdout', subprocess.PIPE)
    return subprocess.run([program or TOOL, *arguments], input=text, stderr=subprocess.PIPE, check=False, timeout=60, **how)


def printed(*arguments, **how):
    done = run(*arguments, **how)
    assert done.returncode == 0, done
    return done.stdout


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


class Keys(unittest.TestCase):
    def assert_is_key(self, line):
        self.assertRegex(line, rb'\A[A-Za-z0-9+/]{43}=\n\Z')
        self.assertEqual(len(base64.b64decode(line)), 32)
        self.assertEqual(base64.b64encode(base64.b64decode(line)) + b'\n', line)

    def test_a_new_private_key_is_one_line_and_clamped(self):
        for _ in range(20):
            line = printed('genkey')
            self.assert_is_key(line)
            key = base64.b64decode(line)
            self.assertEqual((key[0] & 7, key[31] & 0xc0), (0, 0x40))

    def test_a_new_preshared_key_is_one_line_and_not_clamped(self):
        lines = [printed('genpsk') for _ in range(40)]
        for line in lines:
            self.assert_is_key(line)
        # Forty unclamped keys look like clamped ones with a probability of 2^-200.
        self.assertTrue(any(base64.b64decode(line)[0] & 7 or base64.b64decode(line)[31] & 0xc0 != 0x40 for line in lines))

    def test_no_two_keys_are_the_same(self):
        for command in 'genkey', 'genpsk':
            self.assertEqual(len({printed(command) for _ in range(20)}), 20)

    def test_the_public_key_of_a_known_private_key(self):
        """RFC 7748, 6.1."""
        self.assertEqual(printed('pubkey', text=b'dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\n'),
                         b'hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n')

    def test_blanks_may_follow_the_key(self):
        for behind in b'', b'\n', b'\r\n', b' \n\n\t\n':
            self.assert_is_key(printed('pubkey', text=b'dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=' + behind))

    def test_what_is_no_key_ends_with_1_and_is_not_shown(self):
        for name, text in NO_KEYS.items():
            with self.subTest(name):
                done = run('pubkey', text=text)
                self.assertEqual((done.returncode, done.stdout), (1, b''))
                self.assertRegex(done.stderr, rb'\Avpn-keys: [^\n]+ key[^\n]+\n\Z')
                self.assertNotIn(b'dwdt', done.stderr)

    def test_nothing_is_secret_on_the_command_line(self):
        self.assertEqual(run('pubkey', 'dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=').returncode, 2)


@unittest.skipUnless(shutil.which('wg'), 'wg is not installed')
class BesideWg(unittest.TestCase):
    def test_each_takes_the_keys_of_the_other(self):
        for _ in range(10):
            for private in printed('genkey'), printed('genkey', program='wg'), printed('genpsk'), printed('genpsk', program='wg'):
                self.assertEqual(printed('pubkey', text=private), printed('pubkey', text=private, program='wg'))

    def test_each_refuses_what_the_other_refuses(self):
        for name, text in NO_KEYS.items():
            with self.subTest(name):
                self.assertEqual((run('pubkey', text=text).returncode, run('pubkey', text=text, program='wg').returncode), (1, 1))


class Output(unittest.TestCase):
    def test_a_closed_stdout_is_a_failure(self):
        for arguments in ('genkey',), ('genpsk',), ('pubkey',), ('--help',), ('--version',), ('genkey', '--help'):
            with self.subTest(arguments):
                done = run(*arguments, text=b'dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\n', stdout=None, preexec_fn=lambda: os.close(1))
                self.assertEqual(done.returncode, 1)

    def test_a_full_disk_is_a_failure(self):
        with open('/dev/full', 'wb') as full:
            for arguments in ('genkey',), ('genpsk',), ('--help',), ('--version',):
                with self.subTest(arguments):
                    self.assertEqual(run(*arguments, stdout=full).returncode, 1)

    def test_a_reader_that_went_away_is_a_failure(self):
        reading, writing = os.pipe()
        os.close(reading)
        self.assertIn(run('genkey', stdout=writing, restore_signals=True).returncode, (1, -signal.SIGPIPE))
        os.close(writing)

    def test_only_a_file_that_everyone_may_use_is_warned_of(self):
        with tempfile.TemporaryDirectory() as directory:
            for mode in 0o600, 0o640, 0o644, 0o602, 0o666:
                path = os.path.join(directory, f'{mode:o}')
                with open(path, 'wb') as file:
                    os.chmod(path, mode)
                    secrets = [run(command, stdout=file) for command in ('genkey', 'genpsk')]
                    public = run('pubkey', text=b'dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\n', stdout=file)
                self.assertEqual([done.returncode for done in secrets + [public]], [0, 0, 0])
                for done in secrets:
                    self.assertEqual(b'warning' in done.stderr, bool(mode & stat.S_IRWXO), oct(mode))
                self.assertEqual(public.stderr, b'')
                self.assertEqual(os.path.getsize(path), 3 * 45)
        self.assertEqual(run('genkey').stderr, b'')


class Memory(unittest.TestCase):
    @unittest.skipIf(resource.getrlimit(resource.RLIMIT_CORE)[1] == 0, 'cores are forbidden here anyway')
    def test_no_core_is_written_while_a_key_is_in_memory(self):
        unlimited = resource.getrlimit(resource.RLIMIT_CORE)[1]
        with subprocess.Popen([TOOL, 'pubkey'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (unlimited, unlimited))) as process:
            try:
                deadline = time.monotonic() + 60
                while not re.search(r'Max core file size +0 +0 ', read(f'/proc/{process.pid}/limits')):
                    self.assertLess(time.monotonic(), deadline, 'cores are still allowed while it waits for the key')
                    time.sleep(0.01)
                out, _ = process.communicate(b'dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=\n', timeout=60)
                self.assertEqual((process.returncode, out), (0, b'hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n'))
            finally:
                process.kill()


class CommandLine(unittest.TestCase):
    def test_help_and_version_on_every_level_go_to_stdout(self):
        for level in (), ('genkey',), ('pubkey',), ('genpsk',):
            with self.subTest(level):
                help_ = run(*level, '--help')
                self.assertEqual((help_.returncode, help_.stderr), (0, b''))
                self.assertIn(b'Usage: vpn-keys', help_.stdout)
                version = run(*level, '--version')
                self.assertEqual((version.returncode, version.stderr), (0, b''))
                self.assertRegex(version.stdout, rb'\Avpn-keys \d+\.\d+\.\d+\n\Z')

    def test_help_names_every_command(self):
        for command in b'genkey', b'pubkey', b'genpsk':
            self.assertIn(command, printed('--help'))

    def test_a_wrong_call_ends_with_2_and_says_so_on_stderr(self):
        for arguments in (), ('frobnicate',), ('genkey', 'genpsk'), ('genkey', 'extra'), ('--frobnicate',), ('genkey', '--frobnicate'), ('',):
            with self.subTest(arguments):
                done = run(*arguments)
                self.assertEqual((done.returncode, done.stdout), (2, b''))
                self.assertTrue(done.stderr.startswith(b'vpn-keys: '), done.stderr)


if __name__ == '__main__':
    TOOL = os.path.abspath(sys.argv.pop(1))
    unittest.main()
