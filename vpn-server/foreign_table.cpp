// The grammar is libnftables-json(5)'s. Rules of iptables-nft are listed in it too, their own matches as `xt`, opaque.
#include "vpn-server/foreign_table.hpp"

#include <algorithm>
#include <optional>

namespace vpn::server {
namespace {

using config::Json;

/// Deep enough for any expression of nft's.
constexpr config::JsonLimits limits{.bytes = std::size_t{64} << 20U, .depth = 48, .values = 4'000'000};
/// The kernel takes no more jumps than this in one another.
constexpr unsigned deepest = 16;

Result<Json> parse_listing(std::string_view text) {
    auto document = config::parse(text, limits);
    if (!document) return failed("cannot read nft's list: " + document.error().message);
    const Json* items = document->find("nftables");
    if (items == nullptr || items->as_array() == nullptr) return failed("cannot read nft's list: it has none");
    return std::move(*document);
}

const Json::Array& items_of(const Json& listing) { return *listing.find("nftables")->as_array(); }

bool is_plain(std::string_view name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_-./").find(c) != std::string_view::npos;
    };
    return !name.empty() && std::ranges::all_of(name, fits);
}

/// Whether a condition holds for the packet.
enum class Holds : std::uint8_t { no, perhaps, yes };

Holds to_holds(bool known) { return known ? Holds::yes : Holds::no; }
Holds negated(Holds holds) { return holds == Holds::perhaps ? holds : to_holds(holds == Holds::no); }
Holds either(Holds one, Holds other) { return std::max(one, other); }

/// What nft puts around some elements of sets.
const Json& bare(const Json& element) {
    const Json* inner = element.find("elem");
    const Json* value = inner != nullptr ? inner->find("val") : nullptr;
    return value != nullptr ? *value : element;
}

std::string text_of(const Json& value) {
    if (const std::string* text = value.as_string()) return *text;
    const auto number = value.as_integer();
    return number ? std::to_string(*number) : std::string();
}

/// Does one value stand for what is known? `known` is a word of nft's or a number.
Holds is_value(const Json& value, const std::string& known) {
    if (const Json* range = value.find("range")) {
        const Json::Array* ends = range->as_array();
        const auto number = parse_decimal(known, 65535);
        if (!number || ends == nullptr || ends->size() != 2 || !(*ends)[0].as_integer() || !(*ends)[1].as_integer())
            return Holds::perhaps;
        return to_holds(*(*ends)[0].as_integer() <= *number && *number <= *(*ends)[1].as_integer());
    }
    const std::string text = text_of(value);
    if (text.empty() || text.starts_with('@')) return Holds::perhaps;
    if (text.ends_with('*')) return to_holds(known.starts_with(std::string_view(text).substr(0, text.size() - 1)));
    return to_holds(text == known);
}

std::optional<Prefix> prefix_of(const Json& value) {
    if (const std::string* text = value.as_string()) return Prefix::parse(*text);
    const Json* prefix = value.find("prefix");
    const auto address = prefix != nullptr ? prefix->string_at("addr") : std::nullopt;
    const auto bits = prefix != nullptr ? prefix->integer_at("len") : std::nullopt;
    return address && bits ? Prefix::parse(std::string(*address) + '/' + std::to_string(*bits)) : std::nullopt;
}

/// Does an address lie in there, in whichever of the probe's it is?
Holds holds_address(const Json& value, const std::vector<Prefix>& possible) {
    const auto prefix = prefix_of(value);
    if (!prefix || possible.empty()) return Holds::perhaps;
    const auto within = [&](const Prefix& each) { return each.bits() >= prefix->bits() && prefix->overlaps(each); };
    if (std::ranges::all_of(possible, within)) return Holds::yes;
    const auto beside = [&](const Prefix& each) { return !prefix->overlaps(each); };
    return std::ranges::all_of(possible, beside) ? Holds::no : Holds::perhaps;
}

/// `test` of each value that a right-hand side lists.
template <class Test> Holds any_of(const Json& right, Test test) {
    const Json* set = right.find("set");
    const Json::Array* list = set != nullptr ? set->as_array() : right.as_array();
    if (list == nullptr) return test(right);
    Holds holds = Holds::no;
    for (const Json& element : *list) holds = either(holds, test(bare(element)));
    return holds;
}

} // namespace

/// One packet on its way through one table.
class ForeignTable::Walk {
  public:
    Walk(const ForeignTable& table, const Probe& probe, std::string_view ignored)
        : table_(table), probe_(probe), ignored_(ignored) {}

    Passage take() {
        const std::string_view hook = probe_.hook == Probe::Hook::input ? "input" : "forward";
        for (const Base& base : table_.bases_) {
            if (base.hook != hook) continue;
            passage_.through.clear();
            const std::optional<End> end = follow(base.chain, 0);
            const bool dropped = !end || *end == End::returned ? base.drops : *end == End::dropped;
            if (!dropped) continue;
            passage_.dropped_in = base.chain;
            break;
        }
        return std::move(passage_);
    }

  private:
    enum class End : std::uint8_t { accepted, dropped, returned };

