#!/usr/bin/python3
"""What scripts/bench tells of a run, of figures that are made up."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from bench import costs, report  # noqa: E402
from bench.measures import MEASURES  # noqa: E402
from bench.record import Record  # noqa: E402

MACHINE = {"cores": 2, "cpu": "a CPU", "memory_gib": 8.0, "system": "Debian", "kernel": "6.1", "load": 0.0}
LESS = {measure.name for measure in MEASURES if measure.less_is_better}


def figures(times):
    """Of a tunnel that is so many times as good as one whose figures are all 100."""
    return {measure.name: 100 / times if measure.name in LESS else 100 * times for measure in MEASURES}


def record(times, links=("plain",), rounds=1):
    """A run with these peers. `times`: how good each is, or a figure by measure."""
    each = {peer: figures(good) for peer, good in times.items()}
    return Record(MACHINE, ["iperf 3"], {peer: f"{peer} 1.0" for peer in times}, list(links), 5, None,
                  [{link: each for link in links} for _ in range(rounds)])


def rows(of_record):
    """The table's cells by heading, for each measure."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in report.markdown(of_record) if line.startswith("| ")]
    return lines[0], {cells[0]: dict(zip(lines[0], cells)) for cells in lines[1:]}


class Reports(unittest.TestCase):
    def test_both_of_ours_are_compared_with_everybody_else_and_not_with_each_other(self):
        found = record({"ours": 2, "hybrid": 4, "newest": 1, "openvpn": 0.5, "none": 10})
        self.assertEqual(found.pairs, [("ours", "newest"), ("hybrid", "newest"), ("ours", "openvpn"), ("hybrid", "openvpn")])
        heads, cells = rows(found)
        self.assertEqual(heads[-4:], ["ours / newest", "hybrid / newest", "ours / openvpn", "hybrid / openvpn"])
        self.assertEqual([cells["TCP x1, Gbit/s"][head] for head in heads[-4:]], ["2.00", "4.00", "4.00", "8.00"])

    def test_a_ratio_is_that_of_the_medians_with_the_bounds_of_single_rounds(self):
        found = record({"ours": 2, "newest": 1}, rounds=3)
        found.rounds = [{"plain": {"ours": figures(times), "newest": figures(1)}} for times in (1, 2, 4)]
        ratio = found.ratio("plain", "ours", "newest", "TCP x1, Gbit/s")
        self.assertEqual((ratio.middle, ratio.lowest, ratio.highest), (2, 1, 4))

    def test_a_miss_stands_out_and_says_what_was_wanted(self):
        _, cells = rows(record({"ours": 1.25, "hybrid": 2.5, "newest": 1}))
        one, four = cells["TCP x1, Gbit/s"], cells["TCP x4, Gbit/s"]
        self.assertEqual((one["ours / newest"], one["hybrid / newest"]), ("**1.25**, wanted >= 1.3", "**2.50**, wanted >= 2.7"))
        self.assertEqual((four["ours / newest"], four["hybrid / newest"]), ("1.25", "2.50"))
        cpu = cells["CPU of both ends, s/GB (less is better)"]
        self.assertEqual((cpu["ours / newest"], cpu["hybrid / newest"]), ("**0.80**, wanted <= 0.6", "**0.40**, wanted <= 0.25"))

    def test_the_table_points_to_the_profile_where_something_is_missed_and_only_there(self):
        self.assertIn(report.WHY, report.markdown(record({"ours": 1.25, "newest": 1})))
        self.assertNotIn(report.WHY, report.markdown(record({"ours": 20, "newest": 1})))

    def test_nothing_is_wanted_on_other_links_nor_beside_others(self):
        for found in (record({"ours": 0.1, "newest": 1}, links=["no-gso"]), record({"ours": 0.1, "openvpn": 1})):
            self.assertFalse(report.has_targets(found))
            self.assertNotIn("wanted", "\n".join(report.markdown(found)))

    def test_a_check_takes_either_of_ours_or_both(self):
        for peers, count in ((["ours"], 13), (["hybrid"], 5), (["ours", "hybrid"], 18), (["hybrid", "ours"], 18)):
            good = record({**{peer: 20 for peer in peers}, "newest": 1})
            bad = record({**{peer: 0.9 for peer in peers}, "newest": 1})
            self.assertTrue(report.has_targets(good))
            lines, misses = report.verdicts(good)
            self.assertEqual((len(lines), misses), (count, 0))
            self.assertEqual(report.verdicts(bad)[1], count)

    def test_a_figure_that_is_missing_is_a_miss(self):
        found = record({"hybrid": 20, "newest": 1})
        found.rounds[0]["plain"]["hybrid"]["CPU of both ends, s/GB"] = None
        self.assertEqual(report.verdicts(found)[1], 1)

    def test_without_any_of_ours_the_first_is_compared(self):
        found = record({"newest": 2, "stable": 1})
        self.assertEqual(found.pairs, [("newest", "stable")])
        self.assertFalse(report.has_targets(found))


