// Private to session_api.cpp and session_input.cpp: a session that lives, and a connection that
// writes its input. The agent's loop.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/shell/session_api.hpp"

namespace bourse::agent {

struct SessionApi::Live {
  SessionKey key;
  std::unique_ptr<SessionLink> link;
  SessionOutput output;
  std::string program;
  bool tied = false;
  runtime::HttpResponder launch;  // until it has started, or failed to
  CallForm launch_form;
  std::vector<Waiter> waiters;
  std::weak_ptr<Input> input;
  runtime::Timer backed_up;  // a reader does not keep up: looks again
};

struct SessionApi::Input {
  Input(runtime::HttpResponder responder_arg, CallForm form_arg);

  runtime::HttpResponder responder;
  CallForm form;
  runtime::HttpBody body;
  codec::RecordDecoder decoder;
  bool judged = false;            // its first record fits its headers
  std::optional<SessionKey> key;  // once it is attached
  bool over = false;
};

}  // namespace bourse::agent
