#include "server/core/script_errors.h"

namespace larder::core::errors {
namespace {

// As C's %s prints it: a NUL ends the text.
std::string until_nul(std::string_view text) {
  return std::string(text.substr(0, text.find('\0')));
}

}  // namespace

std::string script_failed(std::string_view name, std::string_view why) {
  constexpr size_t kWhyMax = 100;
  return "ERR Error running script " + std::string(name) + ", " + until_nul(why.substr(0, kWhyMax));
}

std::string script_place(std::string_view name, std::string_view source, std::string_view line) {
  return " script: " + std::string(name) + ", on " + std::string(source) + ":" + std::string(line) +
         ".";
}

std::string script_does_not_compile(std::string_view why) {
  return "ERR Error compiling script (new function): " + until_nul(why);
}

std::string library_does_not_compile(std::string_view why) {
  return "ERR Error compiling function: " + until_nul(why);
}

std::string library_does_not_load(std::string_view why) {
  return "ERR Error registering functions: " + std::string(why);
}

std::string script_flag_unknown(std::string_view flag) {
  return "ERR Unexpected flag in script shebang: " + std::string(flag);
}

std::string script_engine_unknown(std::string_view engine) {
  return "ERR Unexpected engine in script shebang: " + std::string(engine);
}

std::string script_option_unknown(std::string_view option) {
  return "ERR Unknown lua shebang option: " + std::string(option);
}

std::string library_option_invalid(std::string_view option) {
  return "ERR Invalid metadata value given: " + std::string(option);
}

std::string library_engine_unknown(std::string_view engine) {
  return "ERR Engine '" + std::string(engine) + "' not found";
}

std::string library_exists(std::string_view name) {
  return "ERR Library '" + std::string(name) + "' already exists";
}

std::string library_exists_on_restore(std::string_view name) {
  return "ERR Library " + std::string(name) + " already exists";
}

std::string unknown_option_given(std::string_view option) {
  return "ERR Unknown option given: " + until_nul(option);
}

std::string list_argument_unknown(std::string_view argument) {
  return "ERR Unknown argument " + until_nul(argument);
}

std::string function_exists(std::string_view name) {
  return "ERR Function " + std::string(name) + " already exists";
}

}  // namespace larder::core::errors
