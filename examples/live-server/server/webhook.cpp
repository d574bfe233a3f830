// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/webhook.hpp"

#include <utility>

#include "api/channels.hpp"
#include "log.hpp"
#include "random_text.hpp"

namespace live {
namespace {

using onair::ErrorPtr;
using onair::GMemory;
using onair::GstPtr;

constexpr unsigned kIdLength = 20;

WebhookQueue::Time now() {
  return std::chrono::steady_clock::now();
}

std::int64_t seconds_since_1970() {
  return g_get_real_time() / G_USEC_PER_SEC;
}

}  // namespace

std::string webhook_signature(const std::string& secret, std::int64_t seconds,
                              const std::string& body) {
  const auto signed_text = std::to_string(seconds) + "." + body;
  const GMemory<char> hmac{g_compute_hmac_for_data(
      G_CHECKSUM_SHA256, reinterpret_cast<const guchar*>(secret.data()), secret.size(),
      reinterpret_cast<const guchar*>(signed_text.data()), signed_text.size())};
  return "t=" + std::to_string(seconds) + ",v1=" + hmac.get();
}

Webhook::Webhook(std::string name, std::string url, std::string secret, OnOutcome on_outcome)
    : name_{std::move(name)},
      url_{std::move(url)},
      secret_{std::move(secret)},
      on_outcome_{std::move(on_outcome)},
      session_{GstPtr<SoupSession>::adopt(soup_session_new_with_options(
          "timeout", kTimeoutSeconds, "user-agent", "gst-onair", nullptr))},
      cancellable_{GstPtr<GCancellable>::adopt(g_cancellable_new())} {}

Webhook::~Webhook() {
  g_cancellable_cancel(cancellable_.get());
}

void Webhook::send(Json event) {
  event["id"] = random_text(kIdLength);
  event["time"] = date_time(std::chrono::system_clock::now());
  queue_.push(event.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (const auto dropped = queue_.take_dropped()) {
    log_of(name_, LogLevel::Warning, "%zu event(s) are not sent to %s, as too many wait", dropped,
           url_.c_str());
    for (std::size_t i = 0; i < dropped; ++i)
      on_outcome_(Outcome::Lost);
  }
  pump();
}

void Webhook::pump() {
  if (const auto body = queue_.take(now())) {
    message_ = GstPtr<SoupMessage>::adopt(soup_message_new("POST", url_.c_str()));
    soup_message_set_flags(message_.get(), SOUP_MESSAGE_NO_REDIRECT);
    const auto signature = webhook_signature(secret_, seconds_since_1970(), *body);
    soup_message_headers_replace(soup_message_get_request_headers(message_.get()),
                                 "X-Onair-Signature", signature.c_str());
    GBytes* bytes = g_bytes_new(body->data(), body->size());
    soup_message_set_request_body_from_bytes(message_.get(), "application/json", bytes);
    g_bytes_unref(bytes);
    soup_session_send_and_read_async(session_.get(), message_.get(), G_PRIORITY_DEFAULT,
                                     cancellable_.get(), &Webhook::on_answer, this);
  }
  if (const auto next = queue_.next()) {
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*next - now()).count();
    timer_.start(static_cast<guint>(std::max<std::int64_t>(wait, 0)), [this] { pump(); });
  }
}

void Webhook::on_answer(GObject* session, GAsyncResult* result, gpointer data) {
  GError* raw = nullptr;
  GBytes* body = soup_session_send_and_read_finish(SOUP_SESSION(session), result, &raw);
  const ErrorPtr error{raw};
  if (g_error_matches(raw, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;  // deleted
  auto* self = static_cast<Webhook*>(data);
  const unsigned status = body ? unsigned{soup_message_get_status(self->message_.get())} : 0;
  if (body)
    g_bytes_unref(body);
  const bool is_taken = SOUP_STATUS_IS_SUCCESSFUL(status);
  if (!is_taken && self->queue_.attempts() == 1)
    log_of(self->name_, LogLevel::Warning, "%s does not take an event (%s); it is sent again",
           self->url_.c_str(), error ? error->message : std::to_string(status).c_str());
  self->on_outcome_(is_taken ? Outcome::Delivered : Outcome::Failed);
  if (!self->queue_.on_answer(now(), is_taken)) {
    log_of(self->name_, LogLevel::Warning, "an event is given up, as %s has not taken it for a day",
           self->url_.c_str());
    self->on_outcome_(Outcome::Lost);
  }
  self->pump();
}

}  // namespace live
