#include "vpn-client/dns/dns.hpp"

#include "common/system/clocks.hpp"
#include "common/system/files.hpp"
#include "vpn-client/dns/resolv_conf.hpp"
#include "vpn-client/dns/resolvconf.hpp"
#include "vpn-client/till_done.hpp"

#include <filesystem>
#include <utility>

namespace vpn::client {
namespace {

/// Who writes the file may need more than one go.
constexpr Duration until_written = std::chrono::milliseconds(100);
/// So often is waited anew for one who is still writing.
constexpr int most_postponed = 10;
/// Until a look that memory did not suffice for is made again.
constexpr Duration breath = std::chrono::seconds(1);
/// Who refuses what he is told is told less and less often: each time may start him.
constexpr Duration longest_silence = std::chrono::minutes(1);

/// What a resolvconf was told, until this goes. Move-only.
class ResolvconfRecord {
  public:
    static Result<ResolvconfRecord> tell(ResolvconfKind kind, const DnsPlan& plan, const std::string& connection,
                                         const std::string& interface) {
        ResolvconfRecord record(connection, resolvconf_record(interface));
        if (auto written = write_dns_journal({connection, record.record_, std::nullopt}); !written)
            return tl::unexpected(written.error());
        if (auto told = tell_resolvconf(kind, record.record_, plan); !told) return tl::unexpected(told.error());
        return record;
    }
    ResolvconfRecord(ResolvconfRecord&& other) noexcept
        : connection_(std::exchange(other.connection_, {})), record_(std::move(other.record_)) {}
    ResolvconfRecord& operator=(ResolvconfRecord&&) = delete;
    ~ResolvconfRecord() {
        if (connection_.empty()) return;
        forget_resolvconf(record_);
        remove_dns_journal(connection_);
    }

  private:
    ResolvconfRecord(std::string connection, std::string record)
        : connection_(std::move(connection)), record_(std::move(record)) {}

    std::string connection_; ///< empty: moved from
    std::string record_;
};

} // namespace

void take_back_dns(std::string_view connection) {
    const auto journal = read_dns_journal(connection);
    if (!journal) return;
    if (!journal->record.empty()) forget_resolvconf(journal->record);
    put_back_resolv_conf(*journal);
    remove_dns_journal(connection);
}

struct Dns::Parts {
    Parts(DnsPlan the_plan, std::string the_connection, std::string the_interface, std::uint32_t the_index)
        : plan(std::move(the_plan)), connection(std::move(the_connection)), interface(std::move(the_interface)),
          index(the_index) {}
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;
    ~Parts() { take_down(); }

    void look_around();
    Result<void> put_up();
    void take_down();
    void keep();
    void handle_bus();
    [[nodiscard]] bool tell_resolved(bool again);
    void wait_for_writer(int times);
    void handle_file();

