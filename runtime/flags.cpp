#include "runtime/flags.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <set>

#include "base/assert.hpp"
#include "runtime/units.hpp"

namespace bourse::runtime {

struct Flags::Impl {
  Impl(const std::string& description, std::string program_arg)
      : app(description, program_arg), program(std::move(program_arg)) {}

  // Both spellings, and the environment's.
  static std::string spelled(const std::string& name) {
    std::string underscored = name;
    std::replace(underscored.begin(), underscored.end(), '-', '_');
    return underscored == name ? "--" + name : "--" + name + ",--" + underscored;
  }
  static std::string environment_name(const std::string& name) {
    std::string out = "BOURSE_";
    for (const char c : name) {
      const bool lower = c >= 'a' && c <= 'z';
      out.push_back(c == '-' || c == '.' ? '_' : static_cast<char>(lower ? c - 'a' + 'A' : c));
    }
    return out;
  }

  template <typename T>
  CLI::Option* plain(const std::string& name, T& target, const std::string& help) {
    CLI::Option* const option = app.add_option(spelled(name), target, help);
    option->capture_default_str();
    return finish(name, option);
  }

  // For values with a parser of ours: its sentence becomes the error.
  CLI::Option* parsed(const std::string& name, const std::string& help, const std::string& initial,
                      std::function<Status(const std::string&)> assign) {
    const CLI::callback_t callback = [this, name,
                                      assign = std::move(assign)](const CLI::results_t& values) {
      const Status status = assign(values.back());
      if (!status.ok()) parse_error = "--" + name + ": " + status.error().message;
      return status.ok();
    };
    CLI::Option* const option = app.add_option(spelled(name), callback, help);
    option->default_str(initial);
    return finish(name, option);
  }

  void name_in_environment(const std::string& name, CLI::Option* option) const {
    if (!from_environment || from_environment->contains(name)) {
      option->envname(environment_name(name));
    }
  }

  CLI::Option* finish(const std::string& name, CLI::Option* option) {
    name_in_environment(name, option);
    if (option->get_items_expected_max() == 1) {
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
    options.emplace_back(name, option);
    return option;
  }

  CLI::App app;
  std::string program;
  std::string output;
  std::string parse_error;
  std::optional<std::set<std::string>> from_environment;  // unset: all
  std::vector<std::pair<std::string, CLI::Option*>> options;
};

Flags::Flags(std::string program, std::string description, std::string version)
    : impl_(std::make_unique<Impl>(description, std::move(program))) {
  if (!version.empty()) impl_->app.set_version_flag("--version", version);
}
Flags::~Flags() = default;

void Flags::read_environment_only_for(std::vector<std::string> names) {
  ASSERT(impl_->options.empty());
  impl_->from_environment.emplace(names.begin(), names.end());
}

void Flags::add(const std::string& name, std::string& target, const std::string& help) {
  impl_->plain(name, target, help);
}
void Flags::add(const std::string& name, std::int64_t& target, const std::string& help) {
  impl_->plain(name, target, help);
}
void Flags::add(const std::string& name, std::uint64_t& target, const std::string& help) {
  impl_->plain(name, target, help);
}
void Flags::add(const std::string& name, std::uint32_t& target, const std::string& help) {
  impl_->plain(name, target, help);
}
void Flags::add(const std::string& name, std::uint16_t& target, const std::string& help) {
  impl_->plain(name, target, help);
}
void Flags::add(const std::string& name, int& target, const std::string& help) {
  impl_->plain(name, target, help);
}
void Flags::add(const std::string& name, double& target, const std::string& help) {
  impl_->plain(name, target, help);
}

void Flags::add(const std::string& name, bool& target, const std::string& help) {
  std::string spelled = Impl::spelled(name);
  spelled += ",!--no-" + name;
  CLI::Option* const option = impl_->app.add_flag(spelled, target, help);
  impl_->name_in_environment(name, option);
  impl_->options.emplace_back(name, option);
}

void Flags::add(const std::string& name, Duration& target, const std::string& help) {
  impl_->parsed(name, help, duration_text(target), [&target](const std::string& text) -> Status {
    const auto value = parse_duration(text);
    if (!value.ok()) return value.error();
    target = value.value();
    return {};
  });
}

void Flags::add(const std::string& name, ByteSize& target, const std::string& help) {
  impl_->parsed(name, help, std::to_string(target.bytes) + "B",
                [&target](const std::string& text) -> Status {
                  const auto value = parse_bytes(text);
                  if (!value.ok()) return value.error();
                  target.bytes = value.value();
                  return {};
                });
}

void Flags::add(const std::string& name, std::vector<std::string>& target,
                const std::string& help) {
  CLI::Option* const option = impl_->app.add_option(Impl::spelled(name), target, help);
  option->allow_extra_args(false);  // one value per use, or what follows would be swallowed
  impl_->name_in_environment(name, option);
  impl_->options.emplace_back(name, option);
}

void Flags::require(const std::string& name) {
  for (auto& [key, option] : impl_->options) {
    if (key == name) option->required();
  }
}

void Flags::positional(const std::string& name, std::vector<std::string>& target,
                       const std::string& help) {
  impl_->app.add_option(name, target, help);
}

Result<bool> Flags::parse(int argc, const char* const* argv) {
  try {
    impl_->app.parse(argc, argv);
    return true;
  } catch (const CLI::CallForHelp&) {
    impl_->output = impl_->app.help();
    return false;
  } catch (const CLI::CallForVersion& version) {
    impl_->output = std::string(version.what()) + "\n";
    return false;
  } catch (const CLI::ExtrasError&) {
    const std::vector<std::string> extras = impl_->app.remaining();
    const std::string first = extras.empty() ? "" : extras.front();
    return invalid((first.starts_with("-") ? "there is no flag '" : "unexpected argument '") +
                   first + "'; " + impl_->program + " --help lists the flags");
  } catch (const CLI::ParseError& error) {
    if (!impl_->parse_error.empty()) return invalid(impl_->parse_error);
    return invalid(std::string(error.what()) + "; " + impl_->program + " --help lists the flags");
  } catch (const std::exception& error) {
    return invalid(error.what());
  }
}

Result<bool> Flags::parse_or_print(int argc, const char* const* argv) {
  auto parsed = parse(argc, argv);
  if (parsed.ok() && !parsed.value()) std::fputs(output().c_str(), stdout);
  return parsed;
}

const std::string& Flags::output() const {
  return impl_->output;
}

// "zk://user:password@host/path" is for people "zk://***@host/path".
static std::string without_credentials(std::string value) {
  const std::size_t begin = value.find("://");
  if (begin == std::string::npos) return value;
  const std::size_t at = value.rfind('@');
  if (at == std::string::npos || at < begin) return value;
  return value.replace(begin + 3, at - begin - 3, "***");
}

std::vector<std::pair<std::string, std::string>> Flags::given() const {
  static constexpr std::array<std::string_view, 4> kSecret = {"secret", "token", "password", "key"};
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [name, option] : impl_->options) {
    if (option->count() == 0) continue;
    const bool hide = std::any_of(kSecret.begin(), kSecret.end(), [&name = name](auto word) {
      return name.find(word) != std::string::npos;
    });
    std::string value;
    for (const std::string& one : option->results()) value += (value.empty() ? "" : ",") + one;
    out.emplace_back(name, hide ? "***" : without_credentials(std::move(value)));
  }
  return out;
}

}  // namespace bourse::runtime
