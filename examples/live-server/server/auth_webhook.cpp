// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/auth_webhook.hpp"

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "api/channels.hpp"
#include "log.hpp"
#include "random_text.hpp"
#include "server/webhook.hpp"
#include "timer.hpp"

namespace live {
namespace {

using onair::ErrorPtr;
using onair::GstPtr;

constexpr unsigned kIdLength = 20;
// Of questions at a time; libsoup's own limit of two for a host would let one who is slow use up the time of all.
constexpr int kMostConnections = 64;

// One that is on its way.
struct Question {
  std::string channel;
  std::string url;
  GstPtr<SoupMessage> message;
  GstPtr<GCancellable> cancellable;
  std::vector<char> body;
  AuthWebhook::OnAnswer call;
  Timer timer;
};

void fail(const Question& question, const ErrorPtr& error) {
  const bool is_late = g_cancellable_is_cancelled(question.cancellable.get()) == TRUE;
  log_line("%s: %s does not say whether somebody may publish (%s)", question.channel.c_str(),
           question.url.c_str(), is_late ? "it took too long" : error->message);
  question.call({.reason = is_late ? "Who decides on publishers has not answered in time."
                                   : "Who decides on publishers can't be reached."});
}

void on_body(GObject* stream, GAsyncResult* result, gpointer data) {
  const std::unique_ptr<Question> question{static_cast<Question*>(data)};
  GError* raw = nullptr;
  gsize size = 0;
  const bool is_read =
      g_input_stream_read_all_finish(G_INPUT_STREAM(stream), result, &size, &raw) == TRUE;
  const ErrorPtr error{raw};
  question->timer.stop();
  if (!is_read)
    return fail(*question, error);
  // One that is longer is cut off, and can't be read then.
  const auto answer = read_auth_answer(soup_message_get_status(question->message.get()),
                                       {question->body.data(), size});
  log_line("%s: %s says: %s", question->channel.c_str(), question->url.c_str(),
           answer.is_allowed ? "allowed" : answer.reason.c_str());
  question->call(answer);
}

void on_headers(GObject* session, GAsyncResult* result, gpointer data) {
  std::unique_ptr<Question> question{static_cast<Question*>(data)};
  GError* raw = nullptr;
  const auto stream =
      GstPtr<GInputStream>::adopt(soup_session_send_finish(SOUP_SESSION(session), result, &raw));
  const ErrorPtr error{raw};
  if (!stream) {
    question->timer.stop();
    return fail(*question, error);
  }
  question->body.resize(AuthWebhook::kMostBytes);
  auto* its = question.release();
  g_input_stream_read_all_async(stream.get(), its->body.data(), its->body.size(),
                                G_PRIORITY_DEFAULT, its->cancellable.get(), on_body, its);
}

}  // namespace

AuthWebhook::AuthWebhook(std::string secret)
    : secret_{std::move(secret)},
      session_{GstPtr<SoupSession>::adopt(
          soup_session_new_with_options("user-agent", "gst-onair", "max-conns", kMostConnections,
                                        "max-conns-per-host", kMostConnections, nullptr))} {}

void AuthWebhook::ask(const std::string& url, const Guest& guest, OnAnswer call) {
  auto question = std::make_unique<Question>();
  question->channel = guest.channel_id;
  question->url = url;
  question->call = std::move(call);
  question->cancellable = GstPtr<GCancellable>::adopt(g_cancellable_new());
  question->message = GstPtr<SoupMessage>::adopt(soup_message_new("POST", url.c_str()));
  auto* message = question->message.get();
  soup_message_set_flags(message, SOUP_MESSAGE_NO_REDIRECT);
  const auto body = json_text(
      auth_question(guest, random_text(kIdLength), date_time(std::chrono::system_clock::now())));
  if (!secret_.empty())
    soup_message_headers_replace(
        soup_message_get_request_headers(message), "X-Onair-Signature",
        webhook_signature(secret_, g_get_real_time() / G_USEC_PER_SEC, body).c_str());
  GBytes* bytes = g_bytes_new(body.data(), body.size());
  soup_message_set_request_body_from_bytes(message, "application/json", bytes);
  g_bytes_unref(bytes);
  auto* its = question.release();
  its->timer.start(kMostMs, [its] { g_cancellable_cancel(its->cancellable.get()); });
  soup_session_send_async(session_.get(), message, G_PRIORITY_DEFAULT, its->cancellable.get(),
                          on_headers, its);
}

}  // namespace live
