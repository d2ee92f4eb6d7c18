// The part of ScriptRunner that loads libraries and finds functions.
#include "server/core/script_errors.h"
#include "server/core/script_run.h"
#include "server/core/script_runner_state.h"
#include "server/core/tick_clock.h"

namespace larder::core {

using script::Interpreter;

void ScriptRunner::refresh_libraries() {
  Machine& m = machine();
  const uint64_t version = server_.scripts.libraries_version();
  if (version == m.libraries_version) return;
  m.libraries_version = version;
  m.known_libraries = server_.scripts.libraries();
  for (auto at = m.libraries.begin(); at != m.libraries.end();) {
    const auto known = m.known_libraries->by_name.find(at->second.library->name);
    if (known != m.known_libraries->by_name.end() && known->second.get() == at->first) {
      ++at;
      continue;
    }
    for (const auto& [name, callback] : at->second.callbacks) m.interpreter.release(callback);
    at = m.libraries.erase(at);
  }
}

// Null if its code fails here, which it did not where it was loaded first.
ScriptRunner::LoadedLibrary* ScriptRunner::find_library(
    const std::shared_ptr<const ScriptLibrary>& library) {
  Machine& m = machine();
  const auto found = m.libraries.find(library.get());
  if (found != m.libraries.end()) return &found->second;
  LoadedLibrary loaded{library, {}};
  std::string error;
  ScriptLibrary found_here{library->name, library->code, {}};
  if (!run_library(found_here, loaded, error)) return nullptr;
  return &m.libraries.emplace(library.get(), std::move(loaded)).first->second;
}

bool ScriptRunner::run_library(ScriptLibrary& library, LoadedLibrary& loaded, std::string& error) {
  Interpreter& interpreter = machine().interpreter;
  const LibraryHead head = read_library_head(library.code);
  std::string why;
  const int code = compile_code(std::string_view(library.code).substr(head.size), true, why);
  if (!why.empty()) {
    error = errors::library_does_not_compile(why);
    return false;
  }
  script::Loading loading;
  interpreter.set_loading(&loading);
  machine().loading_since = TickClock::now();
  const auto push = [&](lua_State* lua) {
    lua_rawgeti(lua, LUA_REGISTRYINDEX, code);
    return 0;
  };
  const bool done = interpreter.run(Interpreter::World::kLoading, library.name, push, nullptr);
  interpreter.set_loading(nullptr);
  interpreter.release(code);
  if (!done) error = errors::library_does_not_load(interpreter.error());
  if (done && loading.functions.empty()) error = errors::kLibraryEmpty;
  for (script::Loading::Function& function : loading.functions) {
    loaded.callbacks[function.description.name] = function.callback;
    library.functions.push_back(std::move(function.description));
  }
  if (!error.empty()) {
    for (const auto& [name, callback] : loaded.callbacks) interpreter.release(callback);
  }
  clean_up();
  return error.empty();
}

std::shared_ptr<const ScriptLibrary> ScriptRunner::load_library(std::string_view code,
                                                                std::string& error) {
  auto library = std::make_shared<ScriptLibrary>();
  library->name = read_library_head(code).name;
  library->code = code;
  LoadedLibrary loaded{library, {}};
  if (!run_library(*library, loaded, error)) return nullptr;
  machine().libraries.emplace(library.get(), std::move(loaded));
  machine().libraries_version = 0;  // if it does not become known, it is forgotten
  return library;
}

void ScriptRunner::call_function(Call& call, std::string_view name, const Input& input) {
  refresh_libraries();
  const auto found = machine().known_libraries->by_function.find(name);
  if (found == machine().known_libraries->by_function.end()) {
    return call.fail(errors::kFunctionNotFound);
  }
  auto active = std::make_unique<Active>(call, input);
  active->name = name;
  active->library = found->second.library;
  active->flags = found->second.function->flags;
  active->running.is_function = true;
  if (!admit(call, *active, input)) return;
  const LoadedLibrary* loaded = find_library(active->library);
  if (loaded == nullptr) return call.fail(errors::kFunctionNotFound);
  const auto callback = loaded->callbacks.find(active->name);
  if (callback == loaded->callbacks.end()) return call.fail(errors::kFunctionNotFound);
  active->reference = callback->second;
  start(call, std::move(active));
}

}  // namespace larder::core
