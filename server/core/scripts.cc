#include "server/core/scripts.h"

#include <algorithm>

#include "server/core/script_errors.h"

namespace larder::core {
namespace {

// What a text, library or function takes beside its bytes: the entry, its SHA or name twice.
constexpr size_t kTextOverhead = 256;

size_t bytes_of(const ScriptText& text) {
  return text.text.size() + kTextOverhead;
}

size_t bytes_of(const ScriptLibrary& library) {
  size_t bytes = library.code.size() + kTextOverhead;
  for (const LibraryFunction& function : library.functions) bytes += bytes_of(function);
  return bytes;
}

size_t bytes_of(const ScriptLibraries& libraries) {
  size_t bytes = 0;
  for (const auto& [name, library] : libraries.by_name) bytes += bytes_of(*library);
  return bytes;
}

void insert(ScriptLibraries& libraries, const std::shared_ptr<const ScriptLibrary>& library) {
  libraries.by_name[library->name] = library;
  for (const LibraryFunction& function : library->functions) {
    libraries.by_function[function.name] = {library, &function};
  }
}

void remove(ScriptLibraries& libraries, std::string_view name) {
  const auto found = libraries.by_name.find(name);
  if (found == libraries.by_name.end()) return;
  for (const LibraryFunction& function : found->second->functions) {
    libraries.by_function.erase(function.name);
  }
  libraries.by_name.erase(found);
}

}  // namespace

size_t bytes_of(const LibraryFunction& function) {
  return function.name.size() + function.description.size() + kTextOverhead;
}

std::shared_ptr<ScriptText> make_script_text(std::string sha, std::string_view text) {
  auto made = std::make_shared<ScriptText>();
  made->sha = std::move(sha);
  made->text = text;
  made->head = read_script_head(text);
  return made;
}

// ------------------------------------------------------------------------------------------ texts

std::shared_ptr<ScriptText> Scripts::find(std::string_view sha) {
  const std::lock_guard lock(mutex_);
  const auto found = texts_.find(std::string(sha));
  return found != texts_.end() ? found->second : nullptr;
}

std::shared_ptr<ScriptText> Scripts::add(std::shared_ptr<ScriptText> text, bool loaded) {
  const std::lock_guard lock(mutex_);
  const auto found = texts_.find(text->sha);
  if (found != texts_.end()) {
    ScriptText& known = *found->second;
    if (loaded && !known.loaded.exchange(true)) evaluated_--;
    return found->second;
  }
  if (text_bytes_ + bytes_of(*text) > kTextBytesMax) return nullptr;
  if (!loaded) make_room();
  text->loaded.store(loaded);
  evaluated_ += loaded ? 0 : 1;
  text_bytes_ += bytes_of(*text);
  note_use(*text);
  texts_.emplace(text->sha, text);
  return text;
}

// Under the mutex.
void Scripts::make_room() {
  while (evaluated_ >= kEvaluatedMax) {
    const ScriptText* oldest = nullptr;
    for (const auto& [sha, text] : texts_) {
      if (text->loaded.load()) continue;
      if (oldest == nullptr || text->last_use.load() < oldest->last_use.load()) oldest = text.get();
    }
    drop(std::string(oldest->sha));
    evicted_++;
  }
}

// Under the mutex.
void Scripts::drop(const std::string& sha) {
  const auto found = texts_.find(sha);
  found->second->dropped.store(true);
  text_bytes_ -= bytes_of(*found->second);
  if (!found->second->loaded.load()) evaluated_--;
  texts_.erase(found);
}

void Scripts::flush() {
  const std::lock_guard lock(mutex_);
  for (const auto& [sha, text] : texts_) text->dropped.store(true);
  texts_.clear();
  text_bytes_ = 0;
  evaluated_ = 0;
}

// -------------------------------------------------------------------------------------- libraries

std::shared_ptr<const ScriptLibraries> Scripts::libraries() const {
  const std::lock_guard lock(mutex_);
  return libraries_;
}

// Under the mutex.
void Scripts::publish(std::shared_ptr<ScriptLibraries> changed) {
  libraries_ = std::move(changed);
  libraries_version_.fetch_add(1, std::memory_order_release);
}

std::string Scripts::clashes(const ScriptLibraries& with, const ScriptLibrary& library) {
  for (const LibraryFunction& function : library.functions) {
    if (with.by_function.contains(function.name)) return errors::function_exists(function.name);
  }
  return "";
}

std::string Scripts::add_library(std::shared_ptr<const ScriptLibrary> library, bool replace) {
  const std::lock_guard lock(mutex_);
  auto changed = std::make_shared<ScriptLibraries>(*libraries_);
  if (changed->by_name.contains(library->name)) {
    if (!replace) return errors::library_exists(library->name);
    remove(*changed, library->name);
  }
  if (std::string clash = clashes(*changed, *library); !clash.empty()) return clash;
  insert(*changed, library);
  if (bytes_of(*changed) > kTextBytesMax) return std::string(errors::kScriptsTooLarge);
  publish(std::move(changed));
  return "";
}

std::string Scripts::delete_library(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (!libraries_->by_name.contains(name)) return std::string(errors::kLibraryNotFound);
  auto changed = std::make_shared<ScriptLibraries>(*libraries_);
  remove(*changed, name);
  publish(std::move(changed));
  return "";
}

void Scripts::flush_libraries() {
  const std::lock_guard lock(mutex_);
  publish(std::make_shared<ScriptLibraries>());
}

std::string Scripts::restore_libraries(std::vector<std::shared_ptr<const ScriptLibrary>> added,
                                       Restore policy) {
  const std::lock_guard lock(mutex_);
  auto changed = policy == Restore::kFlush ? std::make_shared<ScriptLibraries>()
                                           : std::make_shared<ScriptLibraries>(*libraries_);
  for (const auto& library : added) {
    if (changed->by_name.contains(library->name)) {
      if (policy != Restore::kReplace) return errors::library_exists_on_restore(library->name);
      remove(*changed, library->name);
    }
  }
  for (const auto& library : added) {
    if (changed->by_name.contains(library->name)) return errors::library_exists(library->name);
    if (std::string clash = clashes(*changed, *library); !clash.empty()) return clash;
    insert(*changed, library);
  }
  if (bytes_of(*changed) > kTextBytesMax) return std::string(errors::kScriptsTooLarge);
  publish(std::move(changed));
  return "";
}

// ---------------------------------------------------------------------------------------- running

void Scripts::begin_busy(RunningScript& script) {
  const std::lock_guard lock(mutex_);
  running_.push_back(&script);
  busy_.fetch_add(1);
}

void Scripts::end_busy(RunningScript& script) {
  const std::lock_guard lock(mutex_);
  std::erase(running_, &script);
  busy_.fetch_sub(1);
}

std::string_view Scripts::busy_error() const {
  const std::lock_guard lock(mutex_);
  const bool function = !running_.empty() && running_.front()->is_function;
  return function ? errors::kBusyFunction : errors::kBusyScript;
}

std::string_view Scripts::kill(bool function) {
  const std::lock_guard lock(mutex_);
  if (running_.empty()) return errors::kNoScriptRuns;
  std::string_view error = function ? errors::kBusyScript : errors::kBusyFunction;
  bool killed = false;
  for (RunningScript* script : running_) {
    if (script->is_function != function) continue;
    int expected = RunningScript::kHarmless;
    if (script->state.compare_exchange_strong(expected, RunningScript::kKilled)) {
      killed = true;
    } else if (expected == RunningScript::kHasWritten) {
      error = errors::kUnkillable;
    } else {
      killed = true;
    }
  }
  return killed ? std::string_view() : error;
}

Scripts::Running Scripts::running() const {
  const std::lock_guard lock(mutex_);
  if (running_.empty()) return {};
  const RunningScript& script = *running_.front();
  return {script.name, script.command, script.started_ms};
}

void Scripts::stop_all() {
  const std::lock_guard lock(mutex_);
  for (RunningScript* script : running_) script->stopping.store(true);
}

// ------------------------------------------------------------------------------------------- INFO

Scripts::Sizes Scripts::sizes() const {
  const std::lock_guard lock(mutex_);
  Sizes sizes;
  sizes.scripts = texts_.size();
  sizes.script_bytes = text_bytes_;
  sizes.libraries = libraries_->by_name.size();
  sizes.functions = libraries_->by_function.size();
  sizes.library_bytes = bytes_of(*libraries_);
  sizes.evicted = evicted_;
  return sizes;
}

}  // namespace larder::core
