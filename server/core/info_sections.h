// What the sections of INFO are written with; only for server/core/info*.cc.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "server/core/server.h"

namespace larder::core {

// What a section is told, and where it writes its lines.
class InfoSection {
 public:
  InfoSection(Server& about, int64_t time_ms, const storage::LockedKeys* locked, std::string& text)
      : server(about), now_ms(time_ms), held_(locked), text_(text) {}

  Server& server;
  const int64_t now_ms;

  // Looked at once: the pass over all shards costs some 50 microseconds.
  const std::vector<storage::DatabaseSize>& databases() {
    if (databases_.empty()) databases_ = server.store.sizes(held_);
    return databases_;
  }

  template <typename T>
  void field(std::string_view name, const T& value) {
    fmt::format_to(std::back_inserter(text_), "{}:{}\r\n", name, value);
  }
  // With two digits behind the point.
  void ratio(std::string_view name, double value) {
    fmt::format_to(std::back_inserter(text_), "{}:{:.2f}\r\n", name, value);
  }
  // And again as name_human: "1.50M".
  void bytes(std::string_view name, uint64_t value);
  // What Larder has none of by design, and tools read.
  void zeros(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) field(name, 0);
  }
  void line(std::string_view whole) {
    text_ += whole;
    text_ += "\r\n";
  }

 private:
  const storage::LockedKeys* held_;
  std::string& text_;
  std::vector<storage::DatabaseSize> databases_;
};

void info_memory(InfoSection& out);
void info_command_statistics(InfoSection& out);
void info_error_statistics(InfoSection& out);
void info_latency_statistics(InfoSection& out);

}  // namespace larder::core
