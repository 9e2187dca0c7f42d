// A table of nftables, or of iptables-legacy, that is somebody else's, and what it does with a packet that is still to come.
// Only what is certain counts: a rule with a condition that can't be judged from here, such as a set or a match of iptables's,
// is passed over as if it didn't hold, and where it may have ended a chain, nothing behind it there drops for certain.
// Refuses to know: where the text comes from, and what is done about a table that drops.
#pragma once

#include "common/base/ip.hpp"
#include "common/base/result.hpp"
#include "common/config/json.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace vpn::server {

/// A packet as far as it is known.
struct Probe {
    enum class Hook : std::uint8_t { input, forward };
    Hook hook = Hook::forward;
    Family family = Family::v4;
    std::string in;                        ///< the interface that it comes by
    std::string out = {};                  ///< and leaves by, if it is forwarded
    std::vector<Prefix> sources = {};      ///< it comes from one of these; empty: from anywhere
    std::vector<Prefix> destinations = {}; ///< it goes to one of these; empty: to anywhere
    std::string state = "new";             ///< of its connection, in nft's word
    std::string protocol = {};             ///< "tcp" or "udp"; empty: any
    Port port = {};                        ///< that it goes to; zero: any
};

/// How a packet fares in a table.
struct Passage {
    /// The chain at the hook that certainly drops it; empty if none does.
    std::string dropped_in;
    /// Where it certainly came in that hook's chain before it was dropped, in this order.
    std::vector<std::string> through;
};

/// A rule that carries a comment.
struct MarkedRule {
    std::string chain;
    std::int64_t handle = 0;
    friend bool operator==(const MarkedRule&, const MarkedRule&) = default;
};

/// As what stands in a name's place for the family: the program that shows the table.
constexpr std::string_view legacy_family(Family family) { return family == Family::v4 ? "iptables-legacy" : "ip6tables-legacy"; }

/// What a table is called.
struct TableName {
    std::string family; ///< nft's word, or legacy_family
    std::string name;
    [[nodiscard]] bool is_legacy() const { return family == legacy_family(Family::v4) || family == legacy_family(Family::v6); }
    /// As in a command of nft's.
    [[nodiscard]] std::string text() const { return family + ' ' + name; }
    friend auto operator<=>(const TableName&, const TableName&) = default;
};

/// Of what `nft -j list chains` prints: the tables that filter what comes in or is forwarded, in order, each once. Those whose
/// names nft would not take again are left out. Errors: the text is not nft's.
Result<std::vector<TableName>> filtering_tables(std::string_view json);

class ForeignTable {
  public:
    /// `json` is what `nft -j list table` prints. Errors: the text is not nft's.
    static Result<ForeignTable> parse(TableName name, std::string_view json);
    /// Requires: a list in the words of nft's.
    static ForeignTable of(TableName name, config::Json listing);
    ForeignTable(ForeignTable&&) noexcept = default;
    ForeignTable& operator=(ForeignTable&&) noexcept = default;

    [[nodiscard]] const TableName& name() const { return name_; }
    /// The table's hooks see packets of this family.
    [[nodiscard]] bool sees(Family family) const;
    /// Rules that carry `ignored` as their comment are taken for not there. Requires: sees(probe.family).
    [[nodiscard]] Passage passage(const Probe& probe, std::string_view ignored = {}) const;
    [[nodiscard]] std::vector<MarkedRule> marked(std::string_view comment) const;
    /// The handle of the chain's last rule, if that returns whatever comes there; zero if not.
    [[nodiscard]] std::int64_t final_return(std::string_view chain) const;

  private:
    struct Base {
        std::string chain;
        std::string hook;
        std::int64_t priority = 0;
        bool drops = false;
    };
    class Walk;

    ForeignTable(TableName name, config::Json document) : name_(std::move(name)), document_(std::move(document)) {}

    TableName name_;
    config::Json document_;
    std::vector<Base> bases_; ///< in order of priority
    /// Point into the document, whose items stay where they are when it moves.
    std::unordered_map<std::string, std::vector<const config::Json*>> rules_;
};

} // namespace vpn::server
