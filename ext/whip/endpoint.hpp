// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gst/gst.h>
#include <libsoup/soup.h>

#include "glue/control_thread.hpp"
#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "rtcingest/publisher.hpp"
#include "rtcingest/publisher_place.hpp"
#include "rtcingest/request_budget.hpp"
#include "whip_protocol.hpp"

namespace onair::whip {

// The WHIP endpoint on HTTP: one SoupServer, at most one publisher's session. Lives on its control
// thread; what other threads may call says so.
class Endpoint {
 public:
  struct Config {
    std::string address;
    guint port = 0;  // 0: any free one
    std::string path;
    std::string token;
    guint max_request_size = 0;  // bytes
    bool takes_simulcast = false;
    PublisherPlace::Config place;
  };
  struct Counters {
    guint64 requests = 0;
    guint64 refused_requests = 0;
    guint64 ice_restarts = 0;
  };
  struct Stats {
    PublisherStats publisher;
    Counters counters;
  };

  Endpoint(ControlThread& control, Config config,
           std::function<void(const PublisherEvent&)> on_event);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // Empty when it listens, else why it does not.
  [[nodiscard]] std::string listen();
  [[nodiscard]] guint port() const { return port_; }
  void stop();
  // Ends the publisher's session, if there is one; the endpoint goes on.
  void end_session(EndReason reason, const std::string& detail);
  // Takes no more publishers, and ends the one there is with an EOS on its pads.
  void send_eos();

  // Any thread.
  void set_ready(bool is_ready) { place_.set_ready(is_ready); }
  bool on_bus_error(GstMessage* message) { return place_.on_bus_error(message); }
  [[nodiscard]] Stats stats() { return {.publisher = place_.stats(), .counters = counters_.get()}; }

 private:
  void on_headers(SoupServerMessage* message);
  void on_request(SoupServerMessage* message, const char* path);
  void respond(SoupServerMessage* message, const Response& response);
  void publish(SoupServerMessage* message, Plan plan);
  Response restart_ice(const SdpFragment& fragment);
  void on_answer(std::string answer);
  [[nodiscard]] EndpointState state() const;
  void tick();
  void emit(PublisherEvent::Kind kind, EndReason reason = EndReason::Stopped,
            const std::string& detail = {});

  ControlThread& control_;
  const Config config_;
  const std::function<void(const PublisherEvent&)> on_event_;
  PublisherPlace place_;
  Guarded<Counters> counters_;

  // Control thread only.
  GstPtr<SoupServer> server_;
  guint port_ = 0;
  RequestBudget budget_{RequestBudget::Config{}};
  SessionState session_state_;
  std::string remote_address_;
  std::string user_agent_;
  unsigned ice_generation_ = 0;
  GstPtr<SoupServerMessage> pending_;  // the POST that waits for its answer
};

}  // namespace onair::whip