    const DnsPlan plan;
    const std::string connection;
    const std::string interface;
    const std::uint32_t index;
    ResolverFacts facts;
    DnsChoice choice;
    bool stands = false;
    std::optional<Resolved> resolved;
    std::optional<ResolvconfRecord> record;
    std::optional<ResolvConfKeeper> file;
    boost::asio::io_context* loop = nullptr; ///< once it is kept
    std::optional<system::Logger> log;
    std::optional<TillDone> telling;
    std::optional<Watch> bus_watch;
    std::optional<Watch> file_watch;
    std::optional<Alarm> written;
    bool touched = false;         ///< since it was last looked for
    std::optional<int> postponed; ///< how often, while somebody is waited for
};

void Dns::Parts::look_around() {
    std::error_code none;
    facts.text = system::read_file(resolv_conf_path).value_or("");
    facts.target = std::filesystem::weakly_canonical(resolv_conf_path, none);
    const ResolvConf conf = parse_resolv_conf(facts.text);
    resolved = Resolved::find(asks_resolved(conf));
    facts.resolved = resolved.has_value();
    if (!resolved || !asks_resolved(conf)) facts.resolvconf = find_resolvconf();
}

Result<void> Dns::Parts::put_up() {
    look_around();
    choice = choose_dns(plan, facts);
    if (choice.resolved)
        if (auto set = resolved->set_link(index, plan); !set) return set;
    if (choice.file == FileKeeper::resolvconf) {
        auto told = ResolvconfRecord::tell(facts.resolvconf, plan, connection, interface);
        if (!told) return tl::unexpected(told.error());
        record.emplace(std::move(*told));
    }
    if (choice.file == FileKeeper::us) {
        auto taken = ResolvConfKeeper::apply(plan, connection);
        if (!taken) return tl::unexpected(taken.error());
        file.emplace(std::move(*taken));
    }
    stands = true;
    return {};
}

void Dns::Parts::take_down() {
    stands = false;
    file_watch.reset();
    bus_watch.reset();
    telling.reset();
    written.reset();
    file.reset();
    record.reset();
    if (resolved) resolved->revert_link(index);
    resolved.reset();
}

void Dns::Parts::keep() {
    if (resolved) {
        telling.emplace(
            *loop, [this](bool again) { return tell_resolved(again); }, longest_silence);
        bus_watch.emplace(*loop, resolved->fd(), [this] { handle_bus(); });
        handle_bus(); // what came while we asked wakes nobody
    }
    if (!file) return;
    written.emplace(*loop, [this] { handle_file(); });
    file_watch.emplace(*loop, file->fd(), [this] {
        if (!file->handle_events()) return;
        touched = true;
        if (!postponed) wait_for_writer(0);
    });
}

void Dns::Parts::handle_bus() {
    constexpr int most_restarts_at_once = 3;
    for (int i = 0; i < most_restarts_at_once; ++i) {
        const Resolved::News news = resolved->handle_events();
        if (news == Resolved::News::none) return;
        if (news == Resolved::News::bus_gone) {
            log->warn("bus-gone", {{"effect", "systemd-resolved is not told again if it is restarted"}});
            bus_watch.reset();
            return;
        }
        telling->begin();
    }
}

bool Dns::Parts::tell_resolved(bool again) {
    const auto set = resolved->set_link(index, plan);
    stands = set.has_value();
    if (set)
        log->info("dns-told-again", {{"to", "systemd-resolved"}});
    else if (!again)
        log->error("dns-lost", {{"error", set.error().message}});
    return stands;
}

void Dns::Parts::wait_for_writer(int times) {
    touched = false;
    postponed = times;
    written->set_in(until_written);
}

void Dns::Parts::handle_file() {
    // One who has emptied it and not filled it yet would lose what he writes; one who never ends must not put it off for ever.
    const bool still = file->handle_events() || touched;
    if (still && postponed.value_or(0) < most_postponed) return wait_for_writer(postponed.value_or(0) + 1);
    postponed.reset();
    written->set_in(breath); // first: where memory does not suffice, it is looked at again
    const auto news = file->look(system::now().boot);
    written->clear();
    switch (news) {
    case ResolvConfKeeper::News::none: break;
    case ResolvConfKeeper::News::overruled: log->warn("resolv-conf-rewritten", {{"effect", "ours stands again"}}); break;
    case ResolvConfKeeper::News::gave_up:
        stands = false;
        file_watch.reset();
        log->error("resolv-conf-rewritten",
                   {{"effect", "somebody does so again and again: dns of the connection is not in force"}});
        break;
    }
}

Dns::Dns(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Dns::Dns(Dns&&) noexcept = default;
Dns& Dns::operator=(Dns&&) noexcept = default;
Dns::~Dns() = default;

Result<Dns> Dns::apply(const DnsPlan& plan, const std::string& connection, const std::string& interface, std::uint32_t index) {
    auto parts = std::make_unique<Parts>(plan, connection, interface, index);
    if (plan.empty()) return Dns(std::move(parts));
    if (auto done = parts->put_up(); !done)
        return failed("the name servers of the connection can't be set: " + done.error().message +
                      ". Mend that, or leave dns out of the file");
    return Dns(std::move(parts));
}

void Dns::keep(boost::asio::io_context& loop, const system::Logger& log) {
    parts_->loop = &loop;
    parts_->log = log;
    parts_->keep();
}

void Dns::step_aside() { parts_->take_down(); }

Result<void> Dns::step_back() {
    if (parts_->plan.empty() || parts_->stands) return {};
    parts_->take_down();
    if (auto done = parts_->put_up(); !done) return done;
    try {
        parts_->keep();
    } catch (...) { // what nobody keeps does not stand
        parts_->take_down();
        throw;
    }
    return {};
}

const DnsPlan& Dns::plan() const { return parts_->plan; }
std::string Dns::back_end() const { return name_of(parts_->choice); }
bool Dns::stands() const { return parts_->stands; }

} // namespace vpn::client
