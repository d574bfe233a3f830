// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <string>

#include <libsoup/soup.h>

#include "glue/gstptr.hpp"

namespace live {

// Hands requests of publishers on to a worker's WHIP endpoint (RFC 9725), and its answers back: signalling only, a few
// kilobytes a publisher. The main thread's.
class WhipProxy {
 public:
  using OnAnswer = std::function<void(unsigned status)>;

  WhipProxy();

  // Answers `message`, which is paused meanwhile. `from` is the endpoint's path as the publisher sees it, `resource` what
  // he asks for below it ("" or "/…"). The worker knows one `token`, whoever has let the publisher in by what. It is
  // told to `on_answer` what he was answered.
  void forward(SoupServerMessage* message, const std::string& from, const std::string& resource,
               unsigned port, const std::string& token, OnAnswer on_answer = {});

 private:
  onair::GstPtr<SoupSession> session_;
};

}  // namespace live
