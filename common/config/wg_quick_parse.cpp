#include "common/config/fields.hpp"
#include "common/config/limits.hpp"
#include "common/config/names.hpp"
#include "common/config/wg_quick.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <unordered_set>

namespace vpn::config {
namespace {

constexpr std::size_t largest_text = std::size_t{4} << 20U;

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r\v\f";
    const std::size_t first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_word(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

/// Cuts the first of the items between commas off `list`.
std::string_view next_item(std::string_view& list) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view item = trimmed(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    return item;
}

/// Goes through the text line by line. Remembers where everything stood, for problems that only the whole shows.
class Reader {
  public:
    void read(std::string_view text);
    [[nodiscard]] int line_of(std::string where) const;
    WgQuickFile take() { return std::move(file_); }

    Faults faults;

  private:
    using Handler = void (Reader::*)(std::string_view value);
    enum class Repeat : std::uint8_t { never, freely };
    struct Key {
        std::string_view name;
        Handler handle;
        Repeat repeat;
    };
    enum class Section : std::uint8_t { none, interface, peer };
    static const std::array<Key, 12> interface_keys;
    static const std::array<Key, 5> peer_keys;

    void read_line(std::string_view line);
    void open_section(std::string_view name);
    void assign(std::string_view key, std::string_view value);

    void private_key(std::string_view value) {
        mark("interface.private_key");
        file_.config.interface.private_key = key<crypto::PrivateKey>(value);
    }
    void address(std::string_view value);
    void dns(std::string_view value);
    void mtu(std::string_view value);
    void listen_port(std::string_view value);
    void table(std::string_view value);
    void firewall_mark(std::string_view value);
    void save_config(std::string_view value);
    void hook(std::string_view value) { file_.hooks.push_back(here(value)); }
    void unused(std::string_view value) { file_.unused.push_back(here(value)); }
    void public_key(std::string_view value) {
        mark(peer_path() + ".public_key");
        peer().public_key = key<crypto::PublicKey>(value);
    }
    void preshared_key(std::string_view value) { peer().preshared_key = key<crypto::PresharedKey>(value); }
    void endpoint(std::string_view value);
    void allowed_ips(std::string_view value);
    void keepalive(std::string_view value);

    void fault(std::string message) { faults.add(line_, std::move(message)); }
    void refuse(std::string_view expected, std::string_view found) {
        fault(key_ + " must be " + std::string(expected) + ", found " + quote(found));
    }
    [[nodiscard]] WgQuickLine here(std::string_view value) const { return {line_, key_, std::string(value)}; }
    ClientPeer& peer() { return file_.config.peers.back(); }
    [[nodiscard]] std::string peer_path() const { return "peers[" + std::to_string(file_.config.peers.size() - 1) + ']'; }
    void mark(std::string where) { lines_.emplace(std::move(where), line_); }

    template <class Secret> Secret key(std::string_view value) {
        auto parsed = Secret::parse(value);
        if (!parsed)
            fault(key_ + " must be a key of 44 characters of base64, found " + std::to_string(value.size()) +
                  " characters that are none");
        return parsed ? std::move(*parsed) : Secret();
    }

    WgQuickFile file_;
    int line_ = 0;
    Section section_ = Section::none;
    /// As written.
    std::string key_;
    std::unordered_set<std::string_view> seen_;
    std::unordered_map<std::string, int> lines_;
};

const std::array<Reader::Key, 12> Reader::interface_keys{{{"PrivateKey", &Reader::private_key, Repeat::never},
                                                          {"Address", &Reader::address, Repeat::freely},
                                                          {"DNS", &Reader::dns, Repeat::freely},
                                                          {"MTU", &Reader::mtu, Repeat::never},
                                                          {"ListenPort", &Reader::listen_port, Repeat::never},
                                                          {"Table", &Reader::table, Repeat::freely},
                                                          {"FwMark", &Reader::firewall_mark, Repeat::freely},
                                                          {"SaveConfig", &Reader::save_config, Repeat::freely},
                                                          {"PreUp", &Reader::hook, Repeat::freely},
                                                          {"PostUp", &Reader::hook, Repeat::freely},
                                                          {"PreDown", &Reader::hook, Repeat::freely},
                                                          {"PostDown", &Reader::hook, Repeat::freely}}};
const std::array<Reader::Key, 5> Reader::peer_keys{{{"PublicKey", &Reader::public_key, Repeat::never},
                                                    {"PresharedKey", &Reader::preshared_key, Repeat::never},
                                                    {"Endpoint", &Reader::endpoint, Repeat::never},
                                                    {"AllowedIPs", &Reader::allowed_ips, Repeat::freely},
                                                    {"PersistentKeepalive", &Reader::keepalive, Repeat::never}}};

void Reader::read(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    while (!text.empty() && !faults.any()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        ++line_;
        read_line(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (!lines_.contains("interface")) faults.add(0, "there is no [Interface] section");
}

int Reader::line_of(std::string where) const {
    for (;;) {
        if (const auto found = lines_.find(where); found != lines_.end()) return found->second;
        const std::size_t step = where.find_last_of(".[");
        if (step == std::string::npos) return 0;
        where.resize(step);
    }
}

void Reader::read_line(std::string_view line) {
    if (line.find('\0') != std::string_view::npos) return fault("there is a NUL byte in the text");
    line = trimmed(line.substr(0, line.find('#')));
    if (line.empty()) return;
    if (line.front() == '[') return open_section(line);
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos)
        return fault("expected \"Key = value\" or a section such as [Peer], found " + quote(line));
    assign(trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
}

void Reader::open_section(std::string_view name) {
    if (same_word(name, "[Interface]")) {
        if (lines_.contains("interface")) return fault("a second [Interface] section");
        seen_.clear();
        section_ = Section::interface;
        mark("interface");
    } else if (same_word(name, "[Peer]")) {
        section_ = Section::peer;
        seen_.clear();
        if (file_.config.peers.size() == limits::client_peers)
            return fault("more than " + std::to_string(limits::client_peers) + " peers");
        file_.config.peers.emplace_back();
        mark("peers");
        mark(peer_path());
    } else {
        fault("expected the section [Interface] or [Peer], found " + quote(name));
    }
}

void Reader::assign(std::string_view key, std::string_view value) {
    if (section_ == Section::none) return fault("expected the section [Interface] first, found " + quote(key));
    key_ = key;
    const std::span<const Key> keys = section_ == Section::interface ? std::span<const Key>(interface_keys) : peer_keys;
    const auto known = std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return same_word(k.name, key); });
    if (known == keys.end()) {
        file_.unknown.push_back(here(value));
        return;
    }
    key_ = known->name;
    if (known->repeat == Repeat::never && !seen_.insert(known->name).second)
        return fault(key_ + " appears twice in the same section");
    (this->*known->handle)(value);
}

void Reader::address(std::string_view value) {
    while (!value.empty()) {
        const std::string_view item = next_item(value);
        const auto prefix = Prefix::parse(item);
        if (!prefix) return refuse("a list of IP addresses such as 10.66.0.2/32", item);
        auto& addresses = file_.config.interface.addresses;
        mark("interface.addresses[" + std::to_string(addresses.size()) + ']');
        addresses.push_back(*prefix);
    }
}

void Reader::dns(std::string_view value) {
    while (!value.empty()) {
        const std::string_view item = next_item(value);
        ClientInterface& interface = file_.config.interface;
        if (interface.dns.size() + interface.dns_domains.size() == limits::dns)
            return fault("more than " + std::to_string(limits::dns) + " DNS servers and domains");
        if (const auto server = IpAddress::parse(item))
            interface.dns.push_back(*server);
        else if (is_dns_domain(item))
            interface.dns_domains.emplace_back(item);
        else
            return refuse("a list of IP addresses and search domains", item);
    }
}

void Reader::mtu(std::string_view value) {
    const auto mtu = parse_decimal(value, 65535);
    if (!mtu || *mtu < 576) return refuse("a number from 576 to 65535", value);
    mark("interface.mtu");
    file_.config.interface.mtu = static_cast<std::uint16_t>(*mtu);
}

void Reader::listen_port(std::string_view value) {
    const auto port = parse_decimal(value, 65535);
    if (!port) return refuse("a number from 0 to 65535", value);
    if (*port != 0) file_.config.interface.listen_port = Port{static_cast<std::uint16_t>(*port)};
}

void Reader::table(std::string_view value) {
    file_.config.interface.routes = !same_word(value, "off");
    if (!same_word(value, "off") && !same_word(value, "auto")) unused(value);
}

void Reader::firewall_mark(std::string_view value) {
    if (!same_word(value, "off") && value != "0" && !same_word(value, "0x0")) unused(value);
}

void Reader::save_config(std::string_view value) {
    if (!same_word(value, "false")) unused(value);
}

void Reader::endpoint(std::string_view value) {
    auto endpoint = HostPort::parse(value);
    if (!endpoint) return fault("Endpoint: " + endpoint.error().message);
    peer().endpoint = std::move(*endpoint);
}

void Reader::allowed_ips(std::string_view value) {
    while (!value.empty()) {
        const std::string_view item = next_item(value);
        const auto prefix = Prefix::parse(item);
        if (!prefix) return refuse("a list of IP prefixes such as 0.0.0.0/0, ::/0", item);
        auto& list = peer().allowed_ips;
        if (list.size() == limits::allowed_ips) return fault("more than " + std::to_string(limits::allowed_ips) + " allowed IPs");
        mark(peer_path() + ".allowed_ips[" + std::to_string(list.size()) + ']');
        list.push_back(prefix->network());
    }
}

void Reader::keepalive(std::string_view value) {
    const auto seconds = same_word(value, "off") ? std::optional<std::uint32_t>(0) : parse_decimal(value, 65535);
    if (!seconds) return refuse("off or a number of seconds from 0 to 65535", value);
    peer().persistent_keepalive = std::chrono::seconds(*seconds);
}

} // namespace

Parsed<WgQuickFile> parse_wg_quick(std::string_view text, std::string_view file) {
    if (text.size() > largest_text)
        return tl::unexpected(ConfigError{std::string(file), 0, "longer than " + std::to_string(largest_text) + " bytes"});
    Reader reader;
    reader.read(text);
    if (reader.faults.any()) return tl::unexpected(reader.faults.take(file));
    WgQuickFile result = reader.take();
    if (auto problem = check(result.config))
        return tl::unexpected(ConfigError{std::string(file), reader.line_of(problem->where), std::move(problem->message)});
    return result;
}

} // namespace vpn::config
