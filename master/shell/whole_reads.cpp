#include "master/shell/whole_reads.hpp"

namespace bourse::master {

namespace {

// A text, counted while somebody has it.
struct Counted {
  Counted(std::string made, std::shared_ptr<std::atomic<std::size_t>> sum)
      : text(std::move(made)), bytes(std::move(sum)) {
    *bytes += text.size();
  }
  ~Counted() { *bytes -= text.size(); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  const std::string text;
  const std::shared_ptr<std::atomic<std::size_t>> bytes;
};

}  // namespace

WholeReads::WholeReads(ViewService& view, std::size_t most_unsent)
    : view_(view),
      most_unsent_(most_unsent),
      unsent_bytes_(std::make_shared<std::atomic<std::size_t>>(0)),
      writer_([this] { writing_.run(); }),
      packer_([this] { packing_.run(); }) {}

WholeReads::~WholeReads() {
  writing_.stop();
  writer_.join();
  packing_.stop();
  packer_.join();
}

void WholeReads::read(Question question) {
  if (*unsent_bytes_ >= most_unsent_) {
    return question.answer(
        Error{ErrorCode::unavailable, "too much of this cluster's state is being read; try again"});
  }
  const auto asked = std::make_shared<Question>(std::move(question));
  view_.read(
      asked->sequence, [this, asked](View& view) { ask(view, asked); },
      [asked] {
        asked->answer(Error{ErrorCode::unavailable, "the view is behind the cluster; try again"});
      });
}

void WholeReads::ask(const View& view, const std::shared_ptr<Question>& question) {
  for (const auto& writing : writings_) {
    if (writing->for_whom.front()->key != question->key) continue;
    if (writing->begun && writing->sequence < question->sequence) continue;
    ++shared_answers_;
    writing->for_whom.push_back(question);
    return;
  }
  auto writing = std::make_shared<Writing>();
  writing->for_whom.push_back(question);
  writings_.push_back(std::move(writing));
  if (writings_.size() == 1) begin(view);
}

void WholeReads::begin(const View& view) {
  const auto writing = writings_.front();
  writing->begun = true;
  writing->sequence = view.state().sequence();
  writing_.post([this, question = writing->for_whom.front(), state = view.state()] {
    Result<Text> text = write(state, *question);
    view_.post([this, text = std::move(text)](View& later) { finish(later, text); });
  });
}

void WholeReads::finish(const View& view, const Result<Text>& text) {
  const auto writing = writings_.front();
  writings_.pop_front();
  for (const auto& question : writing->for_whom) {
    packing_.post([question, text] { question->answer(text); });
  }
  if (!writings_.empty()) begin(view);
}

Result<WholeReads::Text> WholeReads::write(const ViewState& state, const Question& question) {
  auto text = question.write(state);
  if (!text.ok()) return text.error();
  const auto held = std::make_shared<const Counted>(std::move(text).value(), unsent_bytes_);
  return Text(held, &held->text);
}

}  // namespace bourse::master
