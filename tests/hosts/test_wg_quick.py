"""wg-quick from Debian with our interface in the place of the kernel's."""

from . import addresses
from .ours import CLIENT
from .patience import eventually
from .sentences import Skip, sentence
from .snapshot import Snapshot
from .tunnel import Facts
from .uapi import Interface
from .wireguard import WireguardServer, genkey, pubkey

FILE = "/etc/vpn/wgq0.conf"
LINK = "/run/programs/vpn-interface"


def written(host, facts):
    """A file as people have them, without DNS: that would be the machine's resolver's business."""
    host.write(FILE, f"[Interface]\nPrivateKey = {facts.client_key}\nAddress = {', '.join(facts.client_addresses)}\n"
                     f"[Peer]\nPublicKey = {pubkey(facts.server_key)}\nPresharedKey = {facts.psk}\nEndpoint = {facts.endpoint}\n"
                     f"AllowedIPs = {', '.join(facts.allowed_ips)}\nPersistentKeepalive = 25\n")


def quick(host, *words, **options):
    return host.run("wg-quick", *words, environment={"WG_QUICK_USERSPACE_IMPLEMENTATION": LINK}, **options)


@sentence("`wg-quick up` with WG_QUICK_USERSPACE_IMPLEMENTATION sets up {what}, and `down` leaves the laptop as it was",
          what=("a full tunnel", "a split tunnel"), seconds=6)
def up_and_down(lab, what):
    split = ["10.66.0.0/24", "fd66::/64", *addresses.SITE_NETWORK.values()]
    facts = Facts(psk=genkey(), **({"allowed_ips": split} if what == "a split tunnel" else {}))
    if lab.laptop.run("ip", "link", "add", "wgq0", "type", "wireguard", code=None).code == 0:
        raise Skip("the kernel has WireGuard, and wg-quick takes that")
    WireguardServer(lab.vps, facts).up()
    lab.laptop.sh(f"mkdir -p {LINK.rpartition('/')[0]}; ln -s {CLIENT} {LINK}")
    written(lab.laptop, facts)
    # wg-quick leaves this one set.
    lab.laptop.sysctl(ipv4__conf__all__src_valid_mark=1)
    before = Snapshot(lab.laptop)
    wg = Interface(lab.laptop, "wgq0")
    for _ in range(2):
        quick(lab.laptop, "up", FILE)
        for inner in (4, 6):
            lab.laptop.run("ping", "-n", "-c1", "-W2", addresses.TUNNEL_SERVER[inner])
            assert lab.visit("address", addresses.SITE[inner]) == {"address": addresses.VPS[inner]}
        if what == "a split tunnel":  # from a full one, it would take away the mark that wg-quick has set
            handshake = wg.show("latest-handshakes")
            lab.laptop.write("/run/stripped", quick(lab.laptop, "strip", FILE).out)
            wg.wg("syncconf", "/run/stripped")
            assert wg.show("latest-handshakes") == handshake
        quick(lab.laptop, "down", FILE)
        eventually("interface, socket and process are gone", wg.gone)
    before.assert_unchanged("wg-quick up and down")
