#include "vpn-client/cli.hpp"

#include "vpn-client/duration_text.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

namespace vpn::client {
namespace {

using system::ExitCode;

constexpr auto version_text = "vpn-client " VPN_VERSION;
constexpr auto see_help = "Run `vpn-client --help` to see how it is called.\n";
constexpr std::string_view name_of_interface_link = "vpn-interface";
constexpr auto target_help = "a file (with a / in it, or ending in .json or .conf), or the NAME of /etc/vpn/NAME.json";

std::string mistake_text(const CLI::App*, const CLI::Error& mistake) {
    return std::string("vpn-client: ") + mistake.what() + '\n' + see_help;
}

/// Help and versions go to stdout, and have failed if nobody could read them.
ExitCode exit_code_after(const CLI::App& app, const CLI::ParseError& end) {
    if (app.exit(end) != 0) return ExitCode::usage;
    return std::cout.flush() ? ExitCode::ok : ExitCode::failure;
}

Duration to_duration(const std::string& option, const std::string& text) {
    const auto duration = parse_duration(text);
    if (!duration) throw CLI::ValidationError(option, duration.error().message);
    return *duration;
}

void add_target(CLI::App& sub, std::string& target) {
    sub.add_option("FILE|NAME", target, target_help)->required()->option_text(" ");
}

/// One of each, filled in by the parser; the one that was named is taken.
class Parser {
  public:
    Parser() : app_("Connects this machine to a VPN server.", "vpn-client") {
        app_.set_version_flag("--version", version_text);
        app_.require_subcommand(0, 1); // with 1, an unknown command would be reported as none
        app_.failure_message(mistake_text);
        app_.footer(
            "Ends with 0; or 1 if it failed, 2 if it was called wrongly, 3 if the connection is not running, 4 if there is\n"
            "no working tunnel, 5 if it is not allowed, 6 if the configuration is wrong. See vpn-client(1).\n");
        app_.add_option_function<std::string>(
                "--log-level", [this](const std::string& text) { set_log_level(text); }, "error, warn, info (default) or debug")
            ->type_name("LEVEL");
        app_.fallthrough();
        add_connect();
        add_disconnect();
        add_status();
        add_check();
        add_pause();
        add_lock();
        add_recover();
        add_doctor();
        add_import();
        add_export();
        add_interface();
        add_card();
        add_run();
    }

    tl::expected<CommandLine, ExitCode> parse(int argc, const char* const* argv) {
        argc = take_program(argc, argv);
        try {
            app_.parse(argc, argv);
        } catch (const CLI::ParseError& end) {
            return tl::unexpected(exit_code_after(app_, end));
        }
        if (named_) return std::move(line_);
        std::cerr
            << "vpn-client: say what to do: connect, disconnect, status, check, pause, lock, recover, doctor, import, export, "
               "card, run or interface\n"
            << see_help;
        return tl::unexpected(ExitCode::usage);
    }

  private:
    /// What stands behind the `--` of `run` is another program's: none of it is looked at. How many words are left for us.
    int take_program(int argc, const char* const* argv) {
        const char* const* const end = argv + argc;
        const char* const* const dashes = std::find(argv, end, std::string_view("--"));
        if (dashes == end || std::find(argv, dashes, std::string_view("run")) == dashes) return argc;
        run_.program.assign(dashes + 1, end);
        return static_cast<int>(dashes - argv);
    }

    template <class Command> CLI::App* add(const std::string& name, const std::string& help, Command& command) {
        CLI::App* const sub = app_.add_subcommand(name, help);
        sub->set_version_flag("--version", version_text);
        sub->fallthrough();
        sub->callback([this, &command] {
            line_.command = command;
            named_ = true;
        });
        return sub;
    }

    void add_connect() {
        CLI::App* const sub = add("connect", "Connect, and go on in the background once the tunnel works.", connect_);
        add_target(*sub, connect_.target);
        sub->add_flag("--foreground", connect_.foreground, "Stay, and log to stderr: for service managers and containers.");
        sub->add_flag("--run-hooks", connect_.run_hooks,
                      "Run PreUp, PostUp, PreDown and PostDown of a wg-quick file that is root's.");
        sub->add_option_function<std::string>(
               "--timeout", [this](const std::string& text) { connect_.timeout = to_duration("--timeout", text); },
               "How long to wait for a working tunnel, such as 15s (the default), 500ms or 2m; 0 waits for ever.")
            ->type_name("TIME");
    }
    void add_disconnect() {
        CLI::App* const sub = add("disconnect", "End a connection and put everything back.", disconnect_);
        sub->add_option("NAME", disconnect_.name, "Which; not needed if there is only one.")->option_text(" ");
    }
    void add_status() {
        CLI::App* const sub = add("status", "Tell how connections are doing; all of them without a name.", status_);
        sub->add_option("NAME", status_.name, "Which.")->option_text(" ");
        sub->add_flag("--json", status_.json, "For programs; see vpn-client(1) for what it says.");
        sub->add_flag("--watch", status_.watch, "Again every second, until interrupted.");
    }
    void add_check() {
        CLI::App* const sub = add("check", "Tell whether connect would take a file; change nothing.", check_);
        add_target(*sub, check_.target);
    }