PERF_SAYS = """
    40.00% ;[.] chacha20_encrypt_bytes
    20.00% ;[k] _copy_from_iter
    10.00%;[k] try_to_wake_up
    10.00%;[k] tcp_sendmsg_locked
     5.00%;[k] csum_partial
     5.00%;[.] vpn::offload::fold
     5.00%;[.] vpn::tun::OutboundJob::take(vpn::tun::LoopShared&, vpn::tun::Lanes&)
     5.00%;[k] something_else
"""


class Profiles(unittest.TestCase):
    def test_time_is_told_apart_by_what_it_is_spent_on(self):
        groups = costs.grouped(costs.parse(PERF_SAYS))
        self.assertEqual({name: round(share, 4) for name, share in groups.items() if share},
                         {"cipher and handshake": 0.4, "copies": 0.2, "wake-ups and scheduling": 0.1, "network stack": 0.1, "checksums": 0.1,
                          "the programs' own code": 0.05, "the rest of the kernel": 0.05})

    def test_functions_of_the_kernel_without_names_are_no_guess(self):
        found = {"groups": costs.grouped(costs.parse("100.00%;[k] 0xffffffff81000000\n")), "cores": 1.0, "top": []}
        self.assertEqual(found["groups"][costs.UNNAMED], 1)
        self.assertIn("kptr_restrict", "\n".join(costs.markdown("ours", {"TCP x1": found})))

    def test_a_stripped_program_is_no_guess_either(self):
        found = {"groups": costs.grouped(costs.parse("100.00% ;[.] 0x00000000000676dd\n")), "cores": 1.0, "top": []}
        self.assertEqual(found["groups"][costs.UNNAMED_PROGRAM], 1)
        self.assertIn("stripped", "\n".join(costs.markdown("stable", {"TCP x1": found})))

    def test_time_with_interrupts_off_is_a_group_of_its_own(self):
        for symbol in ("pvm_irq_enable", "_raw_spin_unlock_irqrestore"):
            self.assertEqual(costs.group_of(symbol, True), "with interrupts off, wake-ups mostly")

    def test_a_table_has_a_column_for_each_load(self):
        found = {"groups": costs.grouped(costs.parse(PERF_SAYS)), "cores": 1.5, "top": [(0.4, "chacha20_encrypt_bytes")]}
        text = "\n".join(costs.markdown("ours", {"TCP x1": found, "pings": found}))
        self.assertIn("| cipher and handshake | 40.0 % | 40.0 % |", text)
        self.assertIn("| cores used | 1.50 | 1.50 |", text)
        self.assertIn("pings: chacha20_encrypt_bytes 40.0 %", text)
        self.assertNotIn("kptr_restrict", text)


class Tool(unittest.TestCase):
    """scripts/bench, on what an earlier run wrote."""

    def told(self, found, *words):
        with tempfile.TemporaryDirectory() as directory:
            found.save(f"{directory}/run.json")
            done = subprocess.run([sys.executable, TESTS / "bench" / "bench.py", "--from", f"{directory}/run.json", *words, "--markdown",
                                   f"{directory}/run.md"], capture_output=True, text=True, check=False)
            markdown = pathlib.Path(f"{directory}/run.md")
            return done, markdown.read_text(encoding="utf-8") if markdown.exists() else ""

    def test_it_prints_and_writes_the_table(self):
        done, written = self.told(record({"ours": 2, "hybrid": 4, "newest": 1}, links=["plain", "no-gso", "no-checksum"]))
        self.assertEqual((done.returncode, done.stdout), (0, written))
        self.assertEqual(written.count("| ours / newest | hybrid / newest |"), 3)

    def test_a_check_ends_with_1_on_a_miss_and_with_2_where_there_is_nothing_to_check(self):
        self.assertEqual(self.told(record({"ours": 20, "hybrid": 20, "newest": 1}), "--check")[0].returncode, 0)
        self.assertEqual(self.told(record({"ours": 20, "hybrid": 2, "newest": 1}), "--check")[0].returncode, 1)
        self.assertEqual(self.told(record({"ours": 20, "openvpn": 1}), "--check")[0].returncode, 2)

    def test_words_that_mean_nothing_together_are_refused(self):
        for words in (["--profile"], ["--output", "/dev/null/here"], ["--links", "nowhere"], ["--peers", "ours,ours"]):
            self.assertEqual(self.told(record({"ours": 20, "newest": 1}), *words)[0].returncode, 2, words)


if __name__ == "__main__":
    unittest.main()