    /// Nothing: the chain's end was reached.
    std::optional<End> follow(const std::string& chain, unsigned depth) {
        if (depth > deepest) return std::nullopt;
        passage_.through.push_back(chain);
        const auto rules = table_.rules_.find(chain);
        if (rules == table_.rules_.end()) return std::nullopt;
        bool doubtful = false;
        for (const Json* rule : rules->second) {
            if (!ignored_.empty() && rule->string_at("comment") == ignored_) continue;
            const auto end = apply(*rule, depth, doubtful);
            if (!end) continue;
            // As in ufw's chain for what is not local: its first rules send away whatever the last one does not mean.
            if (*end == End::dropped && doubtful) return std::nullopt;
            return *end == End::returned && depth > 0 ? std::nullopt : end;
        }
        return std::nullopt;
    }

    /// Nothing: the next rule's turn. Then `doubtful` is set if it was perhaps the chain's end.
    std::optional<End> apply(const Json& rule, unsigned depth, bool& doubtful) {
        const Json* expressions = rule.find("expr");
        if (expressions == nullptr || expressions->as_array() == nullptr) return std::nullopt;
        for (const Json& expression : *expressions->as_array()) {
            const Json::Object* object = expression.as_object();
            if (object == nullptr || object->size() != 1) return std::nullopt;
            const std::string& word = object->front().key;
            const Json& body = object->front().value;
            if (word == "vmap") return by_map(body, depth);
            if (is_verdict(word, body)) return decide(word, body, depth);
            if (is_harmless(word, body)) continue;
            const Holds holds_here = word == "match" ? match(body) : Holds::perhaps;
            if (holds_here == Holds::yes) continue;
            const Json::Object* last = expressions->as_array()->back().as_object();
            if (holds_here == Holds::perhaps && last != nullptr && !last->empty() && last->front().key == "return")
                doubtful = true;
            return std::nullopt;
        }
        return std::nullopt;
    }

    static bool is_rejecting_target(std::string_view word, const Json& body) {
        return word == "xt" && body.string_at("type") == "target" && body.string_at("name") == "REJECT";
    }
    static bool is_verdict(std::string_view word, const Json& body) {
        return word == "accept" || word == "drop" || word == "reject" || word == "return" || word == "jump" || word == "goto" ||
               is_rejecting_target(word, body);
    }
    /// Holds always and ends nothing.
    static bool is_harmless(std::string_view word, const Json& body) {
        return word == "counter" || word == "log" || word == "mangle" || (word == "xt" && body.string_at("name") == "comment");
    }

    std::optional<End> decide(std::string_view word, const Json& body, unsigned depth) {
        if (word == "accept") return End::accepted;
        if (word == "return") return End::returned;
        if (word != "jump" && word != "goto") return End::dropped;
        const auto target = body.string_at("target");
        const auto end = target ? follow(std::string(*target), depth + 1) : std::nullopt;
        return !end && word == "goto" ? End::returned : end;
    }

    std::optional<End> by_map(const Json& map, unsigned depth) {
        const Json* key = map.find("key");
        const Json* data = map.find("data");
        const Json* set = data != nullptr ? data->find("set") : nullptr;
        if (key == nullptr || set == nullptr || set->as_array() == nullptr) return std::nullopt;
        for (const Json& pair : *set->as_array()) {
            const Json::Array* parts = pair.as_array();
            if (parts == nullptr || parts->size() != 2) return std::nullopt;
            if (holds(*key, (*parts)[0]) != Holds::yes) continue;
            const Json::Object* verdict = (*parts)[1].as_object();
            if (verdict == nullptr || verdict->size() != 1 || !is_verdict(verdict->front().key, verdict->front().value))
                return std::nullopt;
            return decide(verdict->front().key, verdict->front().value, depth);
        }
        return std::nullopt;
    }

    Holds match(const Json& body) {
        const auto op = body.string_at("op");
        const Json* left = body.find("left");
        const Json* right = body.find("right");
        if (left == nullptr || right == nullptr || !op) return Holds::perhaps;
        if (op == "==" || op == "in") return holds(*left, *right);
        return op == "!=" ? negated(holds(*left, *right)) : Holds::perhaps;
    }

    Holds holds(const Json& left, const Json& right) {
        if (const Json* payload = left.find("payload")) return payload_holds(*payload, right);
        const auto known = known_of(left);
        if (!known) return Holds::perhaps;
        return any_of(right, [&](const Json& value) { return is_value(bare(value), *known); });
    }

    std::optional<std::string> known_of(const Json& left) {
        const bool forwarded = probe_.hook == Probe::Hook::forward;
        const bool v4 = probe_.family == Family::v4;
        const Json* ct = left.find("ct");
        if (ct != nullptr && ct->string_at("key") == "state") return probe_.state;
        const Json* meta = left.find("meta");
        const std::string_view key = meta != nullptr ? meta->string_at("key").value_or("") : "";
        if (key == "iifname" || key == "iif") return probe_.in;
        if ((key == "oifname" || key == "oif") && forwarded) return probe_.out;
        if (key == "nfproto") return v4 ? "ipv4" : "ipv6";
        if (key == "protocol") return v4 ? "ip" : "ip6";
        if (key == "l4proto" && !probe_.protocol.empty()) return probe_.protocol;
        return std::nullopt;
    }

