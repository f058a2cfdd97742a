// ATTACH_CONTAINER_INPUT: a request whose body is records, for as long as somebody types.
#include "agent/shell/session_api.hpp"
#include "agent/shell/session_call.hpp"
#include "agent/shell/session_live.hpp"
#include "api/negotiation.hpp"
#include "model/session_limits.hpp"

namespace bourse::agent {

using mesos::v1::agent::Call;
using runtime::HttpResponse;

SessionApi::Input::Input(runtime::HttpResponder responder_arg, CallForm form_arg)
    : responder(std::move(responder_arg)),
      form(std::move(form_arg)),
      body(responder.body()),
      decoder(limits::kMaxSessionRecordBytes) {}

void SessionApi::stream_in(const CallForm& form, const runtime::HttpResponder& responder) {
  const auto input = std::make_shared<Input>(responder, form);
  runtime::HttpBodyHandlers handlers;
  handlers.on_piece = [this, input](std::string_view piece) {
    if (input->over) return;
    const Status taken = take_records(input, piece);
    if (taken.ok() || input->over) return;
    input->responder.respond(api::refusal(taken.error()));
    end_input_stream(input);
  };
  handlers.on_end = [this, input](bool whole) {
    if (input->over) return;
    const bool torn = !input->judged || (whole && !input->decoder.at_boundary());
    if (torn) input->responder.respond(HttpResponse::text(400, "body: has no whole record"));
    end_input_stream(input);
  };
  input->body.receive(std::move(handlers));
}

// It is answered 200 unless it was answered already; the session goes on without it.
void SessionApi::end_input_stream(const std::shared_ptr<Input>& input) {
  if (std::exchange(input->over, true)) return;
  if (input->key) sessions_.detach_input(*input->key);
  input->responder.respond(HttpResponse());
}

Status SessionApi::take_records(const std::shared_ptr<Input>& input, std::string_view piece) {
  std::vector<std::string> records;
  Status fed = input->decoder.feed(piece, records);
  for (const std::string& record : records) {
    if (Status taken = take_record(input, record); !taken.ok() || input->over) return taken;
  }
  if (input->key) regulate(*input->key);
  return fed;
}

Status SessionApi::take_record(const std::shared_ptr<Input>& input, const std::string& record) {
  Call call;
  if (Status parsed = parse_call(input->form, record, call); !parsed.ok()) return parsed;
  if (!input->judged) {
    if (auto refusal = refused_form(input->form, call)) {
      input->over = true;
      input->responder.respond(std::move(*refusal));
      return {};
    }
    input->judged = true;
    if (!allowed_) return not_allowed();
  }
  auto read = read_session_input(call);
  if (!read.ok()) return read.error();
  if (!input->key) {
    if (!read->attach) {
      return invalid("attach_container_input.type: the first record is no CONTAINER_ID");
    }
    if (Status may = sessions_.attach_input(*read->attach); !may.ok()) return may;
    input->key = read->attach;
    find(*input->key)->input = input;
    return {};
  }
  if (read->attach) {
    return invalid("attach_container_input.type: CONTAINER_ID comes once, as the first record");
  }
  if (read->bytes) return write_input(*input, std::move(*read->bytes));
  if (!read->window) return {};
  const auto [rows, columns] = *read->window;
  if (Status may = sessions_.resize(*input->key, rows, columns); !may.ok()) return may;
  find(*input->key)->link->resize(rows, columns);
  return {};
}

Status SessionApi::write_input(Input& input, std::string bytes) {
  Live* live = find(*input.key);
  if (live == nullptr) return {};
  const Session* session = sessions_.find(*input.key);
  if (session->input_ended) {
    return bytes.empty() ? Status() : invalid("process_io.data: comes after the end of the input");
  }
  if (!bytes.empty()) {
    live->link->input(bytes);
    return {};
  }
  if (Status may = sessions_.end_input(*input.key); !may.ok()) return may;
  live->link->end_input();
  return {};
}

// A program that does not read has its writer wait.
void SessionApi::regulate(const SessionKey& key) {
  Live* live = find(key);
  if (live == nullptr) return;
  if (const auto input = live->input.lock(); input && !input->over) {
    input->body.set_reading(live->link->waiting_bytes() < limits::kSessionInputBytes);
  }
}

}  // namespace bourse::agent
