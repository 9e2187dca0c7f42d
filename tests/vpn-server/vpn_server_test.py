#!/usr/bin/python3
"""Runs vpn-server's commands that need no daemon, as people do. Usage: vpn_server_test.py PATH-OF-VPN-SERVER [unittest's arguments]"""

import base64
import concurrent.futures
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

PROGRAM = ''
DONE, FAILURE, USAGE, NOT_RUNNING, NO_PERMISSION, BAD_CONFIG = 0, 1, 2, 3, 5, 6
# Public keys of nobody: RFC 7748, 6.1.
ALICE, BOB = 'hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=', '3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08='
LEVELS = [[], ['init'], ['run'], ['check'], ['status'], ['reload'], ['rekey'], ['key'], ['peer'],
          *(['peer', command] for command in ('add', 'list', 'show', 'disable', 'enable', 'rename', 'rekey', 'limit', 'reset', 'remove'))]


def run(*words, code=DONE, **how):
    done = subprocess.run([PROGRAM, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60, **how)
    assert code is None or done.returncode == code, f'expected {code}: {done}'
    return done


class Server(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)
        self.file = os.path.join(self.directory, 'server.json')

    def command(self, *words, **how):
        return run(*words, '--config', self.file, **how)

    def init(self, *words):
        return self.command('init', '--endpoint', 'vpn.example.org', '--dns', '9.9.9.9', *words)

    def config(self):
        with open(self.file, encoding='utf-8') as file:
            return json.load(file)

    def write(self, text):
        with open(self.file, 'w', encoding='utf-8') as file:
            file.write(text)

    @staticmethod
    def write_to(path):
        with open(path, 'w', encoding='utf-8') as file:
            file.write('somebody else\'s\n')

    def test_help_and_version_on_every_level_go_to_stdout(self):
        for level in LEVELS:
            for option in '--help', '-h', '--version':
                done = run(*level, option)
                self.assertTrue(done.stdout.strip() and not done.stderr, done)
                self.assertNotIn('\x1b', done.stdout)
        self.assertRegex(run('--version').stdout, r'\Avpn-server \d+\.\d+\.\d+\n\Z')

    def test_what_makes_no_sense_ends_with_2_and_says_why_on_stderr(self):
        for line in ('', 'runn', 'run now', 'run check', 'peer', 'peer ad', 'peer show', 'peer add a b', 'peer add a/b', 'peer add --format pdf', 'init',
                     'init --endpoint vpn..example', 'init --endpoint x --network 10.0.0.0/33', 'init --endpoint x --network fd66::/64',
                     'init --endpoint x --network6 10.0.0.0/24', 'init --endpoint x --network 10.0.0.0/31', 'init --endpoint x --listen-port 70000',
                     'init --endpoint x --interface a/b', 'init --endpoint x --dns 9.9.9.9,', 'peer add --public-key short', 'peer add --suite quantum', 'peer add --suite hybrid --format wg',
                     'peer add --allowed-ips 10.0.0.0/33',
                     'peer add --expires tomorrow', 'peer add --expires 0d', 'peer add --quota 100', 'peer add --rate 50', 'peer rename a', 'peer rename a b/c',
                     'rekey --grace soon', 'rekey --grace 0d', 'rekey --grace 366d', 'rekey --grace 1d --end', 'rekey now', 'key now',
                     'peer disable', 'peer enable a b', 'peer rekey', 'peer rekey a --suite hybrid', 'peer limit', 'peer limit a --quota never', '--log-level loud check', 'check --no-such-option'):
            with self.subTest(line):
                done = self.command(*line.split(), code=USAGE)
                self.assertTrue(done.stderr.startswith('vpn-server: ') and not done.stdout, done)
                self.assertFalse(os.path.exists(self.file))

    def test_a_new_key_is_written_beside_the_old_one_and_shown_with_it(self):
        old = self.init().stdout.strip()
        before = self.config()['interface']
        self.command('peer', 'add', 'laptop')
        self.assertEqual(json.loads(self.command('key', '--json').stdout), {'version': 1, 'public_key': old, 'old_key': None})
        done = self.command('rekey', '--grace', '30d')
        new = done.stdout.strip()
        self.assertRegex(new, r'\A[A-Za-z0-9+/]{43}=\Z')
        self.assertNotEqual(new, old)
        self.assertIn('vpn-server key', done.stderr)
        after = self.config()['interface']
        self.assertEqual(after['old_key']['private_key'], before['private_key'])
        self.assertNotEqual(after['private_key'], before['private_key'])
        self.assertEqual(stat.S_IMODE(os.stat(self.file).st_mode), 0o600)
        self.command('check')
        keys = json.loads(self.command('key', '--json').stdout)
        self.assertEqual((keys['public_key'], keys['old_key']['public_key']), (new, old))
        self.assertEqual(keys['old_key']['expires'], after['old_key']['expires'])
        self.assertEqual((keys['old_key']['used_by'], keys['old_key']['not_seen']), ([], ['laptop']))
        shown = self.command('key').stdout
        self.assertTrue(new in shown and old in shown and 'laptop' in shown and before['private_key'] not in shown, shown)
        self.assertEqual(json.loads(self.command('peer', 'add', 'tablet').stdout)['peers'][0]['public_key'], new)

        text = self.config()
        refused = self.command('rekey', code=FAILURE)
        self.assertTrue('--end' in refused.stderr and after['old_key']['expires'] in refused.stderr and not refused.stdout, refused)
        self.assertEqual(self.config(), text)
        self.command('rekey', '--end')
        self.assertNotIn('old_key', self.config()['interface'])
        self.assertEqual(self.config()['interface']['private_key'], after['private_key'])
        self.assertIn('no old key', self.command('rekey', '--end', code=FAILURE).stderr)
        self.command('rekey', '--grace', 'none')
        self.assertNotIn('old_key', self.config()['interface'])
        self.assertNotEqual(self.config()['interface']['private_key'], after['private_key'])

    def test_an_old_key_that_has_ended_stands_in_nobodys_way(self):
        old = self.init().stdout.strip()
        self.command('rekey')
        config = self.config()
        config['interface']['old_key']['expires'] = '2001-01-01T00:00:00Z'
        self.write(json.dumps(config))
        self.assertIsNone(json.loads(self.command('key', '--json').stdout)['old_key'])
        second = config['interface']['private_key']
        self.command('rekey')
        self.assertEqual(self.config()['interface']['old_key']['private_key'], second)
        self.assertNotIn(old, self.command('key').stdout)

    def test_a_key_in_a_file_of_its_own_stays_there_as_the_old_one(self):
        self.init()
        config = self.config()
        path = os.path.join(self.directory, 'server.key')
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='utf-8') as file:
            file.write(config['interface']['private_key'] + '\n')
        config['interface']['private_key'] = 'file:' + path
        self.write(json.dumps(config))
        self.command('rekey')
        after = self.config()['interface']
        self.assertEqual(after['old_key']['private_key'], 'file:' + path)
        self.assertRegex(after['private_key'], r'\A[A-Za-z0-9+/]{43}=\Z')
        self.command('check')

    def test_the_file_may_be_named_before_the_command_or_behind_it(self):
        run('--config', self.file, 'init', '--endpoint', 'vpn.example.org')
        run('check', '--config', self.file)
        run('--config', self.file, 'peer', 'list')
        run('peer', '--config', self.file, 'list')

    def test_init_prints_the_public_key_and_writes_a_file_for_its_owner_alone(self):
        printed = self.init()
        self.assertEqual(len(base64.b64decode(printed.stdout.strip(), validate=True)), 32)
        self.assertEqual(stat.S_IMODE(os.stat(self.file).st_mode), 0o600)
        for word in '51820', 'vpn-server run', 'peer add', self.file:
            self.assertIn(word, printed.stderr)
        self.assertNotIn(self.config()['interface']['private_key'], printed.stdout + printed.stderr)
        self.assertIn('fine', self.command('check').stdout)

    def test_init_makes_the_directories_that_are_missing_for_nobody_else(self):
        self.file = os.path.join(self.directory, 'etc', 'vpn', 'server.json')
        self.init()
        for path in os.path.dirname(self.file), os.path.join(self.directory, 'etc'):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o700)

    def test_init_takes_the_endpoints_port_from_the_listen_port_unless_told(self):
        self.init('--listen-port', '4433')
        self.assertEqual(self.config()['endpoint'], 'vpn.example.org:4433')
        for endpoint, written in (('[2001:db8::1]:7', '[2001:db8::1]:7'), ('2001:db8::1', '[2001:db8::1]:51820'), ('192.0.2.1:9', '192.0.2.1:9')):
            self.command('init', '--force', '--endpoint', endpoint)
            self.assertEqual(self.config()['endpoint'], written)

    def test_init_replaces_nothing_but_by_force(self):
        self.init()
        before = self.config()
        refused = self.command('init', '--endpoint', 'other.example.org', code=FAILURE)
        self.assertIn('--force', refused.stderr)
        self.assertEqual(self.config(), before)
        self.init('--force')
        self.assertNotEqual(self.config()['interface']['private_key'], before['interface']['private_key'])

    def test_a_peer_is_handed_a_whole_file(self):
        self.init()
        handed = json.loads(self.command('peer', 'add', 'laptop').stdout)
        [peer] = self.config()['peers']
        [server] = handed['peers']
        self.assertEqual(handed['interface']['addresses'], peer['addresses'])
        self.assertEqual(server['preshared_key'], peer['preshared_key'])
        self.assertEqual((server['endpoint'], server['persistent_keepalive'], server['suite'], server['allowed_ips']),
                         ('vpn.example.org:51820', 25, 'hybrid', ['0.0.0.0/0', '::/0']))
        self.assertEqual((handed['interface']['probe'], handed['interface']['dns']), ('10.66.0.1', ['9.9.9.9']))
        self.assertNotIn(handed['interface']['private_key'], json.dumps(self.config()), 'the server keeps no key of a peer')

    def test_a_peers_file_is_new_and_its_owners_alone(self):
        self.init()
        output = os.path.join(self.directory, 'laptop.json')
        done = self.command('peer', 'add', 'laptop', '--output', output)
        self.assertFalse(done.stdout)
        self.assertEqual(stat.S_IMODE(os.stat(output).st_mode), 0o600)
        again = self.command('peer', 'add', 'phone', '--output', output, code=FAILURE)
        self.assertIn(output, again.stderr)
        self.assertEqual([peer['name'] for peer in self.config()['peers']], ['laptop'])

    def test_a_peer_whose_file_can_not_be_written_is_not_added(self):
        self.init()
        self.command('peer', 'add', 'laptop', '--output', os.path.join(self.directory, 'missing', 'laptop.json'), code=FAILURE)
        self.assertEqual(self.config()['peers'], [])

    def test_with_the_peers_own_key_no_secret_travels_but_one_that_was_asked_for(self):
        self.init()
        open_file = json.loads(self.command('peer', 'add', 'laptop', '--public-key', ALICE).stdout)
        self.assertEqual(open_file['interface']['private_key'], 'file:/etc/vpn/laptop.key')
        self.assertNotIn('preshared_key', open_file['peers'][0])
        with_psk = json.loads(self.command('peer', 'add', 'phone', '--public-key', BOB, '--psk').stdout)
        self.assertEqual(with_psk['peers'][0]['preshared_key'], self.config()['peers'][1]['preshared_key'])
        refused = self.command('peer', 'add', 'tablet', '--public-key', ALICE, code=FAILURE)
        self.assertIn('laptop', refused.stderr)

    def test_wireguards_own_programs_are_handed_their_own_text(self):
        self.init()
        text = self.command('peer', 'add', 'phone', '--format', 'wg', '--allowed-ips', '10.66.0.0/24,fd66::/64', '--dns', '1.1.1.1').stdout
        for line in (r'\[Interface\]', r'PrivateKey = \S{44}', r'Address = 10\.66\.0\.2/32, \S+', r'DNS = 1\.1\.1\.1', r'\[Peer\]', r'PublicKey = \S{44}',
                     r'PresharedKey = \S{44}', r'Endpoint = vpn\.example\.org:51820', r'AllowedIPs = 10\.66\.0\.0/24, fd66::/64', 'PersistentKeepalive = 25'):
            self.assertTrue(re.search(f'^{line}$', text, re.MULTILINE), f'{line} is not in {text}')

    def test_peers_added_at_the_same_time_are_all_there(self):
        self.init()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: self.command('peer', 'add', f'p{number}'), range(24)))
        peers = self.config()['peers']
        self.assertEqual({peer['name'] for peer in peers}, {f'p{number}' for number in range(24)})
        self.assertEqual(len({address for peer in peers for address in peer['addresses']}), 48)

    def test_peers_are_listed_shown_and_removed_without_a_server_and_it_is_said(self):
        self.init()
        for name in 'laptop', "Anna's phone":
            self.command('peer', 'add', name)
        listed = self.command('peer', 'list', '--json')
        self.assertIn('not running', listed.stderr)
        document = json.loads(listed.stdout)
        self.assertEqual((document['version'], [peer['name'] for peer in document['peers']]), (1, ['laptop', "Anna's phone"]))
        self.assertIn("Anna's phone", self.command('peer', 'list').stdout)
        self.assertIn('10.66.0.3', self.command('peer', 'show', "Anna's phone").stdout)
        self.command('peer', 'remove', 'laptop')
        self.assertEqual([peer['name'] for peer in self.config()['peers']], ["Anna's phone"])
        for command in 'show', 'reset', 'remove', 'disable', 'enable', 'rekey':
            self.assertIn('laptop', self.command('peer', command, 'laptop', code=FAILURE).stderr)

    def test_peers_are_switched_off_and_on_and_renamed_without_a_server(self):
        self.init()
        for name in 'laptop', 'phone':
            self.command('peer', 'add', name)
        keys = {peer['name']: peer['public_key'] for peer in self.config()['peers']}
        self.command('peer', 'disable', 'laptop')
        self.assertEqual([peer['disabled'] for peer in self.config()['peers']], [True, False])
        self.assertIn('disabled', self.command('peer', 'list').stdout)
        self.command('peer', 'enable', 'laptop')
        self.assertEqual([peer['disabled'] for peer in self.config()['peers']], [False, False])
        self.command('peer', 'rename', 'laptop', "Anna's laptop")
        self.assertEqual({peer['name']: peer['public_key'] for peer in self.config()['peers']}, {"Anna's laptop": keys['laptop'], 'phone': keys['phone']})
        before = self.config()
        self.assertIn('phone', self.command('peer', 'rename', "Anna's laptop", 'phone', code=FAILURE).stderr)
        self.assertIn('nobody', self.command('peer', 'rename', 'nobody', 'somebody', code=FAILURE).stderr)
        self.assertEqual(self.config(), before)

    def test_a_peer_is_held_to_limits_that_are_changed_and_taken_away(self):
        self.init()
        self.command('peer', 'add', 'laptop', '--expires', '2100-01-01', '--quota', '100GB', '--rate', '50mbit')
        [peer] = self.config()['peers']
        self.assertEqual((peer['expires'], peer['quota'], peer['rate']), ('2100-01-01T00:00:00Z', '100GB', '50mbit'))
        self.command('peer', 'limit', 'laptop', '--quota', 'none', '--rate', '1gbit')
        [peer] = self.config()['peers']
        self.assertEqual((peer['expires'], peer.get('quota'), peer['rate']), ('2100-01-01T00:00:00Z', None, '1gbit'))
        shown = self.command('peer', 'show', 'laptop').stdout
        self.assertTrue('2100-01-01 00:00:00 UTC' in shown and '1gbit' in shown, shown)
        self.command('peer', 'add', 'phone', '--expires', '30d')
        self.assertGreater(self.config()['peers'][1]['expires'], '2026-')
        before = self.config()
        self.assertIn('over already', self.command('peer', 'add', 'old', '--expires', '2001-01-01', code=USAGE).stderr)
        self.assertIn('over already', self.command('peer', 'limit', 'laptop', '--expires', '2001-01-01', code=USAGE).stderr)
        self.assertIn('--quota', self.command('peer', 'limit', 'laptop', code=USAGE).stderr)
        self.assertIn('nobody', self.command('peer', 'limit', 'nobody', '--rate', 'none', code=FAILURE).stderr)
        self.assertEqual(self.config(), before)

    def test_a_peer_with_a_new_key_is_handed_a_new_file(self):
        self.init()
        self.command('peer', 'add', 'laptop', '--suite', 'wireguard')
        [before] = self.config()['peers']
        handed = json.loads(self.command('peer', 'rekey', 'laptop').stdout)
        [after] = self.config()['peers']
        self.assertEqual({**after, 'public_key': '', 'preshared_key': ''}, {**before, 'public_key': '', 'preshared_key': ''})
        self.assertTrue(after['public_key'] != before['public_key'] and after['preshared_key'] != before['preshared_key'])
        self.assertEqual((handed['peers'][0]['preshared_key'], handed['peers'][0]['suite']), (after['preshared_key'], 'wireguard'))
        self.assertEqual(handed['interface']['addresses'], after['addresses'])
        self.assertNotIn(handed['interface']['private_key'], json.dumps(self.config()), 'the server keeps no key of a peer')

    def test_a_peer_that_makes_its_own_key_is_rekeyed_with_what_it_made(self):
        self.init()
        self.command('peer', 'add', 'laptop', '--public-key', ALICE)
        handed = json.loads(self.command('peer', 'rekey', 'laptop', '--public-key', BOB).stdout)
        [peer] = self.config()['peers']
        self.assertEqual(peer['public_key'], BOB)
        self.assertTrue('preshared_key' not in peer and handed['interface']['private_key'].startswith('file:'), handed)
        self.assertIn('laptop', self.command('peer', 'rekey', 'laptop', '--public-key', BOB, code=FAILURE).stderr)
        taken = os.path.join(self.directory, 'taken.json')
        self.write_to(taken)
        self.assertIn(taken, self.command('peer', 'rekey', 'laptop', '--public-key', ALICE, '--output', taken, code=FAILURE).stderr)
        self.assertEqual(self.config()['peers'], [peer])

    def read_code(self, picture):
        done = subprocess.run(['zbarimg', '--quiet', '--raw', picture], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout.rstrip('\n')

    def draw(self, text):
        '''A terminal's half blocks as a picture: what is drawn is light.'''
        rows = []
        for line in text.splitlines():
            rows.append([character in '█▀' for character in line])
            rows.append([character in '█▄' for character in line])
        picture = os.path.join(self.directory, 'terminal.pgm')
        with open(picture, 'wb') as file:
            file.write(f'P5 {8 * len(rows[0])} {8 * len(rows)} 255\n'.encode())
            for row in rows:
                file.write(8 * b''.join(8 * (b'\xff' if light else b'\0') for light in row))
        return picture

    def check_code(self, text):
        '''It is a whole file for WireGuard's own app, of the last peer on the list.'''
        peer = self.config()['peers'][-1]
        private = re.search(r'^PrivateKey = (\S{44})$', text, re.MULTILINE)
        self.assertTrue(private, text)
        for line in f"Address = {', '.join(peer['addresses'])}", f"PresharedKey = {peer['preshared_key']}", 'Endpoint = vpn.example.org:51820':
            self.assertIn(line, text.splitlines())
        if shutil.which('wg'):
            public = subprocess.run(['wg', 'pubkey'], input=private[1], capture_output=True, text=True, check=True).stdout.strip()
            self.assertEqual(public, peer['public_key'])

    def test_a_phone_reads_the_code_in_the_terminal(self):
        self.init()
        shown = self.command('peer', 'add', 'phone', '--suite', 'wireguard', '--qr')
        self.assertNotIn('\x1b', shown.stdout)
        self.check_code(self.read_code(self.draw(shown.stdout)))
        again = self.command('peer', 'rekey', 'phone', '--qr')
        self.check_code(self.read_code(self.draw(again.stdout)))

    def test_a_phone_reads_the_picture_which_is_its_owners_alone(self):
        self.init()
        picture = os.path.join(self.directory, 'phone.png')
        done = self.command('peer', 'add', 'phone', '--output', picture)
        self.assertFalse(done.stdout)
        self.assertEqual(stat.S_IMODE(os.stat(picture).st_mode), 0o600)
        self.check_code(self.read_code(picture))

    def test_the_code_holds_exactly_the_text_that_is_written_beside_it(self):
        self.init()
        output = os.path.join(self.directory, 'phone.conf')
        shown = self.command('peer', 'add', 'phone', '--qr', '--output', output)
        with open(output, encoding='utf-8') as file:
            self.assertEqual(self.read_code(self.draw(shown.stdout)), file.read().rstrip('\n'))

    def test_a_code_is_for_wireguards_app_and_for_a_key_that_is_there(self):
        self.init()
        self.assertIn('suite wireguard only', self.command('peer', 'add', 'phone', '--suite', 'hybrid', '--qr', code=USAGE).stderr)
        self.assertIn('private key', self.command('peer', 'add', 'phone', '--public-key', ALICE, '--qr', code=USAGE).stderr)
        too_long = ','.join(f'10.{number // 250}.{number % 250}.0/24' for number in range(300))
        self.assertIn('too long', self.command('peer', 'add', 'phone', '--qr', '--allowed-ips', too_long, code=FAILURE).stderr)
        self.assertEqual(self.config()['peers'], [])

    def test_no_secret_stands_in_what_is_listed_or_shown(self):
        self.init()
        handed = json.loads(self.command('peer', 'add', 'laptop').stdout)
        said = ''.join(done.stdout + done.stderr for done in (self.command('peer', 'list'), self.command('peer', 'list', '--json'),
                                                              self.command('peer', 'show', 'laptop'), self.command('check')))
        for secret in (self.config()['interface']['private_key'], handed['interface']['private_key'], handed['peers'][0]['preshared_key']):
            self.assertNotIn(secret, said)

    def test_without_a_server_status_and_reload_end_with_3(self):
        self.init()
        for command in 'status', 'reload':
            self.assertIn(self.file, self.command(command, code=NOT_RUNNING).stderr)

    def test_a_bad_file_ends_with_6_and_names_the_line(self):
        self.init()
        with open(self.file, encoding='utf-8') as file:
            good = file.read()
        self.write(good.replace('"networks"', '"netwroks"'))
        line = next(number for number, text in enumerate(good.splitlines(), 1) if '"networks"' in text)
        for words in ('check',), ('run',), ('peer', 'list'), ('peer', 'add'):
            done = self.command(*words, code=BAD_CONFIG)
            self.assertIn(f'{self.file}:{line}:', done.stderr)
            self.assertIn('netwroks', done.stderr)
        self.write(good)
        os.chmod(self.file, 0o640)
        self.assertIn('0600', self.command('check', code=BAD_CONFIG).stderr)
        os.remove(self.file)
        self.assertIn(self.file, self.command('check', code=BAD_CONFIG).stderr)

    def test_a_file_without_an_endpoint_serves_but_adds_no_peer(self):
        self.init()
        config = self.config()
        del config['endpoint']
        self.write(json.dumps(config))
        self.command('check')
        self.assertIn('endpoint', self.command('peer', 'add', code=BAD_CONFIG).stderr)
        self.assertEqual(self.config()['peers'], [])

    def test_what_can_not_be_printed_has_failed(self):
        self.init()
        with open('/dev/full', 'w', encoding='utf-8') as full:
            done = subprocess.run([PROGRAM, 'peer', 'add', 'laptop', '--config', self.file], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, FAILURE, done)
        self.assertEqual(self.config()['peers'], [])


if __name__ == '__main__':
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
