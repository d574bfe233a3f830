// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gst/gst.h>
#include <libsoup/soup.h>

#include "glue/control_thread.hpp"
#include "glue/gstptr.hpp"
#include "glue/guarded.hpp"
#include "rtcingest/request_budget.hpp"
#include "rtcingest/session.hpp"
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
    bool send_eos = false;
    bool takes_simulcast = false;
    Duration takeover_time{};  // silence after which a newcomer gets the place
    Session::Config session;
  };
  struct Event {
    enum class Kind { Offered, Connected, Silent, Resumed, Ended } kind;
    std::string session_id;
    std::string remote_address;
    std::string user_agent;
    bool has_audio = false;
    bool has_video = false;
    std::string layers;  // rids of a simulcast: "h;m;l"
    EndReason reason = EndReason::Stopped;
    std::string detail;
  };
  struct Stats {
    std::string session_id;  // empty: nobody publishes
    bool is_connected = false;
    std::vector<ReceivedStream::Stats> streams;
    guint64 sessions = 0;
    guint64 requests = 0;
    guint64 refused_requests = 0;
    guint64 ice_restarts = 0;
  };

  Endpoint(ControlThread& control, Config config, std::function<void(const Event&)> on_event);
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
  void set_ready(bool is_ready) { is_ready_ = is_ready; }
  bool on_bus_error(GstMessage* message);
  [[nodiscard]] Stats stats();

 private:
  void on_headers(SoupServerMessage* message);
  void on_request(SoupServerMessage* message, const char* path);
  void respond(SoupServerMessage* message, const Response& response);
  void publish(SoupServerMessage* message, Plan plan);
  Response restart_ice(const SdpFragment& fragment);
  void on_answer(std::string answer);
  [[nodiscard]] EndpointState state() const;
  void tick();
  void emit(Event::Kind kind, EndReason reason = EndReason::Stopped,
            const std::string& detail = {});

  ControlThread& control_;
  const Config config_;
  const std::function<void(const Event&)> on_event_;
  std::atomic<bool> is_ready_ = false;
  Guarded<std::shared_ptr<Session>> session_;  // changed on the control thread only
  Guarded<Stats> counters_;

  // Control thread only.
  GstPtr<SoupServer> server_;
  guint port_ = 0;
  RequestBudget budget_{RequestBudget::Config{}};
  SessionState session_state_;
  std::string remote_address_;
  std::string user_agent_;
  unsigned ice_generation_ = 0;
  bool is_eos_ = false;
  GstPtr<SoupServerMessage> pending_;             // the POST that waits for its answer
  std::vector<std::shared_ptr<Outlet>> leaving_;  // of former sessions, still handing packets on
};

}  // namespace onair::whip
