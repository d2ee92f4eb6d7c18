#include "server/app/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <memory>

namespace larder::app {
namespace {

constexpr const char* kPattern = "%Y-%m-%d %H:%M:%S.%e [%P] %^%l%$ %v";

// Its list of sinks can be exchanged while other threads log.
std::shared_ptr<spdlog::sinks::dist_sink_mt> exchangeable;

spdlog::sink_ptr make_sink(const std::string& path) {
  spdlog::sink_ptr sink;
  if (path.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    // The sink would make missing folders: a mistyped path would pass for a good one.
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (!folder.empty() && !std::filesystem::is_directory(folder)) {
      throw spdlog::spdlog_ex(path + ": there is no folder " + folder.string());
    }
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
  }
  sink->set_pattern(kPattern);
  return sink;
}

}  // namespace

std::string open_log(const core::Config& config) {
  try {
    exchangeable = std::make_shared<spdlog::sinks::dist_sink_mt>();
    exchangeable->set_sinks({make_sink(config.values.logfile.get())});
  } catch (const spdlog::spdlog_ex& error) {
    return std::string("logfile: ") + error.what();
  }
  auto logger = std::make_shared<spdlog::logger>("larder", exchangeable);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  apply_log_level(config);
  return "";
}

void reopen_log(const core::Config& config) {
  const std::string path = config.values.logfile.get();
  if (path.empty()) return;
  try {
    exchangeable->set_sinks({make_sink(path)});
    spdlog::info("Log file reopened");
  } catch (const spdlog::spdlog_ex& error) {
    spdlog::error("Log file not reopened: {}", error.what());
  }
}

void apply_log_level(const core::Config& config) {
  // In the order of the option's choices: debug, verbose, notice, warning, nothing.
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::trace, spdlog::level::debug,
                                                   spdlog::level::info, spdlog::level::warn,
                                                   spdlog::level::off};
  spdlog::default_logger()->set_level(kLevels[config.values.loglevel.load()]);
}

}  // namespace larder::app