    Holds payload_holds(const Json& payload, const Json& right) {
        const std::string_view protocol = payload.string_at("protocol").value_or("");
        const std::string_view field = payload.string_at("field").value_or("");
        if (protocol == "ip" || protocol == "ip6") {
            if ((protocol == "ip") != (probe_.family == Family::v4)) return Holds::no;
            if (field == "protocol" || field == "nexthdr") return protocol_holds(right);
            if (field != "saddr" && field != "daddr") return Holds::perhaps;
            const std::vector<Prefix>& possible = field == "saddr" ? probe_.sources : probe_.destinations;
            return any_of(right, [&](const Json& value) { return holds_address(bare(value), possible); });
        }
        const bool transport =
            protocol == "tcp" || protocol == "udp" || protocol == "icmp" || protocol == "icmpv6" || protocol == "sctp";
        if (transport && !probe_.protocol.empty() && protocol != probe_.protocol) return Holds::no;
        const bool known = protocol == "th" || (transport && protocol == probe_.protocol);
        if (!known || field != "dport" || probe_.port.value == 0) return Holds::perhaps;
        return any_of(right, [&](const Json& value) { return is_value(bare(value), std::to_string(probe_.port.value)); });
    }
    Holds protocol_holds(const Json& right) {
        if (probe_.protocol.empty()) return Holds::perhaps;
        return any_of(right, [&](const Json& value) { return is_value(bare(value), probe_.protocol); });
    }

    const ForeignTable& table_;
    const Probe& probe_;
    std::string_view ignored_;
    Passage passage_;
};

Result<std::vector<TableName>> filtering_tables(std::string_view json) {
    const auto listing = parse_listing(json);
    if (!listing) return tl::unexpected(listing.error());
    std::vector<TableName> tables;
    for (const Json& item : items_of(*listing)) {
        const Json* chain = item.find("chain");
        if (chain == nullptr || chain->string_at("type") != "filter") continue;
        const auto hook = chain->string_at("hook");
        const auto family = chain->string_at("family");
        TableName table{std::string(family.value_or("")), std::string(chain->string_at("table").value_or(""))};
        const bool sees_ip = family == "ip" || family == "ip6" || family == "inet";
        if (!sees_ip || (hook != "input" && hook != "forward") || !is_plain(table.name)) continue;
        if (std::ranges::find(tables, table) == tables.end()) tables.push_back(std::move(table));
    }
    return tables;
}

Result<ForeignTable> ForeignTable::parse(TableName name, std::string_view json) {
    auto listing = parse_listing(json);
    if (!listing) return tl::unexpected(listing.error());
    return of(std::move(name), std::move(*listing));
}

ForeignTable ForeignTable::of(TableName name, Json listing) {
    ForeignTable table(std::move(name), std::move(listing));
    for (const Json& item : items_of(table.document_)) {
        if (const Json* rule = item.find("rule")) {
            if (const auto chain = rule->string_at("chain")) table.rules_[std::string(*chain)].push_back(rule);
            continue;
        }
        const Json* chain = item.find("chain");
        if (chain == nullptr || chain->string_at("type") != "filter" || !chain->string_at("hook") || !chain->string_at("name"))
            continue;
        table.bases_.push_back({std::string(*chain->string_at("name")), std::string(*chain->string_at("hook")),
                                chain->integer_at("prio").value_or(0), chain->string_at("policy") == "drop"});
    }
    std::ranges::stable_sort(table.bases_, {}, &Base::priority);
    return table;
}

bool ForeignTable::sees(Family family) const {
    return name_.family == "inet" || name_.family == (family == Family::v4 ? "ip" : "ip6") ||
           name_.family == legacy_family(family);
}

Passage ForeignTable::passage(const Probe& probe, std::string_view ignored) const { return Walk(*this, probe, ignored).take(); }

std::vector<MarkedRule> ForeignTable::marked(std::string_view comment) const {
    std::vector<MarkedRule> found;
    for (const auto& [chain, rules] : rules_)
        for (const Json* rule : rules)
            if (rule->string_at("comment") == comment) found.push_back({chain, rule->integer_at("handle").value_or(0)});
    return found;
}

std::int64_t ForeignTable::final_return(std::string_view chain) const {
    const auto rules = rules_.find(std::string(chain));
    if (rules == rules_.end()) return 0;
    const Json& last = *rules->second.back();
    const Json* expressions = last.find("expr");
    if (expressions == nullptr || expressions->as_array() == nullptr) return 0;
    const auto returns = [](const Json& expression) {
        return expression.find("return") != nullptr || expression.find("counter") != nullptr;
    };
    const Json::Array& list = *expressions->as_array();
    const bool always = std::ranges::all_of(list, returns) &&
                        std::ranges::any_of(list, [](const Json& one) { return one.find("return") != nullptr; });
    return always ? last.integer_at("handle").value_or(0) : 0;
}

} // namespace vpn::server
