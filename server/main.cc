// larder [configuration file] [--option value ...]
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "server/app/application.h"
#include "server/app/log.h"
#include "server/commands/families.h"
#include "server/core/command_docs.h"
#include "server/core/tick_clock.h"
#include "server/core/version.h"

namespace {

using larder::core::Config;

constexpr int kExitUsage = 1;

constexpr std::string_view kUsage =
    "Usage: larder [FILE] [--OPTION VALUE ...]\n"
    "       larder --help | --version | --dump-config | --dump-commands=markdown\n\n"
    "FILE is a configuration file as conf/larder.conf; options given behind it override it.\n\n"
    "Options (with their defaults):\n";

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

int complain(const std::string& what) {
  fmt::print(stderr, "larder: {}\nTry: larder --help\n", what);
  return kExitUsage;
}

// Prints what was asked for instead of a server. False if nothing of the kind was asked.
bool answered(const std::string& argument) {
  if (argument == "--help" || argument == "-h") {
    print(kUsage);
    print(Config::help());
  } else if (argument == "--version" || argument == "-v") {
    print(fmt::format("Larder {} (speaks Redis {})\n", larder::core::kLarderVersion,
                      larder::core::kRedisVersion));
  } else if (argument == "--dump-commands=markdown") {
    const std::vector<larder::core::Family> families = larder::commands::all_families();
    print(larder::core::commands_as_markdown(larder::core::CommandTable(families)));
  } else if (argument == "--dump-config") {
    print(Config::annotated_file());
  } else {
    return false;
  }
  return true;
}

std::string load(Config& config, std::vector<std::string> arguments) {
  if (!arguments.empty() && arguments[0].rfind("--", 0) != 0) {
    if (std::string wrong = config.load_file(arguments[0]); !wrong.empty()) return wrong;
    arguments.erase(arguments.begin());
  }
  return config.load_arguments(arguments);
}

int serve(Config& config) {
  const larder::storage::SystemClock clock;
  if (const std::string wrong = larder::app::open_log(config); !wrong.empty()) {
    return complain(wrong);
  }
  spdlog::info("Larder {} starting, process {}", larder::core::kLarderVersion, getpid());
  larder::core::TickClock::calibrate();
  larder::app::Application application(config, clock);
  if (const std::string wrong = application.prepare(); !wrong.empty()) {
    spdlog::error("{}", wrong);
    return kExitUsage;
  }
  application.run();
  return 0;
}

}  // namespace

int main(int count, char** values) {
  const std::vector<std::string> arguments(values + 1, values + count);
  if (arguments.size() == 1 && answered(arguments[0])) return 0;
  Config config;
  if (const std::string wrong = load(config, arguments); !wrong.empty()) return complain(wrong);
  try {
    return serve(config);
  } catch (const std::exception& error) {
    fmt::print(stderr, "larder: {}\n", error.what());
    return kExitUsage;
  }
}