    void add_pause() {
        CLI::App* const sub = add("pause", "Go past the tunnel and its lock for a while, to log in to a captive portal.", pause_);
        sub->add_option_function<std::string>(
               "TIME", [this](const std::string& text) { pause_.time = to_duration("TIME", text); },
               "How long, such as 5m; 0 ends a pause now.")
            ->required()
            ->option_text(" ");
        sub->add_option("NAME", pause_.name, "Which; not needed if there is only one.")->option_text(" ");
    }
    void add_lock() {
        CLI::App* const sub = add("lock", "Shut a connection's lock without connecting: nothing leaves before connect.", lock_);
        add_target(*sub, lock_.target);
    }
    void add_recover() { add("recover", "Take back what a crash has left; locks stay shut.", recover_); }
    void add_import() {
        CLI::App* const sub = add("import", "Check a file and put it where its name finds it; wg-quick's becomes JSON.", import_);
        sub->add_option("FILE", import_.file, "A connection's file, .json or wg-quick's .conf.")->required()->option_text(" ");
        sub->add_option("--output", import_.output, "Where to put it instead of /etc/vpn/NAME.json.")->type_name("FILE");
    }
    void add_export() {
        CLI::App* const sub = add("export", "Print a connection for other WireGuard programs, its keys included.", export_);
        add_target(*sub, export_.target);
        sub->add_option("--format", export_.format, "wg, which wg-quick and every WireGuard app read.")
            ->required()
            ->check(CLI::IsMember({"wg"}))
            ->type_name("FORMAT");
        sub->add_option("--output", export_.output, "Write a new file, for its owner alone, instead of printing.")
            ->type_name("FILE");
    }
    void add_interface() {
        CLI::App* const sub =
            add("interface", "Make an interface for wg(8), wg-quick(8) and other programs to set up.", interface_);
        sub->add_option("NAME", interface_.name, "What it is called.")->required()->option_text(" ");
        sub->add_flag("-f,--foreground", interface_.foreground, "Stay, and log to stderr.");
    }

    void add_doctor() {
        CLI::App* const sub =
            add("doctor", "Look for what is wrong, here and on the way to the server, and say what to do.", doctor_);
        sub->add_option("FILE|NAME", doctor_.target, target_help)->option_text(" ");
        sub->add_flag("--json", doctor_.json, "For programs; see vpn-client(1) for what it says.");
    }

    void add_card() {
        CLI::App* const sub = add("card", "Make a key that stays here, and print the card that the server is given.", card_);
        sub->add_option("NAME", card_.name, "The connection's name; its key waits in /etc/vpn/NAME.json.")
            ->required()
            ->option_text(" ");
    }

    void add_run() {
        CLI::App* const sub =
            add("run", "Run one program whose only way out is the tunnel: run NAME -- COMMAND ARGUMENT...", run_);
        add_target(*sub, run_.target);
        sub->add_option("--user", run_.user, "Who it runs as; else whoever called sudo.")->type_name("USER");
        sub->add_option_function<std::string>(
               "--timeout", [this](const std::string& text) { run_.timeout = to_duration("--timeout", text); },
               "How long to wait for a working tunnel, as for connect.")
            ->type_name("TIME");
        sub->callback([this] {
            if (run_.program.empty())
                throw CLI::ValidationError("run", "say what to run behind --: vpn-client run NAME -- COMMAND");
            line_.command = run_;
            named_ = true;
        });
    }

    void set_log_level(const std::string& text) {
        const auto level = system::parse_log_level(text);
        if (!level) throw CLI::ValidationError("--log-level", "a level is error, warn, info or debug");
        line_.log_level = *level;
    }

    CLI::App app_;
    ConnectCommand connect_;
    DisconnectCommand disconnect_;
    StatusCommand status_;
    CheckCommand check_;
    PauseCommand pause_;
    LockCommand lock_;
    RecoverCommand recover_;
    DoctorCommand doctor_;
    ImportCommand import_;
    ExportCommand export_;
    InterfaceCommand interface_;
    CardCommand card_;
    RunCommand run_;
    CommandLine line_;
    bool named_ = false;
};

} // namespace

tl::expected<CommandLine, ExitCode> parse_command_line(int argc, const char* const* argv) {
    std::vector<const char*> words(argv, argv + argc);
    if (argc > 0 && std::filesystem::path(argv[0]).filename() == name_of_interface_link)
        words.insert(words.begin() + 1, "interface");
    return Parser().parse(static_cast<int>(words.size()), words.data());
}

} // namespace vpn::client
