"""The addresses of the lab, all from the ranges set aside for documentation, and of the tunnel inside it."""

LAPTOP = {4: "192.0.2.2", 6: "2001:db8:2::2"}
LAPTOP_MOVED = {4: "192.0.2.3", 6: "2001:db8:2::3"}
ROUTER_LAN = {4: "192.0.2.1", 6: "2001:db8:2::1"}
CAFE = {4: "192.0.2.130", 6: "2001:db8:c::2"}
ROUTER_CAFE = {4: "192.0.2.129", 6: "2001:db8:c::1"}
ROUTER_VPS = {4: "198.51.100.1", 6: "2001:db8:100::1"}
ROUTER_VPS_OTHER = {4: "198.51.100.2", 6: "2001:db8:100::2"}
VPS = {4: "198.51.100.10", 6: "2001:db8:100::10"}
ROUTER_SITE = {4: "203.0.113.1", 6: "2001:db8:113::1"}
SITE = {4: "203.0.113.80", 6: "2001:db8:113::80"}
SITE_NETWORK = {4: "203.0.113.0/24", 6: "2001:db8:113::/64"}

# Nobody lives at the first; to the second, the router has no way.
NOBODY = {4: "198.51.100.99", 6: "2001:db8:100::99"}
NOWHERE = {4: "198.18.0.9", 6: "2001:db8:dead::9"}

TUNNEL_SERVER = {4: "10.66.0.1", 6: "fd66::1"}
TUNNEL_CLIENT = {4: "10.66.0.2", 6: "fd66::2"}
TUNNEL_NETWORK = {4: "10.66.0.0/24", 6: "fd66::/64"}
EVERYWHERE = ["0.0.0.0/0", "::/0"]

PORT = 51820
WEB_PORT = 80
ECHO_PORT = 7
DNS_PORT = 53


def host_port(address, port):
    """`address:port`, an IPv6 address in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
