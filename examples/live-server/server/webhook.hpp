// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>

#include <libsoup/soup.h>

#include "glue/gstptr.hpp"
#include "json_fields.hpp"
#include "server/webhook_queue.hpp"
#include "timer.hpp"

namespace live {

// Tells one receiver what happens, by POST. What it sends is signed:
//   X-Onair-Signature: t=SECONDS,v1=HEX    HEX: HMAC-SHA256 with the secret of "SECONDS." and the body
// An answer of 2xx takes it; else it is sent again. Main thread.
class Webhook {
 public:
  // How long a receiver may take to answer.
  static constexpr unsigned kTimeoutSeconds = 10;

  enum class Outcome { Delivered, Failed, Lost };  // failed: it is sent again
  using OnOutcome = std::function<void(Outcome outcome)>;

  // `name` is for the log.
  Webhook(std::string name, std::string url, std::string secret, OnOutcome on_outcome);
  ~Webhook();
  Webhook(const Webhook&) = delete;
  Webhook& operator=(const Webhook&) = delete;

  // An "id" of its own, by which a receiver knows what it has been sent twice, and a "time" are added.
  void send(Json event);
  [[nodiscard]] std::size_t waiting() const { return queue_.waiting(); }
  // Whether all has been told.
  [[nodiscard]] bool is_idle() const { return queue_.waiting() == 0; }

 private:
  static void on_answer(GObject* session, GAsyncResult* result, gpointer self);
  void pump();

  const std::string name_;
  const std::string url_;
  const std::string secret_;
  const OnOutcome on_outcome_;
  WebhookQueue queue_;
  onair::GstPtr<SoupSession> session_;
  onair::GstPtr<SoupMessage> message_;  // that is on its way
  onair::GstPtr<GCancellable> cancellable_;
  Timer timer_;
};

// As X-Onair-Signature has it.
std::string webhook_signature(const std::string& secret, std::int64_t seconds,
                              const std::string& body);

}  // namespace live
