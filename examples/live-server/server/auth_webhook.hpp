// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>

#include <libsoup/soup.h>

#include "glue/gstptr.hpp"
#include "server/auth_messages.hpp"

namespace live {

// Asks others whether somebody may publish, by POST, signed as Webhook does where there is a secret. Who can't be
// reached, or does not answer in time, lets nobody in. Main thread.
class AuthWebhook {
 public:
  using OnAnswer = std::function<void(const AuthAnswer& answer)>;
  // From the question to the end of the answer.
  static constexpr unsigned kMostMs = 5000;
  // Bytes of an answer.
  static constexpr gsize kMostBytes = 64 << 10;

  explicit AuthWebhook(std::string secret);

  // Calls later.
  void ask(const std::string& url, const Guest& guest, OnAnswer call);

 private:
  const std::string secret_;
  const onair::GstPtr<SoupSession> session_;
};

}  // namespace live
